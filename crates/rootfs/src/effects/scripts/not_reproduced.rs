//! Which commands of maintainer scripts matter: those that nothing reproduces are listed in the plan.

use super::{Call, Scripts};
use crate::effects::NotReproduced;

/// Commands that other modules reproduce, and which report by themselves what they leave out.
const REPRODUCED: &[&str] = &[
    "update-alternatives",
    "adduser",
    "addgroup",
    "useradd",
    "groupadd",
    "usermod",
    "dpkg-statoverride",
    "add-shell",
    "chgrp",
    "chmod",
    "chown",
    "cp",
    "install",
    "ln",
    "mkdir",
    "mv",
    "rm",
    "rmdir",
    "touch",
    "ucf",
];

/// Commands whose results other modules compute from the tree.
const COMPUTED: &[&str] = &[
    "ldconfig",
    "shadowconfig",
    "systemd-sysusers",
    "systemd-tmpfiles",
    "update-ca-certificates",
    "update-passwd",
    "update-shells",
    "remove-shell",
];

/// Commands whose results no container needs: services, databases of the package tools, compiled Python, documentation
/// indexes.
const NOISE: &[&str] = &[
    "apparmor_parser",
    "apt-cache",
    "deb-systemd-helper",
    "deb-systemd-invoke",
    "dpkg-maintscript-helper",
    "dpkg-trigger",
    "install-info",
    "invoke-rc.d",
    "py3clean",
    "py3compile",
    "pycompile",
    "mandb",
    "rm_conffile",
    "runit-helper",
    "service",
    "start-stop-daemon",
    "systemctl",
    "ucfr",
    "update-initramfs",
    "update-menus",
    "update-python-modules",
    "update-rc.d",
];

/// Commands that change nothing.
const PURE: &[&str] = &[
    ":",
    "[",
    "aa-enabled",
    "awk",
    "basename",
    "cat",
    "cd",
    "cmp",
    "cut",
    "date",
    "debconf-show",
    "df",
    "diff",
    "dirname",
    "dpkg",
    "dpkg-architecture",
    "dpkg-query",
    "dpkg-realpath",
    "dpkg-vendor",
    "echo",
    "egrep",
    "expr",
    "false",
    "fgrep",
    "find",
    "getent",
    "grep",
    "head",
    "id",
    "ischroot",
    "kill",
    "logger",
    "ls",
    "md5sum",
    "mktemp",
    "mountpoint",
    "od",
    "pgrep",
    "pidof",
    "printf",
    "ps",
    "pwd",
    "read",
    "readlink",
    "realpath",
    "runlevel",
    "sed",
    "seq",
    "sha1sum",
    "sha256sum",
    "sha512sum",
    "sleep",
    "sort",
    "stat",
    "sync",
    "tail",
    "test",
    "tr",
    "true",
    "tty",
    "ucfq",
    "uname",
    "uniq",
    "wait",
    "wc",
    "which",
];

/// Commands that make keys or the identity of a machine.
const IDENTITY: &[&str] = &["dbus-uuidgen", "make-ssl-cert", "ssh-keygen", "systemd-machine-id-setup"];

/// Returns whether a command changes the system, so that an installation that succeeds has seen it succeed.
pub(super) fn is_change(name: &str) -> bool {
    let name = name.rsplit('/').next().unwrap_or_default();
    [REPRODUCED, COMPUTED, NOISE].iter().any(|list| list.contains(&name))
}

/// Lists the calls that nothing reproduces and that may matter.
pub(crate) fn not_reproduced(scripts: &Scripts) -> Vec<NotReproduced> {
    let reported = scripts.calls.iter().filter_map(|call| Some(call.not_reproduced(reason(call)?)));
    let mut list: Vec<NotReproduced> = scripts.not_reproduced.iter().cloned().chain(reported).collect();
    let key =
        |item: &NotReproduced| (item.package.clone(), item.script.clone(), item.line, item.statement.clone());
    let mut seen = std::collections::BTreeSet::new();
    list.retain(|item| seen.insert(key(item)));
    list
}

fn reason(call: &Call) -> Option<String> {
    if let Some(path) = call.writes.iter().find(|path| !is_temporary(path.known())) {
        let path = match path {
            super::Argument::Known(path) | super::Argument::Unknown(path) => path,
        };
        return Some(format!("it writes `{path}`"));
    }
    let name = call.name();
    let arguments: Vec<&str> = call.words.iter().skip(1).filter_map(super::Argument::known).collect();
    match name {
        _ if call.words.is_empty() => None,
        "" => Some("the command is only known when the script runs".to_owned()),
        _ if [REPRODUCED, COMPUTED, NOISE].iter().any(|list| list.contains(&name)) => None,
        "sed" if !arguments.iter().any(|argument| argument.starts_with("-i")) => None,
        "find" if !arguments.iter().any(|argument| matches!(*argument, "-delete" | "-exec")) => None,
        "sed" | "find" | "eval" => Some(format!("`{name}` is not evaluated")),
        _ if PURE.contains(&name) => None,
        "." | "source" if arguments.first().is_some_and(|path| path.contains("debconf")) => None,
        "." | "source" => Some("it reads another script".to_owned()),
        "dpkg-divert"
            if arguments
                .iter()
                .any(|argument| matches!(*argument, "--remove" | "--no-rename" | "--list")) =>
        {
            None
        }
        _ if IDENTITY.contains(&name) => {
            Some("keys and the identity of a machine are not made in an image".to_owned())
        }
        _ if arguments.iter().any(|argument| argument.ends_with("py_compile.py")) => None,
        // Asks only whether the interpreter works.
        "perl" if arguments == ["-e", ""] => None,
        _ => Some(call.doubt.as_ref().map_or_else(
            || format!("`{name}` is not reproduced"),
            |doubt| format!("`{name}` is not reproduced, and {doubt}"),
        )),
    }
}

fn is_temporary(path: Option<&str>) -> bool {
    // The runtime gives a container its own `/etc/hosts`.
    let tops = ["/tmp/", "/var/tmp/", "/run/", "/var/log/", "/proc/", "/sys/"];
    path.is_some_and(|path| path == "/etc/hosts" || tops.iter().any(|top| path.starts_with(top)))
}
