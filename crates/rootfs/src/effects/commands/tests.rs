//! File commands on a tree, in order.

use super::*;
use crate::effects::testing::{Fixture, check};
use crate::effects::users::{AccountOptions, users};

#[track_caller]
fn check_script(script: &str, expected: &[&str]) {
    let base = [
        "etc/passwd = redis:x:100:101::/:/bin/sh\n",
        "etc/group = redis:x:101:\nadm:x:4:\n",
        "lib -> usr/lib",
        "etc/sudoers",
        "usr/share/a/a.conf",
        "usr/lib/x",
        "var/old/",
    ];
    let fixture = Fixture::base(&base).package("demo", script, &[]);
    let ctx = fixture.context();
    let scripts = Scripts::read(&ctx);
    let (_, accounts) = users(&ctx, &scripts, &AccountOptions::default());
    check(&commands(&ctx, &scripts, &accounts), expected);
}

#[test]
fn owners_and_modes_change() {
    check_script(
        "chmod 0440 /etc/sudoers\nchown root:adm /etc/sudoers\nchgrp redis /lib/x\nchown -R redis: /usr/share/a\nchmod g+w \"$DPKG_ROOT/etc/sudoers\"",
        &[
            "etc/sudoers (440 -:-)",
            "etc/sudoers (- 0:4)",
            "usr/lib/x (- -:101)",
            "usr/share/a (- 100:101)",
            "usr/share/a/a.conf (- 100:101)",
            "etc/sudoers (460 -:-)",
        ],
    );
}

#[test]
fn commands_see_what_those_before_made() {
    check_script(
        "setup() { mkdir -p $1; chown $2 $1; chmod $3 $1; }\nsetup /var/lib/redis redis:adm 2750\nmkdir -m 700 /srv /var/old\ntouch /srv/x\ncp /srv/x /srv/y\nrm -f /srv/x /srv/none",
        &[
            "var/lib/redis/ (755 0:0)",
            "var/lib/redis (- 100:4)",
            "var/lib/redis (2750 -:-)",
            "srv/ (700 0:0)",
            "srv/x =  (644 0:0)",
            "srv/y =  (644 0:0)",
            "srv/x removed",
        ],
    );
}

#[test]
fn the_mask_holds_back_and_moves_carry_links_and_files() {
    check_script(
        "umask 066\ntouch /etc/a\numask 022\ntouch /etc/b\nmv /etc/a /etc/c\nln -s x /etc/d.tmp\nmv -f /etc/d.tmp /etc/d\nmv /etc/none /etc/e\nmv /var/old /srv\nmv $TMP /etc/f",
        &[
            "etc/a =  (600 0:0)",
            "etc/b =  (644 0:0)",
            "etc/c =  (600 0:0)",
            "etc/a removed",
            "etc/d.tmp -> x",
            "etc/d -> x",
            "etc/d.tmp removed",
            "? demo 9: a directory is not moved",
            "? demo 10: the value of `$TMP` is only known when the script runs",
        ],
    );
}

#[test]
fn links_and_copies_are_made() {
    check_script(
        "ln -s /usr/lib/x /etc/x\nln -sf ../a /var/old\nln -s a /etc/sudoers\ncp -p /usr/share/a/a.conf /etc\nucf --three-way /usr/share/a/a.conf /etc/b.conf\nucf /usr/share/a/a.conf /etc/sudoers\ninstall -d -m 0750 -o redis -g adm /var/old /var/new\ninstall -m 600 /usr/share/a/a.conf /etc/c.conf",
        &[
            "etc/x -> /usr/lib/x",
            "var/old/a -> ../a",
            "etc/a.conf = usr/share/a/a.conf (644 0:0)",
            "etc/b.conf = usr/share/a/a.conf (644 0:0)",
            "var/old (750 100:4)",
            "var/new/ (750 100:4)",
            "var/new (750 100:4)",
            "etc/c.conf = usr/share/a/a.conf (600 0:0)",
        ],
    );
}

#[test]
fn what_is_not_plain_is_reported() {
    check_script(
        "chown none /etc/sudoers\nchmod 0600 /etc/missing\ncp -r /usr/share/a /etc\nln /etc/sudoers /etc/y\nchmod $MODE /etc/sudoers\nmkdir relative\nrm -rf /usr/share/a\nif grep x /y; then touch /etc/z; rm /etc/none; fi",
        &[
            "? demo 1: `none` is no account",
            "? demo 2: `/etc/missing` is missing",
            "? demo 3: option `-r` is not reproduced",
            "? demo 4: a hard link is not reproduced",
            "? demo 5: the value of `$MODE` is only known when the script runs",
            "? demo 6: `relative` is no plain absolute path",
            "? demo 7: `/usr/share/a` is a filled directory",
            "? demo 8: it depends on `grep x /y`",
        ],
    );
}

#[test]
fn owned_and_fleeting_paths_are_passed_over() {
    check_script(
        "touch /etc/passwd /tmp/x\nmkdir /dev/x\nchmod 600 /var/log/x\nrm -rf /var/lib/dpkg $TMP",
        &[],
    );
}
