//! The registry's blobs in an object store, behind a server that speaks the protocol of S3.

use anyhow::{Result, ensure};

use crate::e2e::crash::content::Blob;
use crate::e2e::scenario::Scenario;
use crate::e2e::server::free_address;
use crate::http::send;

const BUCKET: &str = "blobs";
/// Blobs of both sizes: sent whole, and in parts.
const BLOBS: u64 = 24;

pub(crate) fn suite(scenario: &Scenario) -> Result<()> {
    if let Err(error) = scenario.tool_path("gofakes3") {
        println!("skipped object_store: no server to test with: {error:#}");
        return Ok(());
    }
    scenario.setup("blobs_live_in_an_object_store", || round_trip(scenario))
}

fn round_trip(scenario: &Scenario) -> Result<()> {
    let address = free_address()?;
    let arguments = ["-backend", "memory", "-host", &address.to_string(), "-initialbucket", BUCKET];
    let _store = scenario.start_tool("gofakes3", &arguments.map(str::to_owned), address)?;
    let config = scenario.path("config.yaml");
    let credentials = "storage-credentials: {access-key-id: key, secret-access-key: secret}\n";
    std::fs::write(&config, credentials)?;
    let storage = format!("s3://{BUCKET}/some/prefix?endpoint=http://{address}&region=us-east-1");
    let data = scenario.path("data");
    let options = ["--storage".as_ref(), storage.as_ref(), "--data-dir".as_ref(), data.as_os_str()];
    let options = [&options[..], &["--config".as_ref(), config.as_os_str()]].concat();
    let server = scenario.serve(&[&["serve".as_ref()], &options[..]].concat())?;
    for number in 0..BLOBS {
        let (blob, bytes) = Blob::new(number);
        let path = format!("/v2/acme/one/blobs/uploads/?digest={}", blob.digest);
        let pushed = send(server.address(), "POST", &path, &[], &bytes)?;
        ensure!(pushed.status == 201, "{}", pushed.text());
        let path = format!("/v2/acme/one/blobs/{}", blob.digest);
        let pulled = send(server.address(), "GET", &path, &[], &[])?;
        ensure!(pulled.body == bytes, "blob {} has other bytes", blob.digest);
    }
    drop(server);
    scenario.temper().args(["registry", "check"]).args(&options).succeeds()?;
    let collected = scenario.temper().args(["registry", "gc", "--grace", "0s"]).args(&options).succeeds()?;
    ensure!(collected.contains(&format!(" {BLOBS} blobs")), "{collected}");
    ensure!(!data.join("registry/blobs").exists(), "blobs are in the data folder");
    Ok(())
}
