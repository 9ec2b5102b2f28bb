//! Where a distribution's archive is: configuration first, else the machine's own apt configuration.
//!
//! Definitions and documents name archives as `distribution:debian`, so that one document works in every network.
//! From apt only addresses are taken, never suites, keys or options: what is installed here does not matter.

mod apt_sources;

use std::collections::BTreeMap;
use std::path::Path;

use reqwest::Url;

use crate::http::display_url;

/// What an address begins with that has to be located.
pub(super) const DISTRIBUTION: &str = "distribution:";

/// Pairs of archives that mirrors keep side by side; either address gives the other.
const SIBLINGS: [(&str, &str); 2] = [("debian", "debian-security"), ("debian-security", "debian")];

/// Addresses of distributions.
#[derive(Clone, Debug, Default)]
pub struct Mirrors {
    configured: BTreeMap<String, String>,
    /// The machine's addresses in the order of its configuration.
    machine: Vec<Url>,
}

/// Why an archive cannot be located.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MirrorError {
    /// Neither configuration nor machine knows it.
    #[error("it is not known where the archive of distribution `{distribution}` is")]
    Unknown {
        /// Name of the distribution.
        distribution: String,
    },
    /// What is given for it is no HTTP address.
    #[error("mirror of distribution `{distribution}` is no `http` or `https` address")]
    Address {
        /// Name of the distribution.
        distribution: String,
    },
}

impl MirrorError {
    /// Returns what the operator can do about it.
    pub fn hint(&self) -> Option<String> {
        let (Self::Unknown { distribution } | Self::Address { distribution }) = self;
        Some(format!(
            "add `{distribution}: https://<mirror>/{distribution}` to `mirrors` in the configuration"
        ))
    }
}

impl Mirrors {
    /// Takes configured addresses, by name of the distribution (`debian`, `debian-security`).
    pub fn new(configured: BTreeMap<String, String>) -> Self {
        Self { configured, machine: Vec::new() }
    }

    /// Adds the addresses of an apt configuration folder, `/etc/apt` on a Debian machine.
    ///
    /// What is missing or cannot be read there gives no address; it is not Temper's to complain about.
    #[must_use]
    pub fn with_apt(mut self, folder: &Path) -> Self {
        let is_http = |url: &Url| matches!(url.scheme(), "http" | "https");
        let uris = apt_sources::uris(folder);
        self.machine.extend(uris.iter().filter_map(|uri| Url::parse(uri).ok()).filter(is_http));
        self
    }

    /// Returns the address for an address as sources write it; anything but `distribution:NAME` is one already.
    pub fn locate(&self, uri: &str) -> Result<String, MirrorError> {
        let Some(name) = uri.strip_prefix(DISTRIBUTION) else { return Ok(uri.to_owned()) };
        let distribution = || name.to_owned();
        if let Some(address) = self.configured.get(name) {
            let is_http = Url::parse(address).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
            return if is_http {
                Ok(address.clone())
            } else {
                Err(MirrorError::Address { distribution: distribution() })
            };
        }
        let found = self.on_machine(name).or_else(|| {
            let (_, sibling) = SIBLINGS.iter().find(|(wanted, _)| *wanted == name)?;
            let mut url = self.on_machine(sibling)?;
            url.path_segments_mut().ok()?.pop_if_empty().pop().push(name);
            Some(url)
        });
        let url = found.ok_or_else(|| MirrorError::Unknown { distribution: distribution() })?;
        tracing::debug!(
            distribution = name,
            address = display_url(&url),
            "archive is taken from apt's configuration"
        );
        Ok(url.into())
    }

    /// The machine's first address whose last path segment is `name`.
    fn on_machine(&self, name: &str) -> Option<Url> {
        let is_named = |url: &&Url| {
            url.path_segments().is_some_and(|parts| parts.rev().find(|part| !part.is_empty()) == Some(name))
        };
        self.machine.iter().find(is_named).cloned()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn located(
        configured: &[(&str, &str)],
        files: &[(&str, &str)],
        name: &str,
    ) -> Result<String, MirrorError> {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("sources.list.d")).unwrap();
        for (path, text) in files {
            fs::write(folder.path().join(path), text).unwrap();
        }
        let configured =
            configured.iter().map(|(name, uri)| ((*name).to_owned(), (*uri).to_owned())).collect();
        Mirrors::new(configured).with_apt(folder.path()).locate(&format!("distribution:{name}"))
    }

    const ONE_LINE: &str = "# deb http://comment.example/debian sid main\n\
        deb-src http://source.example/debian sid main\n\
        deb cdrom:[Debian 13]/ trixie main\n\
        deb [ arch=amd64 signed-by=/usr/share/keyrings/x.gpg ] https://a.example/x/debian/ bookworm main # why\n\
        deb http://b.example/debian bookworm main\n";
    const STANZAS: &str = "Enabled: no\nTypes: deb\nURIs: http://off.example/debian\nSuites: sid\n\n\
        # Ours\nTypes: deb-src deb\nURIs:\n http://m.example/other\n http://m.example/debian-security\nSuites: sid\n";

    #[test]
    fn configuration_wins_over_the_machine() {
        let given = [("debian", "https://mine.example/d")];
        assert_eq!(
            located(&given, &[("sources.list", ONE_LINE)], "debian").unwrap(),
            "https://mine.example/d"
        );
        let error = located(&[("debian", "/srv/debian")], &[], "debian").unwrap_err();
        assert_eq!(error.to_string(), "mirror of distribution `debian` is no `http` or `https` address");
    }

    #[test]
    fn the_machine_gives_the_first_address_that_fits() {
        let both = [("sources.list", ONE_LINE), ("sources.list.d/a.sources", STANZAS)];
        assert_eq!(located(&[], &both, "debian").unwrap(), "https://a.example/x/debian/");
        assert_eq!(located(&[], &both, "debian-security").unwrap(), "http://m.example/debian-security");
    }

    #[test]
    fn one_address_gives_its_sibling() {
        let one_line = [("sources.list.d/a.list", ONE_LINE)];
        assert_eq!(
            located(&[], &one_line, "debian-security").unwrap(),
            "https://a.example/x/debian-security"
        );
        let stanzas = [("sources.list.d/a.sources", STANZAS)];
        assert_eq!(located(&[], &stanzas, "debian").unwrap(), "http://m.example/debian");
    }

    #[test]
    fn files_are_read_in_the_order_of_their_names() {
        let files = [
            ("sources.list.d/b.list", "deb http://b.example/debian sid main\n"),
            ("sources.list.d/a.sources", "Types: deb\nURIs: http://a.example/debian\n"),
            ("sources.list.d/0.list.save", "deb http://saved.example/debian sid main\n"),
        ];
        assert_eq!(located(&[], &files, "debian").unwrap(), "http://a.example/debian");
    }

    #[test]
    fn what_nobody_knows_has_a_hint() {
        let error =
            located(&[], &[("sources.list", "deb file:/srv/debian sid main\n")], "debian").unwrap_err();
        assert_eq!(error.to_string(), "it is not known where the archive of distribution `debian` is");
        assert!(error.hint().unwrap().contains("`mirrors`"));
        let elsewhere = Path::new("/nonexistent/apt");
        assert!(Mirrors::default().with_apt(elsewhere).locate("distribution:debian").is_err());
        assert_eq!(Mirrors::default().locate("https://x.example/y").unwrap(), "https://x.example/y");
    }
}
