//! A TLS server with the certificate of the example's private authority.

use anyhow::Result;

use crate::e2e::scenario::Scenario;
use crate::e2e::server::{Server, free_address};

/// Starts `openssl s_server`, which answers every request with a page about the connection.
pub(crate) fn serve(scenario: &Scenario) -> Result<Server> {
    let address = free_address()?;
    let file = |name: &str| {
        scenario.repository_path("examples/private-ca").join(name).to_string_lossy().into_owned()
    };
    let arguments = [
        "s_server".to_owned(),
        "-www".to_owned(),
        "-accept".to_owned(),
        address.to_string(),
        "-cert".to_owned(),
        file("localhost.crt"),
        "-key".to_owned(),
        file("localhost.key"),
    ];
    scenario.start_tool("openssl", &arguments, address)
}
