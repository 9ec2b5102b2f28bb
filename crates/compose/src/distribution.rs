//! Which distribution a base image says it is, and where that distribution's packages come from.

use crate::archive::PackageSource;
use crate::finding::Finding;

/// The keyring that signs Debian's archive; it ships with Temper.
const DEBIAN_KEYRING: &str = "debian-archive";

/// Paths of the file that names the distribution, in the order of [os-release(5)].
///
/// [os-release(5)]: https://www.freedesktop.org/software/systemd/man/latest/os-release.html
pub(crate) const OS_RELEASE_PATHS: [&str; 2] = ["etc/os-release", "usr/lib/os-release"];

/// Returns the sources of the distribution that an `os-release` text names, updates and security fixes included.
pub(crate) fn sources(os_release: Option<&str>) -> Result<Vec<PackageSource>, Finding> {
    let problem = |message: String| {
        Finding::at("contents.packages", message)
            .hint("packages can be added to Debian images whose `/etc/os-release` has `VERSION_CODENAME`")
    };
    let text = os_release
        .ok_or_else(|| problem("the base image does not say which distribution it is".to_owned()))?;
    let id = value(text, "ID").unwrap_or_default();
    let like = value(text, "ID_LIKE").unwrap_or_default();
    let is_debian = id == "debian" || (id == "dhi" && like.split_whitespace().any(|id| id == "debian"));
    if !is_debian {
        return Err(problem(format!("the base image is `{id}`, whose packages Temper does not know")));
    }
    let codename = value(text, "VERSION_CODENAME")
        .ok_or_else(|| problem("the base image does not say which release of Debian it is".to_owned()))?;
    Ok(debian(&codename))
}

/// Returns the sources of a Debian release.
fn debian(codename: &str) -> Vec<PackageSource> {
    let source = |archive: &str, suite: String| PackageSource {
        uri: format!("distribution:{archive}"),
        suite,
        components: vec!["main".to_owned()],
        keyring: DEBIAN_KEYRING.to_owned(),
    };
    let mut sources = vec![source("debian", codename.to_owned())];
    if codename != "sid" {
        sources.push(source("debian", format!("{codename}-updates")));
        sources.push(source("debian-security", format!("{codename}-security")));
    }
    sources
}

/// Returns the value of a key with its quotes taken off.
fn value(text: &str, key: &str) -> Option<String> {
    let line = text.lines().filter_map(|line| line.trim().split_once('=')).find(|(name, _)| *name == key)?;
    let value = line.1.trim();
    let quoted = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
    Some(quoted.unwrap_or(value).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_images_have_their_release_with_updates_and_security() {
        for text in [
            "ID=debian\nVERSION_CODENAME=trixie\n",
            "NAME=\"Docker Hardened Images\"\nID='dhi'\nID_LIKE=\"debian\"\nVERSION_CODENAME=\"trixie\"",
        ] {
            let sources = sources(Some(text)).expect("is Debian");
            let shown: Vec<String> = sources.iter().map(|s| format!("{} {}", s.uri, s.suite)).collect();
            assert_eq!(
                shown,
                [
                    "distribution:debian trixie",
                    "distribution:debian trixie-updates",
                    "distribution:debian-security trixie-security"
                ]
            );
        }
    }

    #[test]
    fn anything_else_is_a_problem() {
        for (text, expected) in [
            (None, "does not say which distribution"),
            (Some("ID=alpine\nVERSION_ID=3.20"), "`alpine`"),
            (Some("ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=noble"), "`ubuntu`"),
            (Some("ID=debian"), "which release"),
        ] {
            let finding = sources(text).expect_err("is no Debian");
            assert!(finding.message.contains(expected), "{}", finding.message);
        }
    }
}
