//! Which distribution a base image says it is, and where that distribution's packages come from.

use std::borrow::Cow;

use temper_deb::sources::{AptSource, deb822, lines};
use temper_rootfs::tree::Tree;

use crate::archive::PackageSource;
use crate::finding::Finding;

/// The [components](https://www.debian.org/doc/debian-policy/ch-archive.html#archive-areas) of Debian's archive.
const DEBIAN_COMPONENTS: [&str; 4] = ["main", "contrib", "non-free", "non-free-firmware"];

/// Paths of the file that names the distribution, in the order of [os-release(5)].
///
/// [os-release(5)]: https://www.freedesktop.org/software/systemd/man/latest/os-release.html
const OS_RELEASE_PATHS: [&str; 2] = ["etc/os-release", "usr/lib/os-release"];

/// Returns the sources of the distribution that a base says it is, updates and security fixes included, with the
/// components that the base's own apt configuration names.
pub(crate) fn sources(base: &Tree) -> Result<Vec<PackageSource>, Finding> {
    let mut sources = named(os_release(base).as_deref())?;
    let components = components(base, &sources);
    for source in &mut sources {
        source.components.clone_from(&components);
    }
    Ok(sources)
}

/// Returns the text that names the distribution of a tree, if it has one.
pub(crate) fn os_release(tree: &Tree) -> Option<Cow<'_, str>> {
    OS_RELEASE_PATHS.iter().find_map(|path| tree.read(path)).map(String::from_utf8_lossy)
}

/// Returns the sources of the distribution that an `os-release` text names.
fn named(os_release: Option<&str>) -> Result<Vec<PackageSource>, Finding> {
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
    Ok(PackageSource::debian(&codename))
}

/// Returns the components that a base's apt configuration takes from Debian's archive; `main` where it names none.
fn components(base: &Tree, sources: &[PackageSource]) -> Vec<String> {
    let list = base.read("etc/apt/sources.list").map(|bytes| ("list", bytes));
    let parts = base.children("etc/apt/sources.list.d").filter_map(|node| {
        let path = &node.entry.path;
        Some((path.rsplit_once('.')?.1, base.read(path)?))
    });
    let mut components: Vec<String> = Vec::new();
    for (kind, bytes) in list.into_iter().chain(parts) {
        let text = String::from_utf8_lossy(bytes);
        let named: Vec<AptSource<'_>> = match kind {
            "list" => lines(&text).collect(),
            "sources" => deb822(&text).collect(),
            _ => continue,
        };
        let is_ours = |source: &&AptSource<'_>| {
            source.suites.iter().any(|suite| sources.iter().any(|ours| ours.suite == *suite))
        };
        for component in named.iter().filter(is_ours).flat_map(|source| &source.components) {
            // Archives of others have suites of these names too.
            if DEBIAN_COMPONENTS.contains(component) && !components.iter().any(|known| known == component) {
                components.push((*component).to_owned());
            }
        }
    }
    if components.is_empty() { vec!["main".to_owned()] } else { components }
}

/// Returns the value of a key with its quotes taken off.
pub(crate) fn value(text: &str, key: &str) -> Option<String> {
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
            let sources = named(Some(text)).expect("is Debian");
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
            let finding = named(text).expect_err("is no Debian");
            assert!(finding.message.contains(expected), "{}", finding.message);
        }
    }
}
