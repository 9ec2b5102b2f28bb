//! A private apt: the real program with its own state folder, any suite, any architecture.
//!
//! Nothing of the machine's own apt or dpkg state is read or written but the address of its mirror, its proxy and its
//! rule about expired indexes. Signatures are checked as apt always does.

mod mirror;
mod simulation;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

pub(crate) use crate::apt::mirror::Mirror;
pub(crate) use crate::apt::simulation::{Action, Choice};
use crate::invocation::{Captured, Invocation};
use crate::workspace::Workspace;

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Indexes older than this are read again, as by Temper itself: both sides of a comparison see the same archive.
const INDEX_AGE_MAX: Duration = Duration::from_mins(10);

/// Suites without `-updates` and `-security` beside them.
const ROLLING_SUITES: &[&str] = &["sid", "experimental"];

/// What apt answers to a request to install.
pub(crate) enum Answer {
    /// What would be done, sorted by name.
    Choices(Vec<Choice>),
    /// Apt found no solution; its own words.
    Refused(String),
}

/// The state of one suite and architecture.
pub(crate) struct Apt {
    directory: PathBuf,
    architecture: String,
}

impl Apt {
    /// Sets up the state and reads the archive's indexes if they are missing or old.
    pub(crate) fn open(workspace: &Workspace, suite: &str, architecture: &str) -> Result<Self> {
        let directory = workspace.scratch("apt").join(format!("{suite}-{architecture}"));
        for folder in ["lists/partial", "cache/archives/partial", "etc/parts", "log"] {
            fs::create_dir_all(directory.join(folder))?;
        }
        let apt = Self { directory, architecture: architecture.to_owned() };
        apt.write_configuration(suite)?;
        apt.refresh()?;
        Ok(apt)
    }

    /// What `apt-get install --no-install-recommends` would do over the database `status`.
    pub(crate) fn install(&self, status: &str, requests: &[String]) -> Result<Answer> {
        let file = self.directory.join("status");
        fs::write(&file, status).with_context(|| format!("writing {}", file.display()))?;
        let captured = self
            .apt_get()
            .args(["--simulate", "--no-install-recommends", "--allow-downgrades", "install"])
            .args(requests)
            .capture()?;
        match captured {
            Captured { code: Some(0), stdout, .. } => Ok(Answer::Choices(simulation::parse(&stdout)?)),
            Captured { code: Some(100), stderr, .. } => Ok(Answer::Refused(stderr.trim().to_owned())),
            Captured { code, stderr, .. } => bail!("apt-get ended with {code:?}: {}", stderr.trim()),
        }
    }

    /// Downloads packages by name, verified against the signed index, and returns the folder that holds them.
    pub(crate) fn download(&self, packages: &[&str], into: &Path) -> Result<()> {
        fs::create_dir_all(into)?;
        self.apt_get().arg("download").args(packages).directory(into).output()?;
        Ok(())
    }

    /// The control records of every package of the suite, as apt sees them.
    pub(crate) fn records(&self) -> Result<String> {
        self.with_configuration(Invocation::new("apt-cache").arg("dumpavail")).output()
    }

    /// The sources, in the form of `sources.list`.
    pub(crate) fn sources(&self) -> PathBuf {
        self.directory.join("etc/sources.list")
    }

    /// The machine's own settings that decide whether its mirror can be read, in the form of apt.conf(5).
    pub(crate) fn machine_settings() -> Result<String> {
        Ok(Mirror::of_this_machine()?.settings)
    }

    fn write_configuration(&self, suite: &str) -> Result<()> {
        let mirror = Mirror::of_this_machine()?;
        let option = format!("[arch={} signed-by={KEYRING}]", self.architecture);
        let mut lines = vec![format!("deb {option} {} {suite} main", mirror.archive)];
        if !ROLLING_SUITES.contains(&suite) {
            lines.push(format!("deb {option} {} {suite}-updates main", mirror.archive));
            lines.push(format!("deb {option} {} {suite}-security main", mirror.security));
        }
        fs::write(self.sources(), lines.join("\n") + "\n")?;
        let status = self.directory.join("status");
        if !status.exists() {
            fs::write(status, "")?;
        }
        fs::write(self.directory.join("apt.conf"), self.configuration(&mirror.settings))?;
        Ok(())
    }

    /// apt.conf(5): every folder is ours, and the architecture is the only one.
    fn configuration(&self, machine_settings: &str) -> String {
        let directory = self.directory.display();
        let architecture = &self.architecture;
        format!(
            r#"Dir::Etc "{directory}/etc"; Dir::Etc::main "/dev/null"; Dir::Etc::parts "{directory}/etc/parts";
Dir::Etc::sourcelist "{directory}/etc/sources.list"; Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null"; Dir::Etc::preferencesparts "/dev/null";
Dir::Etc::trusted "/dev/null"; Dir::Etc::trustedparts "/dev/null";
Dir::Etc::netrc "/etc/apt/auth.conf"; Dir::Etc::netrcparts "/etc/apt/auth.conf.d";
Dir::State "{directory}"; Dir::State::lists "{directory}/lists"; Dir::State::status "{directory}/status";
Dir::State::extended_states "{directory}/extended_states"; Dir::Cache "{directory}/cache";
Dir::Cache::pkgcache ""; Dir::Log "{directory}/log"; Dir::Log::Planner "";
APT::Architecture "{architecture}"; #clear APT::Architectures;
APT::Architectures {{ "{architecture}"; }};
APT::Install-Recommends "false"; APT::Install-Suggests "false"; APT::Get::Assume-Yes "true";
APT::Get::AllowUnauthenticated "false"; APT::Sandbox::User "root"; Debug::NoLocking "true";
Acquire::Languages "none"; APT::Default-Release "";
{machine_settings}"#
        )
    }

    fn refresh(&self) -> Result<()> {
        let stamp = self.directory.join("stamp");
        let age = fs::metadata(&stamp).and_then(|metadata| metadata.modified()).ok();
        if age.and_then(|time| time.elapsed().ok()).is_some_and(|age| age < INDEX_AGE_MAX) {
            return Ok(());
        }
        self.apt_get().args(["--quiet=2", "--error-on=any", "update"]).output()?;
        fs::write(stamp, "").context("marking the indexes as read")
    }

    fn apt_get(&self) -> Invocation {
        self.with_configuration(Invocation::new("apt-get"))
    }

    fn with_configuration(&self, invocation: Invocation) -> Invocation {
        let configuration = self.directory.join("apt.conf");
        invocation
            .env("APT_CONFIG", configuration)
            .env("LC_ALL", "C")
            .env("DEBIAN_FRONTEND", "noninteractive")
    }
}
