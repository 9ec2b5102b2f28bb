//! A team's day with a server: a mirror, a customization, rebuilds; commands alone, on an empty folder.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::e2e::image;
use crate::e2e::people::cast::{Cast, PASSWORD};
use crate::e2e::scenario::Scenario;
use crate::e2e::second::Second;
use crate::invocation::Captured;

const ORGANIZATION: &str = "acme";
/// Who owns it, and does most.
const OWNER: &str = "olga";
const REPOSITORY: &str = "acme/dhi-bash";
const DEFINITION: &str = "bash/debian-13/5";
const NAME: &str = "bash with jq";
const TAG: &str = "5_bash-with-jq";

const CUSTOMIZATION: &str = "name: bash with jq
targets:
  - destination: acme/dhi-bash
    tag_definition_id: bash/debian-13/5
contents:
  packages: [jq]
paths:
  - {path: /etc/motd, contents: \"welcome\\n\", mode: \"0644\", uid: 0, gid: 0}
environment: {LOG_LEVEL: info}
platforms: [linux/amd64, linux/arm64]
";

/// Longest wait for something that a server does by itself: the build of an image on a busy machine.
const PATIENCE: Duration = Duration::from_mins(5);
const POLL_INTERVAL: Duration = Duration::from_millis(300);

pub(crate) fn suite(scenario: &Scenario) -> Result<()> {
    let cast = scenario.setup("an_empty_folder_is_served", || Cast::begin(scenario))?;
    scenario.setup("an_organization_is_made", || cast.people())?;
    let day = Day { scenario, cast };
    scenario.setup("a_definition_is_mirrored", || day.mirror())?;
    let id = scenario.setup("a_customization_is_created_and_its_log_followed", || day.create())?;
    let token = scenario.setup("a_token_for_pushing_is_made", || day.token())?;
    scenario.check("skopeo_pulls_the_tag", || day.pulls(&token));
    scenario.check("what_get_prints_is_taken_by_edit", || day.edits(&id));
    scenario.check("a_stale_edit_is_refused", || day.is_too_late());
    scenario.check("a_folder_is_applied", || day.applies());
    scenario.check("tags_go_back_and_follow_again", || day.rolls_back());
    scenario.check("a_push_to_the_base_rebuilds_what_is_on_it", || day.base_moves(&token));
    for (repository, tag) in [(REPOSITORY, "5"), (REPOSITORY, TAG), ("acme/pushed", "1_on-a-tag")] {
        let name = format!("{repository}_{tag}").replace(['/', '-'], "_");
        scenario
            .check(&format!("{name}_is_reproduced"), || day.is_reproduced(&token, repository, tag, &name));
    }
    scenario.check("a_member_who_is_no_owner_cannot_mirror", || day.member_cannot_mirror());
    scenario.check("a_token_for_reading_cannot_create", || day.reader_cannot_create());
    scenario.check("a_stranger_learns_of_no_customization", || day.stranger_learns_nothing(&id));
    Ok(())
}

/// Asks until there is an answer.
fn wait<T>(what: &str, mut ask: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if let Some(found) = ask()? {
            return Ok(found);
        }
        thread::sleep(POLL_INTERVAL);
    }
    bail!("{what} did not come within {} s", PATIENCE.as_secs())
}

/// The server and its people.
struct Day<'a> {
    scenario: &'a Scenario<'a>,
    cast: Cast<'a>,
}

