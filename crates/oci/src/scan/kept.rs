//! Which files composition reads, so that their contents are kept beside the layer index.

/// Bound of one kept file in bytes.
const KEPT_BYTES_MAX: u64 = 1 << 20;
/// Bound of one package database in bytes.
const DATABASE_BYTES_MAX: u64 = 16 << 20;

/// Bound of a configuration file in bytes that no other row names.
const CONFIGURATION_BYTES_MAX: u64 = 64 << 10;

/// Files by their whole path.
const FILES: &[&str] = &[
    "etc/ca-certificates.conf",
    "etc/dpkg/dpkg.cfg",
    "etc/group",
    "etc/gshadow",
    "etc/ld.so.cache",
    "etc/ld.so.conf",
    "etc/os-release",
    "etc/passwd",
    "etc/shadow",
    "etc/shells",
    "etc/ssl/certs/ca-certificates.crt",
    "usr/lib/os-release",
    "usr/share/debianutils/shells",
    "var/lib/apt/extended_states",
    "var/lib/dpkg/arch",
    "var/lib/dpkg/diversions",
    "var/lib/dpkg/info/format",
    "var/lib/dpkg/statoverride",
    "var/lib/dpkg/status",
    "var/lib/shells.state",
];

/// Everything directly in a folder.
const FOLDERS: &[&str] = &[
    "etc/dpkg/dpkg.cfg.d",
    "etc/ld.so.conf.d",
    "etc/sysusers.d",
    "etc/tmpfiles.d",
    "lib/apk/db",
    "usr/lib/apk/db",
    "usr/lib/sysusers.d",
    "usr/lib/tmpfiles.d",
    "usr/share/base-passwd",
    "usr/share/debianutils/shells.d",
    "var/lib/dpkg/alternatives",
    "var/lib/dpkg/status.d",
    "var/lib/dpkg/triggers",
];

/// Files of a folder, at any depth, by the end of their name.
const SUFFIXES: &[(&str, &[&str])] = &[
    ("usr/local/share/ca-certificates", &[".crt"]),
    ("usr/share/ca-certificates", &[".crt"]),
    ("var/lib/dpkg/info", &[".conffiles", ".list", ".md5sums", ".triggers"]),
];

/// Files that grow with the number of packages or certificates.
const DATABASES: &[&str] = &[
    "etc/ld.so.cache",
    "etc/ssl/certs/ca-certificates.crt",
    "lib/apk/db/installed",
    "usr/lib/apk/db/installed",
    "var/lib/apt/extended_states",
    "var/lib/dpkg/status",
];

/// Whether the path is named by one of the rows.
fn is_named(path: &str) -> bool {
    let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
    let below = |folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    FILES.contains(&path)
        || FOLDERS.contains(&parent)
        || SUFFIXES.iter().any(|(folder, ends)| below(folder) && ends.iter().any(|end| path.ends_with(end)))
}

/// Says whether the content of the file at this path is kept, up to [`kept_bytes_max`].
///
/// Small configuration files are kept too: whether one was changed locally decides what becomes of it on an upgrade.
pub fn is_kept(path: &str) -> bool {
    path.starts_with("etc/") || is_named(path)
}

/// Returns the length in bytes up to which a kept file is kept; a longer one is known by its digest only.
pub fn kept_bytes_max(path: &str) -> u64 {
    if DATABASES.contains(&path) {
        DATABASE_BYTES_MAX
    } else if is_named(path) {
        KEPT_BYTES_MAX
    } else {
        CONFIGURATION_BYTES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::is_kept;

    #[test]
    fn paths_are_matched_whole() {
        for (path, expected) in [
            ("etc/passwd", true),
            ("etc/nginx/nginx.conf", true),
            ("srv/etc/passwd", false),
            ("etc/ld.so.conf.d/x86_64-linux-gnu.conf", true),
            ("usr/lib/tmpfiles.d/more/x.conf", false),
            ("usr/share/ca-certificates/mozilla/A.crt", true),
            ("usr/share/ca-certificates.crt", false),
            ("var/lib/dpkg/info/libc6:amd64.list", true),
            ("var/lib/dpkg/info/libc6:amd64.postinst", false),
            ("var/lib/dpkg/status.d/base", true),
            ("passwd", false),
        ] {
            assert_eq!(is_kept(path), expected, "{path}");
        }
    }
}
