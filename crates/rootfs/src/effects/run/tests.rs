//! The joined result of all effects.

use temper_oci::Digest;

use super::*;
use crate::draft::Draft;
use crate::effects::testing::{Fixture, check, put};
use crate::merge::merge_changes;
use crate::tree::{Origin, Source};

#[test]
fn overrides_win_over_commands_and_name_new_groups() {
    let postinst = "addgroup --system crontab\nchmod 0700 /usr/bin/crontab\n\
                    if ! dpkg-statoverride --list /usr/bin/crontab > /dev/null ; then\n\
                    dpkg-statoverride --update --add root crontab 2755 /usr/bin/crontab\nfi\nldconfig\ndot -c";
    let fixture = Fixture::default().package("cron", postinst, &["usr/bin/crontab"]);
    check(
        &run(&fixture.context(), &AccountOptions::default()).effect,
        &[
            "usr/bin/crontab (2755 0:100)",
            r"var/lib/dpkg/statoverride = root crontab 2755 /usr/bin/crontab\n (644 0:0)",
            "group crontab 100 !",
            "? cron 7: `dot` is not reproduced",
        ],
    );
}

#[test]
fn overrides_of_the_base_reach_added_paths() {
    let base = [
        "etc/group = adm:x:4:\n",
        "var/lib/dpkg/statoverride = root adm 750 /usr/bin/a\nroot none 700 /usr/bin/b\n",
    ];
    let fixture = Fixture::base(&base).package("demo", "", &["usr/bin/a", "usr/bin/b"]);
    check(
        &run(&fixture.context(), &AccountOptions::default()).effect,
        &["usr/bin/a (750 0:4)", "! `/usr/bin/b` does not get the owner `root:none`, since it is no account"],
    );
}

#[test]
fn a_copy_of_a_copy_has_the_bytes_of_the_first() {
    let postinst = "cp /usr/share/x/d.conf /etc/x.tmp\nmv /etc/x.tmp /etc/x.conf";
    let line = "C /etc/y.conf - - - - /etc/x.conf\n";
    let files = ["usr/share/x/d.conf", &format!("usr/lib/tmpfiles.d/x.conf = {line}")];
    let mut fixture = Fixture::default().package("x", postinst, &files);
    let member = "usr/share/x/d.conf".to_owned();
    let source = Source::Package { archive: Digest::of("deb"), member };
    fixture.tree.get_mut("usr/share/x/d.conf").expect("is there").source = source.clone();
    let joined = run(&fixture.context(), &AccountOptions::default());
    let mut tree = fixture.tree.clone();
    merge_changes(&mut tree, Draft::default(), joined.changes(), 0);
    let sources =
        ["etc/x.tmp", "etc/x.conf", "etc/y.conf"].map(|path| tree.get(path).map(|node| &node.source));
    assert_eq!(sources, [None, Some(&source), Some(&source)]);
    assert_eq!(joined.effect.not_reproduced, []);
}

#[test]
fn one_path_changes_once() {
    let postinst = "mkdir /srv/a\nchmod 700 /srv/a\nchown 5:6 /srv/a\ntouch /srv/b\nrm /srv/b\ntouch /srv/c\nln -sf x /srv/c";
    let fixture = Fixture::default().package("demo", postinst, &[]);
    check(
        &run(&fixture.context(), &AccountOptions::default()).effect,
        &["srv/a/ (700 5:6)", "srv/b removed", "srv/c -> x"],
    );
}

#[test]
fn what_the_document_gives_stays() {
    let mut fixture = Fixture::default().package("demo", "ln -sf x /etc/a\nchmod 600 /etc/b", &[]);
    put(&mut fixture.tree, &["etc/a", "etc/b"]);
    for path in ["etc/a", "etc/b"] {
        fixture.tree.get_mut(path).expect("is there").origin = Origin::Document;
    }
    check(&run(&fixture.context(), &AccountOptions::default()).effect, &[]);
}

#[test]
fn the_time_zone_and_the_shells_follow_their_packages() {
    let files = [
        "usr/share/zoneinfo/Etc/UTC",
        "usr/share/debianutils/shells = # c\n/bin/sh\n",
        "usr/share/debianutils/shells.d/zsh = /bin/zsh # z\n",
    ];
    let fixture = Fixture::base(&["bin -> usr/bin"]).package("tzdata", "add-shell /opt/sh", &files);
    check(
        &run(&fixture.context(), &AccountOptions::default()).effect,
        &[
            "etc/localtime -> /usr/share/zoneinfo/Etc/UTC",
            r"etc/shells = # c\n/bin/sh\n/usr/bin/sh\n/bin/zsh \n/usr/bin/zsh \n/opt/sh\n (644 0:0)",
            r"var/lib/shells.state = /bin/sh\n/usr/bin/sh\n/bin/zsh \n/usr/bin/zsh \n (644 0:0)",
        ],
    );
}

#[test]
fn nothing_added_changes_nothing() {
    let fixture = Fixture::base(&[
        "etc/passwd = a",
        "usr/share/debianutils/shells = /bin/sh\n",
        "etc/ssl/certs/ca-certificates.crt",
    ]);
    check(&run(&fixture.context(), &AccountOptions::default()).effect, &[]);
}

#[test]
fn every_change_names_its_effect() {
    let postinst = "mkdir /srv/a\nchmod 700 /srv/a\n\
                    update-alternatives --install /usr/bin/editor editor /usr/bin/nano 10\n\
                    dpkg-statoverride --update --add root root 4755 /usr/bin/nano";
    let fixture = Fixture::base(&["usr/share/debianutils/shells = /bin/sh\n"]).package(
        "nano",
        postinst,
        &[
            "usr/bin/nano",
            "usr/share/zoneinfo/Etc/UTC",
            "usr/lib/tmpfiles.d/nano.conf = d /var/nano 0750 - - -\n",
        ],
    );
    let joined = run(&fixture.context(), &AccountOptions::default());
    let found: Vec<String> =
        joined.changes().map(|(name, change)| format!("{} {name}", change.path())).collect();
    assert_eq!(
        found,
        [
            "etc/alternatives/editor alternatives",
            "srv/a scripts",
            "usr/bin/editor alternatives",
            "usr/bin/nano statoverride",
            "var/lib/dpkg/alternatives/editor alternatives",
            "var/lib/dpkg/statoverride statoverride",
            "var/nano tmpfiles.d",
        ]
    );
}
