//! A registry with accounts: who logs in, who may what, and what stays where it was put.

use std::ffi::OsStr;
use std::net::SocketAddr;

use anyhow::Result;

use crate::e2e::client::Client;
use crate::e2e::clients::place::{Login, Place};
use crate::e2e::clients::{Sample, ensure_says, push_sample};
use crate::e2e::scenario::Scenario;
use crate::e2e::server::Server;

/// Who may everything, as the example of an accounts file has it.
pub(crate) const ADMIN: Login = Login { user: "alice", password: "example" };

/// Who reads `acme/**` and has every right in `library/**`, which is public.
const READER: Login = Login { user: "bob", password: "example" };

/// Starts a registry that speaks TLS itself.
pub(crate) fn serve_with_tls(scenario: &Scenario) -> Result<Server> {
    let file = |name: &str| scenario.repository_path("examples/private-ca").join(name);
    let (certificate, key) = (file("localhost.crt"), file("localhost.key"));
    serve(
        scenario,
        "tls-data",
        &["--tls-cert".as_ref(), certificate.as_os_str(), "--tls-key".as_ref(), key.as_os_str()],
    )
}

/// Starts a registry that a proxy on this machine serves at `public`.
pub(crate) fn serve_behind(scenario: &Scenario, public: SocketAddr) -> Result<Server> {
    let url = format!("https://localhost:{}", public.port());
    let arguments = ["--public-url", &url, "--trusted-proxy", "127.0.0.1"].map(OsStr::new);
    serve(scenario, "proxied-data", &arguments)
}

fn serve(scenario: &Scenario, data: &str, more: &[&OsStr]) -> Result<Server> {
    let (data, accounts) = (scenario.path(data), scenario.repository_path("examples/accounts.yaml"));
    let arguments = [
        "serve".as_ref(),
        "--data-dir".as_ref(),
        data.as_os_str(),
        "--accounts".as_ref(),
        accounts.as_os_str(),
    ];
    scenario.serve(&[&arguments, more].concat())
}

/// Checks what each account may do.
pub(crate) fn check_rights(scenario: &Scenario, admin: &Place, sample: &Sample) -> Result<()> {
    let place = |name| -> Result<Place> {
        Ok(Place::plain(scenario, name, admin.host().to_owned())?.with_private_authority(scenario))
    };
    let anybody = scenario.setup("anybody_comes", || place("anybody"))?;
    let reader = scenario.setup("a_reader_logs_in", || {
        let reader = place("reader")?.with_login(READER);
        reader.log_in(|| Ok(reader.container_tool(scenario, "skopeo")?.args(["login"])))?;
        Ok(reader)
    })?;
    let copy = |place: &Place, repository: &str| -> Result<Client<'_>> {
        let to = format!("docker://{}/{repository}", admin.host());
        let copy = place.container_tool(scenario, "skopeo")?.args(["copy", "--quiet", "--all"]);
        Ok(copy.args([&sample.layout, &to]))
    };
    let digest = |place: &Place, repository: &str| -> Result<Client<'_>> {
        let reference = format!("{}/{repository}", admin.host());
        Ok(place.tool(scenario, "crane")?.args(["digest".to_owned(), reference]))
    };
    scenario.check("a_reader_pulls_and_does_not_push", || {
        push_sample(scenario, admin, sample, "read")?;
        digest(&reader, "acme/tls/read")?.succeeds()?;
        ensure_says(&copy(&reader, "acme/tls/read:other")?.fails()?.stderr, "denied")
    });
    scenario.check("everybody_pulls_what_is_public", || {
        copy(&reader, "library/base:v1")?.succeeds()?;
        digest(&anybody, "library/base:v1")?.succeeds().map(drop)
    });
    scenario.check("nobody_learns_what_exists", || {
        let [there, missing] = ["acme/tls/read:latest", "acme/tls/missing:latest"]
            .map(|repository| Ok::<_, anyhow::Error>(digest(&anybody, repository)?.fails()?.stderr));
        // crane writes the time before what it logs on the way, not before the error.
        let error = |text: &str| text.lines().filter(|line| line.starts_with("Error:")).collect::<String>();
        let (there, missing) = (error(&there?.replace("read", "missing")), error(&missing?));
        ensure_says(&missing, "UNAUTHORIZED")?;
        anyhow::ensure!(there == missing, "`{there}` differs from `{missing}`");
        Ok(())
    });
    scenario.check("an_immutable_tag_stays", || {
        let tag = "acme/dhi-python:3.13_custom-20260131.1";
        copy(admin, tag)?.succeeds()?;
        copy(admin, tag)?.succeeds()?;
        let one = admin.container_tool(scenario, "skopeo")?.args(["copy", "--quiet", &sample.layout]);
        let refused = one.args([format!("docker://{}/{tag}", admin.host())]).fails()?;
        ensure_says(&refused.stderr, "is immutable and stays at")
    });
    Ok(())
}
