//! Lines of `tmpfiles.d` and what they make.

use proptest::prelude::*;

use super::*;
use crate::effects::scripts::Scripts;
use crate::effects::testing::{Fixture, check};
use crate::effects::users::{AccountOptions, users};

#[track_caller]
fn check_lines(lines: &str, expected: &[&str]) {
    let base = [
        "etc/passwd = app:x:5:6::/:/bin/sh\n",
        "etc/group = utmp:x:43:\n",
        "var/old/",
        "var/old/x",
        "etc/there",
    ];
    let conf = format!("usr/lib/tmpfiles.d/demo.conf = {lines}");
    let fixture = Fixture::base(&base).package("demo", "", &[&conf]);
    let ctx = fixture.context();
    let (_, accounts) = users(&ctx, &Scripts::read(&ctx), &AccountOptions::default());
    check(&tmpfiles(&ctx, &accounts), expected);
}

#[test]
fn directories_files_links_and_copies_are_made() {
    check_lines(
        "# comment\nd /run/screen 0777 root utmp\nD %S/demo\nd /var/old 1770 app - -\n",
        &["run/screen/ (777 0:43)", "var/lib/demo/ (755 0:0)", "var/old (1770 5:-)"],
    );
    check_lines(
        "L /var/lib/dbus/machine-id - - - - /etc/machine-id\nL /etc/there - - - - x\nL+ /etc/there - - - - /x y\nL /etc/skel\n",
        &[
            "var/lib/dbus/machine-id -> /etc/machine-id",
            "etc/there -> /x y",
            "etc/skel -> /usr/share/factory/etc/skel",
        ],
    );
    check_lines(
        "f /run/a 0600 app utmp - a b\\n\nf /etc/there - - - - no\nC /etc/copy 0600 - - - /etc/there\n",
        &[r"run/a = a b\n (600 5:43)", "etc/copy = etc/there (600 0:0)"],
    );
    check_lines(
        "Z /var/old 0700 app :utmp\nz /var/old :0711\n",
        &["var/old (700 5:43)", "var/old/x (700 5:43)"],
    );
}

#[test]
fn what_is_for_boots_or_cleaning_is_passed_over() {
    check_lines("r! /etc/passwd.lock\nx /tmp/ssh-*\nd! /run/x\nd /tmp/x\nD /dev/x\ne /var/old 0755\n", &[]);
}

#[test]
fn what_is_not_understood_is_reported() {
    check_lines(
        "d /run/x - nobody\nL /run/%m\nz /run/*\np /run/pipe\nd relative/../x\nd /run/y 999\nd \"/a\n",
        &[
            "? demo 1: `nobody` is no account",
            "? demo 2: `%m` is only known on a running system",
            "? demo 3: a pattern is not reproduced",
            "? demo 4: type `p` is not reproduced",
            "? demo 5: the path is not in a plain form",
            "? demo 6: the mode is not octal",
            "? demo 7: a quote is not closed",
        ],
    );
}

proptest! {
    #[test]
    fn any_line_is_read_without_panic(line in "[dLfz!+:=~-]{0,3} [/a-z%\\\\\"' -]{0,30}\\PC{0,10}") {
        drop(line::parse(&line));
    }
}
