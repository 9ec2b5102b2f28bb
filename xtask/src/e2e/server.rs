//! A server in the background, ended with the case that started it.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::http::send;
use crate::invocation::Invocation;

/// A first start may build images before it listens.
const START_TIME_MAX: Duration = Duration::from_mins(5);
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// A running server.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    log: PathBuf,
}

impl Server {
    /// Starts a program that takes `--listen ADDR:PORT` and waits until the port accepts connections.
    pub(crate) fn start(command: Invocation, log: &Path) -> Result<Self> {
        let address = free_address()?;
        Self::start_at(address, command.args(["--listen", &address.to_string()]), log)
    }

    /// Starts a program that has been told to listen at `address` and waits until it accepts connections.
    pub(crate) fn start_at(address: SocketAddr, command: Invocation, log: &Path) -> Result<Self> {
        let child = command.start(log)?;
        let mut server = Self { child, address, log: log.to_owned() };
        server.wait_until_it_listens()?;
        Ok(server)
    }

    /// Host and port, as they stand in an image reference.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// What the server wrote so far, both outputs.
    pub(crate) fn output(&self) -> Result<String> {
        fs::read_to_string(&self.log).with_context(|| format!("reading {}", self.log.display()))
    }

    /// What `temper serve --json` printed when it started.
    pub(crate) fn said(&self) -> Result<Value> {
        // It takes connections before it is ready, and has said everything once it answers.
        let answer = send(self.address, "GET", "/v2/", &[], &[])?;
        ensure!(answer.status == 401, "a stranger gets {}", answer.status);
        let output = self.output()?;
        let start = output.find('{').context("the server said nothing")?;
        let end = output[start..].find("\n}").context("the server said no object")?;
        serde_json::from_str(&output[start..start + end + 2]).with_context(|| output.clone())
    }

    fn wait_until_it_listens(&mut self) -> Result<()> {
        let start = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            if let Some(status) = self.child.try_wait().context("asking for the server's state")? {
                bail!("the server ended with {status} before it listened\n{}", self.output()?);
            }
            if start.elapsed() > START_TIME_MAX {
                bail!("the server does not listen after {} s\n{}", START_TIME_MAX.as_secs(), self.output()?);
            }
            thread::sleep(POLL_INTERVAL);
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A server that has already ended cannot be killed, and that is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address of this machine that nothing listens on.
pub(crate) fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("binding a free port")?;
    listener.local_addr().context("asking for the port")
}
