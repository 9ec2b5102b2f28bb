//! A registry that is not ours: the other side of benchmarks and of end-to-end tests.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::invocation::Invocation;

const START_TIME_MAX: Duration = Duration::from_secs(20);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Debian's docker-registry, ended when dropped.
pub(crate) struct DockerRegistry {
    child: Child,
}

impl DockerRegistry {
    /// Serves the folder `directory` at `address`.
    pub(crate) fn start(program: &Path, directory: &Path, address: SocketAddr) -> Result<Self> {
        let command = command(program, directory, address)?;
        let registry = Self { child: command.start(&directory.join("registry.log"))? };
        let start = Instant::now();
        while TcpStream::connect(address).is_err() {
            if start.elapsed() > START_TIME_MAX {
                bail!("docker-registry does not listen at {address}");
            }
            thread::sleep(POLL_INTERVAL);
        }
        Ok(registry)
    }
}

/// The command that serves the folder `directory` at `address`.
pub(crate) fn command(program: &Path, directory: &Path, address: SocketAddr) -> Result<Invocation> {
    fs::create_dir_all(directory)?;
    let configuration = directory.join("registry.yml");
    let root = directory.join("blobs");
    fs::write(
        &configuration,
        format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {:?}}}}}\n\
             http: {{addr: \"{address}\"}}\n",
            root.display().to_string()
        ),
    )?;
    Ok(Invocation::new(program).arg("serve").arg(&configuration))
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        // A registry that has already ended cannot be killed, and that is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