impl Day<'_> {
    fn run(&self, arguments: &[&str]) -> Result<String> {
        self.cast.temper(OWNER).args(arguments).succeeds()
    }

    fn json(&self, arguments: &[&str]) -> Result<Value> {
        image::json(&self.cast.temper(OWNER).args(arguments).args(["--json"]).succeeds()?)
    }

    /// Writes a document; returns its path.
    fn write(&self, name: &str, text: &str) -> Result<String> {
        let file = self.scenario.path(name);
        fs::write(&file, text).with_context(|| format!("writing {}", file.display()))?;
        Ok(file.to_string_lossy().into_owned())
    }

    fn reference(&self, repository: &str, tag: &str) -> String {
        format!("{}/{repository}:{tag}", self.cast.address())
    }

    fn mirror(&self) -> Result<()> {
        self.run(&["mirror", "start", "--org", ORGANIZATION, DEFINITION, "--repo", REPOSITORY])?;
        let mirror = self.json(&["mirror", "get", REPOSITORY])?;
        ensure!(mirror["lines"][0]["tag_definition_id"] == DEFINITION, "{mirror}");
        wait("the mirrored image", || {
            let captured = self.inspect(&format!("{OWNER}:{PASSWORD}"), REPOSITORY, "5")?;
            Ok(captured.succeeded().then_some(()))
        })
    }

    /// Asks the registry for an index.
    fn inspect(&self, credentials: &str, repository: &str, tag: &str) -> Result<Captured> {
        let reference = format!("docker://{}", self.reference(repository, tag));
        let inspect = ["inspect", "--raw", "--tls-verify=false", "--creds", credentials, &reference];
        self.scenario.tool("skopeo")?.args(inspect).run()
    }

    /// Creates the customization and follows the log of its build; returns its id.
    fn create(&self) -> Result<String> {
        let file = self.write("customization.yaml", CUSTOMIZATION)?;
        let create = ["customization", "create", &file, "--org", ORGANIZATION, "--follow"];
        let captured = self.cast.temper(OWNER).args(create).exits_with(0)?;
        let log = format!("{}{}", captured.stdout, captured.stderr);
        ensure!(log.contains("choose packages") && log.contains("succeeded"), "{log}");
        let listed = self.json(&["customization", "list", "--org", ORGANIZATION])?;
        let first = &listed["items"][0];
        ensure!(first["name"] == NAME, "{listed}");
        Ok(image::text(first, "id")?.to_owned())
    }

    fn token(&self) -> Result<String> {
        let made = self.json(&["token", "create", "push", "--write"])?;
        Ok(format!("{}:{}", OWNER, image::text(&made, "secret")?))
    }

    fn pulls(&self, token: &str) -> Result<()> {
        let captured = self.inspect(token, REPOSITORY, TAG)?;
        let index = image::json(&captured.stdout)?;
        let manifests = index["manifests"].as_array().context("it is no index")?;
        let architectures: Vec<_> =
            manifests.iter().map(|manifest| &manifest["platform"]["architecture"]).collect();
        ensure!(architectures == [&json!("amd64"), &json!("arm64")], "{index}");
        let stranger = self.inspect(&format!("sam:{PASSWORD}"), REPOSITORY, TAG)?;
        ensure!(!stranger.succeeded(), "a stranger pulls it");
        Ok(())
    }

    fn edits(&self, id: &str) -> Result<()> {
        let document = self.run(&["customization", "get", id])?;
        let changed = document.replace("LOG_LEVEL: info", "LOG_LEVEL: debug");
        ensure!(changed != document, "{document}");
        let file = self.write("edited.yaml", &changed)?;
        self.run(&["customization", "edit", &file, "--follow"])?;
        let build = self.newest(REPOSITORY, NAME)?;
        ensure!(build["state"] == "succeeded" && build["causes"][0]["kind"] == "edited", "{build}");
        let history = self.json(&["customization", "history", id])?;
        ensure!(history["items"].as_array().map(Vec::len) == Some(2), "{history}");
        Ok(())
    }

    fn is_too_late(&self) -> Result<()> {
        let file = self.scenario.path("edited.yaml");
        let edit = ["customization", "edit", &file.to_string_lossy(), "--if-version", "1"];
        let captured = self.cast.temper(OWNER).args(edit).exits_with(1)?;
        ensure!(captured.stderr.contains("was changed since it was read"), "{}", captured.stderr);
        Ok(())
    }

    fn applies(&self) -> Result<()> {
        let folder = self.scenario.path("folder");
        fs::create_dir_all(&folder).context("making a folder")?;
        self.write("folder/bash.yaml", CUSTOMIZATION)?;
        let folder = folder.to_string_lossy().into_owned();
        let apply = ["customization", "apply", "-f", &folder, "--org", ORGANIZATION];
        let dry_run = || self.cast.temper(OWNER).args(apply).args(["--dry-run"]);
        let drift = dry_run().exits_with(1)?;
        ensure!(drift.stdout.contains("environment.LOG_LEVEL"), "{}", drift.stdout);
        self.run(&[&apply[..], &["--force"]].concat())?;
        dry_run().succeeds()?;
        wait("the end of the build", || {
            Ok((self.newest(REPOSITORY, NAME)?["state"] == "succeeded").then_some(()))
        })
    }

    /// The tags go back to the first build, stay there, and follow again once they are released.
    fn rolls_back(&self) -> Result<()> {
        let builds = self.builds(REPOSITORY, NAME)?;
        let first = builds.last().context("no builds")?;
        let (id, digest) = (image::text(first, "id")?, image::text(first, "digest")?);
        self.run(&["customization", "build", "rollback", id])?;
        let listed = self.json(&["customization", "list", "--org", ORGANIZATION])?;
        ensure!(listed["items"][0]["targets"][0]["tags"][0]["digest"] == digest, "{listed}");
        let run = ["customization", "build", "run", REPOSITORY, NAME];
        let refused = self.cast.temper(OWNER).args(run).exits_with(1)?;
        ensure!(refused.stderr.contains("are held at an earlier build"), "{}", refused.stderr);
        self.run(&["customization", "build", "release", REPOSITORY, NAME]).map(drop)
    }

    /// Somebody pushes a base, then another under the same tag: what stands on it follows, and nothing else.
    fn base_moves(&self, token: &str) -> Result<()> {
        let root = format!("{}:static", image::layout(&self.scenario.path("static")));
        let build = ["catalog", "build", "static/debian-13/13", "--no-sign", "--output", &root];
        self.scenario.temper().args(build).succeeds()?;
        let old = self.push_base(token, &root, "one")?;
        let file = self.write(
            "on-a-tag.yaml",
            "name: on a tag\ntargets:\n  - {destination: acme/pushed, tag: \"1\"}\nenvironment: {LEVEL: info}\n",
        )?;
        self.run(&["customization", "create", &file, "--org", ORGANIZATION, "--follow"])?;
        let others = self.builds(REPOSITORY, NAME)?.len();
        let new = self.push_base(token, &root, "two")?;
        let build = wait("the rebuild", || {
            let build = self.newest("acme/pushed", "on a tag")?;
            Ok((build["number"] == 2 && build["state"] == "succeeded").then_some(build))
        })?;
        let cause = &build["causes"][0];
        ensure!(cause["kind"] == "base" && cause["old"] == old && cause["new"] == new, "{cause}");
        let now = self.builds(REPOSITORY, NAME)?.len();
        ensure!(now == others, "a customization of another base has {now} builds in place of {others}");
        Ok(())
    }

    /// Pushes a base that differs from every other; returns its digest.
    fn push_base(&self, token: &str, root: &str, content: &str) -> Result<String> {
        let document = format!(
            "name: base\ntargets:\n  - {{destination: acme/pushed, tag: \"1\"}}\nplatforms: [linux/amd64]\n\
             environment: {{BASE: \"{content}\"}}\n"
        );
        let file = self.write(&format!("base-{content}.yaml"), &document)?;
        let layout = image::layout(&self.scenario.path(format!("base-{content}")));
        let output = format!("{layout}:1");
        let build = ["build", &file, "--base", root, "--output", &output, "--no-sign", "--json"];
        let built = image::json(&self.scenario.temper().args(build).succeeds()?)?;
        let reference = format!("docker://{}", self.reference("acme/pushed", "1"));
        let copy = ["copy", "--all", "--dest-tls-verify=false", "--dest-creds", token, &output, &reference];
        self.scenario.tool("skopeo")?.args(copy).succeeds()?;
        Ok(image::text(&built, "digest")?.to_owned())
    }

    /// A machine that has nothing but a login and the server's public key builds an image of the server again.
    fn is_reproduced(&self, token: &str, repository: &str, tag: &str, name: &str) -> Result<()> {
        let key = format!("http://{}/keyring/latest.pub", self.cast.address());
        let second = Second::new(self.scenario, &format!("second-{name}"), key)?;
        let logins = second.home.join(".docker");
        fs::create_dir_all(&logins).context("making a folder")?;
        let login = json!({ "auth": STANDARD.encode(token) });
        let logins_of = json!({ "auths": { (self.cast.address().to_string()): login } });
        fs::write(logins.join("config.json"), logins_of.to_string()).context("writing a login")?;
        second.reproduces(&self.reference(repository, tag), &[])
    }

    fn member_cannot_mirror(&self) -> Result<()> {
        let start = ["mirror", "start", "--org", ORGANIZATION, DEFINITION, "--repo", "acme/second"];
        let captured = self.cast.temper("mia").args(start).exits_with(1)?;
        ensure!(captured.stderr.contains("an owner of organization `acme`"), "{}", captured.stderr);
        Ok(())
    }

    fn reader_cannot_create(&self) -> Result<()> {
        let made = self.json(&["token", "create", "reader"])?;
        let second = CUSTOMIZATION.replace("bash with jq", "second");
        let file = self.write("second.yaml", &second)?;
        let create = ["customization", "create", &file, "--org", ORGANIZATION];
        let captured = self.cast.with_token(image::text(&made, "secret")?).args(create).exits_with(1)?;
        ensure!(captured.stderr.contains("an access token that may write"), "{}", captured.stderr);
        Ok(())
    }

    fn stranger_learns_nothing(&self, id: &str) -> Result<()> {
        let ask = |id: &str| {
            let captured = self.cast.temper("sam").args(["customization", "get", id]).exits_with(1)?;
            Ok::<_, anyhow::Error>(captured.stderr.replace(id, "it"))
        };
        let (there, missing) = (ask(id)?, ask("01a209dc-3b9b-7e13-811f-8a74da93baf3")?);
        ensure!(there == missing, "{there} and {missing}");
        Ok(())
    }

    fn builds(&self, repository: &str, name: &str) -> Result<Vec<Value>> {
        let builds = self.json(&["customization", "build", "list", repository, name])?;
        Ok(builds["items"].as_array().with_context(|| builds.to_string())?.clone())
    }

    fn newest(&self, repository: &str, name: &str) -> Result<Value> {
        self.builds(repository, name)?.into_iter().next().context("no builds")
    }
}
