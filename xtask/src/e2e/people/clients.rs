//! Clients of the registry log in as those whom the server keeps.

use anyhow::{Result, ensure};

use super::cast::{Cast, PASSWORD};
use crate::e2e::client::Client;
use crate::e2e::clients::sample_layout;
use crate::e2e::scenario::Scenario;

pub(crate) fn checks(scenario: &Scenario, cast: &Cast) -> Result<()> {
    let layout = scenario.setup("there_is_an_image", || sample_layout(scenario))?;
    let registry = Registry { scenario, cast, layout };
    scenario.check("rights_hold_for_passwords", || registry.passwords());
    scenario.check("tokens_of_an_organization_push_where_they_may", || registry.tokens());
    scenario.check("everybody_pulls_what_is_public", || registry.public());
    scenario.check("immutable_tags_stay", || registry.immutable());
    scenario.check("who_is_disabled_is_refused", || registry.disabled());
    Ok(())
}

struct Registry<'a> {
    scenario: &'a Scenario<'a>,
    cast: &'a Cast<'a>,
    /// Layout and tag of an image.
    layout: String,
}

impl Registry<'_> {
    fn reference(&self, image: &str) -> String {
        format!("docker://{}/{image}", self.cast.address())
    }

    fn push(&self, credentials: &str, image: &str) -> Result<Client<'_>> {
        let options = ["copy", "--all", "--dest-tls-verify=false", "--dest-creds", credentials];
        Ok(self.scenario.tool("skopeo")?.args(options).args([&self.layout, &self.reference(image)]))
    }

    fn pull(&self, credentials: Option<&str>, image: &str) -> Result<Client<'_>> {
        let options = ["inspect", "--raw", "--tls-verify=false"];
        let client = self.scenario.tool("skopeo")?.args(options);
        let client = match credentials {
            Some(credentials) => client.args(["--creds", credentials]),
            None => client.args(["--no-creds"]),
        };
        Ok(client.args([self.reference(image)]))
    }

    fn passwords(&self) -> Result<()> {
        let of = |name: &str| format!("{name}:{PASSWORD}");
        self.push(&of("olga"), "acme/secret:1")?.succeeds()?;
        self.push(&of("max"), "acme/dhi-app:1")?.succeeds()?;
        let denied = self.push(&of("max"), "acme/secret:2")?.fails()?;
        ensure!(denied.stderr.contains("is denied"), "{}", denied.stderr);
        self.pull(Some(&of("mia")), "acme/secret:1")?.succeeds()?;
        let hidden = self.pull(Some(&of("sam")), "acme/secret:1")?.fails()?.stderr;
        let absent = self.pull(Some(&of("sam")), "acme/absent:1")?.fails()?.stderr;
        let words = |text: &str| text.split("msg=").nth(1).unwrap_or(text).to_owned();
        ensure!(words(&hidden).replace("secret", "absent") == words(&absent), "{hidden}{absent}");
        self.pull(None, "acme/secret:1")?.fails()?;
        self.pull(Some("mia:wrong"), "acme/secret:1")?.fails().map(drop)
    }

    fn tokens(&self) -> Result<()> {
        let made =
            self.cast.json("olga", "token create ci --org acme --write --repo acme/dhi-* --expires 1d")?;
        let push = format!("acme:{}", made["secret"].as_str().unwrap_or_default());
        let made = self.cast.json("olga", "token create pull --org acme")?;
        let pull = format!("acme:{}", made["secret"].as_str().unwrap_or_default());
        self.push(&push, "acme/dhi-app:2")?.succeeds()?;
        self.push(&push, "acme/secret:2")?.fails()?;
        self.pull(Some(&push), "acme/secret:1")?.fails()?;
        self.pull(Some(&pull), "acme/secret:1")?.succeeds()?;
        self.push(&pull, "acme/dhi-app:3")?.fails()?;
        self.cast.temper("olga").args(["token", "revoke", "ci", "--org", "acme", "--force"]).succeeds()?;
        self.push(&push, "acme/dhi-app:3")?.fails().map(drop)
    }

    fn public(&self) -> Result<()> {
        let set = |value: &str| {
            self.cast.temper("olga").args(["repo", "set", "acme/dhi-app", "--public", value]).succeeds()
        };
        set("true")?;
        self.pull(None, "acme/dhi-app:1")?.succeeds()?;
        set("false")?;
        self.pull(None, "acme/dhi-app:1")?.fails().map(drop)
    }

    fn immutable(&self) -> Result<()> {
        let olga = format!("olga:{PASSWORD}");
        self.push(&olga, "acme/fixed:v1")?.succeeds()?;
        self.cast.temper("olga").args(["repo", "set", "acme/fixed", "--immutable-tags", "v*"]).succeeds()?;
        let options = ["delete", "--tls-verify=false", "--creds", &olga];
        let kept =
            self.scenario.tool("skopeo")?.args(options).args([self.reference("acme/fixed:v1")]).fails()?;
        ensure!(kept.stderr.contains("immutable"), "{}", kept.stderr);
        let repository = self.cast.json("olga", "repo get acme/fixed")?;
        ensure!(repository["tags"] == 1, "{repository}");
        Ok(())
    }

    fn disabled(&self) -> Result<()> {
        let max = format!("max:{PASSWORD}");
        self.pull(Some(&max), "acme/dhi-app:1")?.succeeds()?;
        self.cast.temper("admin").args(["user", "edit", "max", "--disabled", "true"]).succeeds()?;
        self.pull(Some(&max), "acme/dhi-app:1")?.fails()?;
        self.cast.temper("admin").args(["user", "edit", "max", "--disabled", "false"]).succeeds().map(drop)
    }
}
