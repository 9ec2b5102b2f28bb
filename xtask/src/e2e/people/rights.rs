//! Who may what from the command line, and how a refusal reads.

use anyhow::{Result, ensure};
use serde_json::Value;

use super::cast::{Cast, PASSWORD};
use crate::e2e::scenario::Scenario;

pub(crate) fn checks(scenario: &Scenario, cast: &Cast) {
    scenario.check("a_member_who_is_no_owner_may_not", || members_may_not(cast));
    scenario.check("what_is_hidden_reads_as_what_is_not_there", || hidden(cast));
    scenario.check("a_token_for_pull_cannot_create", || tokens(cast));
    scenario.check("deleting_asks", || deleting(cast));
    scenario.check("the_last_owner_stays", || last_owner(cast));
    scenario.check("a_new_password_ends_the_login", || passwords(cast));
    scenario.check("the_audit_log_tells_who_changed_what", || audit(cast));
}

fn refused(cast: &Cast, who: &str, command: &str, message: &str) -> Result<()> {
    let captured = cast.temper(who).args(command.split(' ')).exits_with(1)?;
    ensure!(captured.stderr.contains(message), "`{command}` of {who}: {}", captured.stderr);
    Ok(())
}

fn members_may_not(cast: &Cast) -> Result<()> {
    for command in [
        "org edit acme --description x",
        "org member add acme sam",
        "team create --org acme testers",
        "token create ci --org acme",
        "audit list --org acme",
        "org delete acme --force",
    ] {
        refused(cast, "mia", command, "needs an owner of organization `acme`")?;
    }
    refused(cast, "olga", "org create other", "needs an administrator of the server")?;
    refused(cast, "max", "repo set acme/dhi-app --public true", "needs the right to admin")
}

fn hidden(cast: &Cast) -> Result<()> {
    refused(cast, "sam", "org get acme", "there is no organization `acme`")?;
    refused(cast, "sam", "org get none", "there is no organization `none`")?;
    refused(cast, "sam", "repo get acme/secret", "there is no repository `acme/secret`")?;
    refused(cast, "sam", "repo get acme/none", "there is no repository `acme/none`")?;
    let own = cast.json("mia", "org list")?;
    ensure!(own["items"][0]["name"] == "acme", "{own}");
    ensure!(cast.json("sam", "org list")?["items"] == Value::Array(Vec::new()), "sam belongs nowhere");
    Ok(())
}

fn tokens(cast: &Cast) -> Result<()> {
    let made = cast.json("olga", "token create reader")?;
    let secret = made["secret"].as_str().unwrap_or_default();
    cast.with_token(secret).args(["repo", "get", "acme/secret"]).succeeds()?;
    let captured = cast.with_token(secret).args(["team", "create", "--org", "acme", "x"]).exits_with(1)?;
    ensure!(captured.stderr.contains("needs an access token that may write"), "{}", captured.stderr);
    let listed = cast.temper("olga").args(["token", "list", "--json"]).succeeds()?;
    ensure!(listed.contains("\"reader\"") && !listed.contains(secret), "it is shown once: {listed}");
    cast.temper("olga").args(["token", "revoke", "reader", "--force"]).succeeds()?;
    let captured = cast.with_token(secret).args(["repo", "get", "acme/secret"]).exits_with(1)?;
    ensure!(captured.stderr.contains("does not hold"), "{}", captured.stderr);
    Ok(())
}

fn deleting(cast: &Cast) -> Result<()> {
    let captured = cast.typing("olga", &["repo", "delete", "acme/secret"], "")?.exits_with(2)?;
    ensure!(captured.stderr.contains("`--force` does not ask"), "{}", captured.stderr);
    cast.temper("olga").args(["repo", "get", "acme/secret"]).succeeds()?;
    cast.temper("olga").args(["repo", "set", "acme/gone", "--description", "x"]).succeeds()?;
    cast.temper("olga").args(["repo", "delete", "acme/gone", "--force"]).succeeds()?;
    refused(cast, "olga", "repo get acme/gone", "there is no repository")
}

fn last_owner(cast: &Cast) -> Result<()> {
    refused(cast, "olga", "org member remove acme olga --force", "is the last owner")?;
    refused(cast, "olga", "org member add acme olga --role member", "is the last owner")?;
    refused(cast, "admin", "user delete olga --force", "last owner")?;
    refused(cast, "admin", "user edit admin --disabled true", "last administrator")
}

fn passwords(cast: &Cast) -> Result<()> {
    cast.typing("admin", &["user", "create", "paul"], PASSWORD)?.succeeds()?;
    cast.log_in("paul", PASSWORD)?;
    let both = format!("{PASSWORD}\nanother good password\n");
    cast.typing("paul", &["user", "password"], &format!("wrong\n{both}"))?.exits_with(1)?;
    cast.typing("paul", &["user", "password"], &both)?.succeeds()?;
    refused(cast, "paul", "user get", "does not hold")?;
    cast.log_in("paul", "another good password")?;
    cast.temper("paul").args(["logout"]).succeeds()?;
    let captured = cast.temper("paul").args(["user", "get"]).exits_with(2)?;
    ensure!(captured.stderr.contains("no server is known"), "{}", captured.stderr);
    cast.temper("admin").args(["user", "delete", "paul", "--force"]).succeeds().map(drop)
}

fn audit(cast: &Cast) -> Result<()> {
    let log = cast.json("olga", "audit list --org acme --action team. --actor olga")?;
    let actions: Vec<_> =
        log["items"].as_array().into_iter().flatten().map(|event| &event["action"]).collect();
    ensure!(actions == ["team.right.set", "team.member.add", "team.create"], "{log}");
    Ok(())
}
