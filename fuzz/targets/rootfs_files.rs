//! System files of a base: accounts, package database, tmpfiles, sysusers, alternatives.

#![no_main]

use libfuzzer_sys::fuzz_target;
use temper_fuzz::{parts, tree};
use temper_rootfs::accounts::{AccountRequest, GroupRequest, UserRequest, add_accounts};
use temper_rootfs::effects::{AccountAdditions, alternatives, ca_certificates, tmpfiles, users};
use temper_rootfs::installed::Installed;

fuzz_target!(|input: &[u8]| {
    let [passwd, group, shadow, status, text] = parts(input);
    let base = tree(&[
        ("etc/passwd", passwd),
        ("etc/group", group),
        ("etc/shadow", shadow),
        ("var/lib/dpkg/status", status),
        ("var/lib/dpkg/status.d/a", text),
    ]);
    let _ = Installed::read(&base);
    let user = UserRequest { name: "app".to_owned(), uid: 1000, gid: None, home_mode: 0o755 };
    let group = GroupRequest { name: "team".to_owned(), gid: 1001, members: vec!["app".to_owned()] };
    let request = AccountRequest {
        root: true,
        runs_as: Some("app".to_owned()),
        users: vec![user],
        groups: vec![group],
    };
    let _ = add_accounts(&base, &AccountAdditions::default(), &request, "root", 1_700_000_000);
    let _ = ca_certificates::is_certificate(text);
    if let Ok(text) = std::str::from_utf8(text) {
        let _ = alternatives::database::Alternative::parse(text);
        let _ = users::sysusers::parse(text);
        for line in text.lines() {
            let _ = tmpfiles::line::parse(line);
        }
    }
});
