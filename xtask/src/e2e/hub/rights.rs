//! Who may not do what: shown for the command line and for the API behind it.

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::e2e::hub::person::{Person, log_in};
use crate::e2e::hub::{CUSTOMIZATION, DEFINITION, ORGANIZATION, REPOSITORY};
use crate::e2e::image;
use crate::e2e::scenario::Scenario;
use crate::e2e::server::Server;
use crate::http::send;

const PASSWORD: &str = "correct horse battery staple";

pub(crate) fn checks(scenario: &Scenario, server: &Server, admin: &Person) {
    let people = scenario.setup("a_member_and_a_stranger_log_in", || {
        let member = newcomer(scenario, server, admin, "mary")?;
        let stranger = newcomer(scenario, server, admin, "sam")?;
        admin.run(&["org", "member", "add", ORGANIZATION, "mary"])?;
        Ok((member, stranger))
    });
    let Ok((member, stranger)) = people else { return };
    scenario.check("a_member_who_is_no_owner_cannot_mirror", || cannot_mirror(server, &member));
    scenario.check("a_token_for_reading_cannot_create", || cannot_create(scenario, server, &member));
    scenario
        .check("a_stranger_learns_nothing_of_a_repository", || learns_nothing(scenario, server, &stranger));
}

fn newcomer<'a>(
    scenario: &'a Scenario<'a>,
    server: &Server,
    admin: &Person,
    name: &str,
) -> Result<Person<'a>> {
    let secret = scenario.path(format!("password-{name}"));
    std::fs::write(&secret, PASSWORD).context("writing a password")?;
    admin.client().args(["user", "create", name]).input(&secret)?.succeeds()?;
    log_in(scenario, server, name, PASSWORD)
}

/// Asks the API as a person; returns status and body.
fn api(
    server: &Server,
    person: &str,
    secret: &str,
    method: &str,
    path: &str,
    body: &str,
) -> Result<(u16, String)> {
    let proof = format!("Basic {}", STANDARD.encode(format!("{person}:{secret}")));
    let headers = [("authorization", proof.as_str()), ("content-type", "application/json")];
    let answer = send(server.address(), method, &format!("/api/v1{path}"), &headers, body.as_bytes())?;
    Ok((answer.status, answer.text()))
}

fn cannot_mirror(server: &Server, member: &Person) -> Result<()> {
    let start = ["mirror", "start", "--org", ORGANIZATION, DEFINITION, "--repo", "acme/second"];
    let captured = member.client().args(start).exits_with(1)?;
    ensure!(captured.stderr.contains("an owner of organization `acme`"), "{}", captured.stderr);
    let body = json!({ "source": DEFINITION, "repository": "acme/second" }).to_string();
    let (status, text) = api(server, "mary", PASSWORD, "POST", "/organizations/acme/mirrors", &body)?;
    ensure!(status == 403 && text.contains("an owner"), "{status} {text}");
    Ok(())
}

fn cannot_create(scenario: &Scenario, server: &Server, member: &Person) -> Result<()> {
    let made = member.json(&["token", "create", "reader"])?;
    let token = image::text(&made, "token").or_else(|_| image::text(&made, "secret"))?;
    let file = scenario.path("second.yaml");
    std::fs::write(&file, CUSTOMIZATION.replace("bash with jq", "second"))
        .context("writing a customization")?;
    let create = ["customization", "create", &file.to_string_lossy(), "--org", ORGANIZATION];
    let captured = member.client().args(create).env("TEMPER_TOKEN", token).exits_with(1)?;
    ensure!(captured.stderr.contains("an access token that may write"), "{}", captured.stderr);
    let body = json!({ "name": "images", "repositories": [] }).to_string();
    let (status, text) = api(server, "mary", token, "POST", "/user/tokens", &body)?;
    ensure!(status == 403, "{status} {text}");
    Ok(())
}

fn learns_nothing(scenario: &Scenario, server: &Server, stranger: &Person) -> Result<()> {
    let ask = |repository: &str| {
        let captured = stranger.client().args(["repo", "get", repository]).exits_with(1)?;
        Ok::<_, anyhow::Error>(captured.stderr.replace(repository, "it"))
    };
    let (there, not_there) = (ask(REPOSITORY)?, ask("acme/nothing")?);
    ensure!(there == not_there, "{there} and {not_there}");
    let hidden = |repository: &str| {
        let reference = format!("docker://{}/{repository}:5", server.address());
        let inspect =
            ["inspect", "--raw", "--tls-verify=false", "--creds", &format!("sam:{PASSWORD}"), &reference];
        let captured = scenario.tool("skopeo")?.args(inspect).fails()?;
        Ok::<_, anyhow::Error>(captured.stderr.replace(repository, "it"))
    };
    let (there, not_there) = (hidden(REPOSITORY)?, hidden("acme/nothing")?);
    let reason = |text: &str| text.split("reading manifest").last().unwrap_or_default().to_owned();
    ensure!(reason(&there) == reason(&not_there), "{there} and {not_there}");
    let path = |name: &str| format!("/organizations/{ORGANIZATION}/repositories/{name}");
    let (status, _) = api(server, "sam", PASSWORD, "GET", &path("dhi-bash"), "")?;
    let (other, _) = api(server, "sam", PASSWORD, "GET", &path("nothing"), "")?;
    ensure!(status == 404 && other == 404, "{status} and {other}");
    Ok(())
}
