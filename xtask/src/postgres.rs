//! A `PostgreSQL` server for tests, as Debian's package brings it.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::invocation::Invocation;
use crate::tools::debian;

/// The variable that tells tests where the server is; `testkit` reads it.
pub(crate) const VARIABLE: &str = "TEMPER_TEST_POSTGRES";

/// The first user of the databases.
const USER: &str = "temper";

/// The system's user and group `nobody`: the server refuses to run as the administrator.
const NOBODY: u32 = 65534;

const START_TIME_MAX: Duration = Duration::from_secs(30);
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// What makes a server of a test faster than one that must outlive a power cut.
const SETTINGS: [&str; 6] = [
    "listen_addresses=",
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "max_connections=400",
    "max_locks_per_transaction=256",
];

/// A server in a folder of its own, ended when dropped.
pub(crate) struct Postgres {
    child: Child,
    folder: TempDir,
}

impl Postgres {
    /// Starts an empty server that listens at a socket in its folder.
    pub(crate) fn start() -> Result<Self> {
        let initdb = debian::program("initdb").context("the package `postgresql` is not installed")?;
        // The path of a socket is short: the folder is not below the build results.
        let folder = tempfile::Builder::new().prefix("temper-postgres-").tempdir()?;
        let data = folder.path().join("data");
        let is_root = fs::metadata("/proc/self").map(|own| std::os::unix::fs::MetadataExt::uid(&own))? == 0;
        if is_root {
            chown(folder.path(), Some(NOBODY), Some(NOBODY))?;
        }
        // Tests of all users reach the socket.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        let run = |program: &Path| -> Invocation { as_nobody(is_root, program) };
        run(&initdb)
            .args(["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--username", USER])
            .arg("--pgdata")
            .arg(&data)
            .output()?;
        let mut server =
            run(&initdb.with_file_name("postgres")).arg("-D").arg(&data).arg("-k").arg(folder.path());
        for setting in SETTINGS {
            server = server.args(["-c", setting]);
        }
        let log = folder.path().join("postgres.log");
        let postgres = Self { child: server.start(&log)?, folder };
        postgres.wait(&log)?;
        Ok(postgres)
    }

    /// Returns the address of its first database.
    pub(crate) fn url(&self) -> String {
        format!("postgres:///postgres?host={}&user={USER}", self.folder.path().display())
    }

    fn wait(&self, log: &Path) -> Result<()> {
        let psql = debian::program("psql").unwrap_or_else(|| PathBuf::from("psql"));
        let start = Instant::now();
        loop {
            let asked =
                Invocation::new(&psql).arg(self.url()).args(["--no-psqlrc", "-c", "SELECT 1"]).capture()?;
            if asked.succeeded() {
                return Ok(());
            }
            if start.elapsed() > START_TIME_MAX {
                bail!("PostgreSQL does not answer: {}", fs::read_to_string(log).unwrap_or_default());
            }
            thread::sleep(POLL_INTERVAL);
        }
    }
}

fn as_nobody(is_root: bool, program: &Path) -> Invocation {
    if !is_root {
        return Invocation::new(program).env("LC_ALL", "C.UTF-8");
    }
    let id = NOBODY.to_string();
    Invocation::new("setpriv")
        .args(["--reuid", &id, "--regid", &id, "--clear-groups"])
        .arg(program)
        .directory(Path::new("/"))
        .env("LC_ALL", "C.UTF-8")
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // The folder goes with it, so nothing has to be written any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_answers_and_ends() {
        if debian::program("initdb").is_none() {
            println!("skipped: the package `postgresql` is not installed");
            return;
        }
        let server = Postgres::start().expect("starts");
        let folder = server.folder.path().to_owned();
        let asked =
            Invocation::new("psql").arg(server.url()).args(["--no-psqlrc", "-Atc", "SELECT 6 * 7"]).output();
        assert_eq!(asked.expect("answers").trim(), "42");
        drop(server);
        assert!(!folder.exists());
    }
}
