//! The hosts of package archives and registries that this machine is configured for: no file of the repository names one.
//!
//! Which they are stands in the configuration alone, of apt, Cargo, Go, pip and npm.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use super::words::stands_alone;

/// Variables whose values are addresses of registries.
const VARIABLES: &[&str] = &["GOPROXY", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "NPM_CONFIG_REGISTRY"];

/// Files of the machine that hold such addresses; of a folder each file.
const MACHINE_FILES: &[&str] =
    &["/etc/apt/sources.list", "/etc/apt/sources.list.d", "/etc/apt/apt.conf.d", "/etc/pip.conf"];

/// Files below the user's home that hold such addresses.
const HOME_FILES: &[&str] = &[".cargo/config.toml", ".config/go/env", ".config/pip/pip.conf", ".npmrc"];

/// Names of hosts.
#[derive(Debug, Default)]
pub(crate) struct Hosts(BTreeSet<String>);

impl Hosts {
    /// Reads what this machine is configured for.
    pub(crate) fn of_this_machine() -> Self {
        let home = env::var_os("HOME").map(PathBuf::from);
        let cargo = env::var_os("CARGO_HOME").map(|folder| PathBuf::from(folder).join("config.toml"));
        let own = home.iter().flat_map(|home| HOME_FILES.iter().map(|file| home.join(file)));
        let paths = MACHINE_FILES.iter().map(PathBuf::from).chain(own).chain(cargo);
        let mut hosts = Self::default();
        for file in paths.flat_map(files) {
            // What this user cannot read names no host that this user could have taken from there.
            hosts.add(&fs::read_to_string(file).unwrap_or_default());
        }
        for name in VARIABLES {
            hosts.add(&env::var(name).unwrap_or_default());
        }
        hosts
    }

    /// Adds the host of every address in a text, but for comments.
    fn add(&mut self, text: &str) {
        text.lines().filter(|line| !line.trim_start().starts_with('#')).for_each(|line| self.add_line(line));
    }

    fn add_line(&mut self, text: &str) {
        for scheme in ["http://", "https://"] {
            for (index, _) in text.match_indices(scheme) {
                let rest = &text[index + scheme.len()..];
                let end = rest.find(|c: char| c.is_whitespace() || "/,;|\"'<>".contains(c));
                let authority = &rest[..end.unwrap_or(rest.len())];
                let host = authority.rsplit('@').next().unwrap_or_default();
                let host = host.split(':').next().unwrap_or_default();
                if host.contains('.') && !host.starts_with("127.") {
                    self.0.insert(host.to_owned());
                }
            }
        }
    }

    /// Returns what is wrong with a file that names one of them.
    pub(crate) fn findings(&self, file: &Path, text: &str) -> Vec<String> {
        let mut findings = Vec::new();
        for (index, line) in text.lines().enumerate() {
            for host in self.0.iter().filter(|host| stands_alone(line, host, "_-.")) {
                findings.push(format!(
                    "{}:{}: `{host}`: the host of a package registry; take it from configuration",
                    file.display(),
                    index + 1
                ));
            }
        }
        findings
    }
}

/// Lists a file, or the files of a folder.
fn files(path: PathBuf) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(&path) else { return vec![path] };
    entries.flatten().map(|entry| entry.path()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_the_configuration_are_found_where_they_stand_alone() {
        let mut hosts = Hosts::default();
        hosts.add("# see http://old.example/x\nURIs: http://archive.example.org/debian\n");
        hosts.add("https://user:word@go.example.net:8443,direct http://127.0.0.1:3142 http://localhost:1");
        let names: Vec<_> = hosts.0.iter().map(String::as_str).collect();
        assert_eq!(names, ["archive.example.org", "go.example.net"]);
        let found = |text| hosts.findings(Path::new("a.rs"), text);
        assert_eq!(
            found("x\nlet mirror = \"http://archive.example.org/debian\";\n"),
            ["a.rs:2: `archive.example.org`: the host of a package registry; take it from configuration"]
        );
        assert_eq!(found("my-archive.example.org www.archive.example.org"), [""; 0]);
    }
}
