//! Link groups: choosing, slaves, ties, manual mode, and what is left alone.

use proptest::prelude::*;

use super::*;
use crate::effects::testing::{Fixture, check};

const MAWK: &str = "auto\n/usr/bin/awk\nawk.1.gz\n/usr/share/man/man1/awk.1.gz\n\n/usr/bin/mawk\n5\n/usr/share/man/man1/mawk.1.gz\n\n";

fn run(fixture: &Fixture) -> Effect {
    let ctx = fixture.context();
    alternatives(&ctx, &Scripts::read(&ctx))
}

#[test]
fn a_new_group_gets_its_database_and_links() {
    let postinst = "if [ \"$1\" = configure ]; then\nupdate-alternatives --quiet --install /usr/bin/awk awk /usr/bin/mawk 5 \\\n  \
                    --slave /usr/bin/nawk nawk /usr/bin/mawk --slave /usr/share/man/man1/awk.1.gz awk.1.gz /usr/share/man/man1/mawk.1.gz\nfi";
    let fixture = Fixture::default().package("mawk", postinst, &["usr/bin/mawk"]);
    check(
        &run(&fixture),
        &[
            r"var/lib/dpkg/alternatives/awk = auto\n/usr/bin/awk\nawk.1.gz\n/usr/share/man/man1/awk.1.gz\nnawk\n/usr/bin/nawk\n\n/usr/bin/mawk\n5\n/usr/share/man/man1/mawk.1.gz\n/usr/bin/mawk\n\n (644 0:0)",
            "etc/alternatives/awk -> /usr/bin/mawk",
            "usr/bin/awk -> /etc/alternatives/awk",
            "etc/alternatives/nawk -> /usr/bin/mawk",
            "usr/bin/nawk -> /etc/alternatives/nawk",
        ],
    );
}

/// `pager` with `more` (50) in the base, and `less` of the given priority added.
fn pager(mode: &str, current: &str, priority: &str) -> Effect {
    let database = format!("var/lib/dpkg/alternatives/pager = {mode}\n/usr/bin/pager\n\n/bin/more\n50\n\n");
    let link = format!("etc/alternatives/pager -> {current}");
    let base = ["bin -> usr/bin", "usr/bin/more", "usr/bin/mine", "usr/bin/pager -> /etc/alternatives/pager"];
    let base: Vec<&str> = base.into_iter().chain([database.as_str(), link.as_str()]).collect();
    let call = format!("update-alternatives --install /usr/bin/pager pager /usr/bin/less {priority}");
    run(&Fixture::base(&base).package("less", &call, &["usr/bin/less"]))
}

#[test]
fn the_best_choice_wins_in_automatic_mode_only() {
    let database = |mode: &str, priority: u8| {
        format!(
            "var/lib/dpkg/alternatives/pager = {mode}\\n/usr/bin/pager\\n\\n/bin/more\\n50\\n/usr/bin/less\\n{priority}\\n\\n (644 0:0)"
        )
    };
    let to_less = "etc/alternatives/pager -> /usr/bin/less";
    check(&pager("auto", "/bin/more", "77"), &[&database("auto", 77), to_less]);
    check(&pager("auto", "/bin/more", "10"), &[&database("auto", 10)]);
    check(&pager("auto", "/bin/more", "50"), &[&database("auto", 50)]);
    check(&pager("manual", "/bin/more", "77"), &[&database("manual", 77)]);
    // A link that leads elsewhere is a choice by hand; one that leads nowhere is not.
    check(&pager("auto", "/usr/bin/mine", "77"), &[&database("manual", 77)]);
    check(&pager("auto", "/usr/bin/gone", "77"), &[&database("auto", 77), to_less]);
}

#[test]
fn choices_without_their_file_are_dropped_and_groups_without_choices_go_away() {
    let base = [
        &format!("var/lib/dpkg/alternatives/awk = {MAWK}"),
        "etc/alternatives/awk -> /usr/bin/mawk",
        "etc/alternatives/awk.1.gz -> /usr/share/man/man1/mawk.1.gz",
        "usr/bin/awk -> /etc/alternatives/awk",
    ];
    check(
        &run(&Fixture::base(&base)),
        &[
            "var/lib/dpkg/alternatives/awk removed",
            "etc/alternatives/awk removed",
            "usr/bin/awk removed",
            "etc/alternatives/awk.1.gz removed",
        ],
    );
}

#[test]
fn slaves_of_the_last_choice_go_away_with_it() {
    let base = [
        &format!("var/lib/dpkg/alternatives/awk = {MAWK}"),
        "usr/bin/mawk",
        "usr/share/man/man1/mawk.1.gz",
        "etc/alternatives/awk -> /usr/bin/mawk",
        "etc/alternatives/awk.1.gz -> /usr/share/man/man1/mawk.1.gz",
        "usr/bin/awk -> /etc/alternatives/awk",
        "usr/share/man/man1/awk.1.gz -> /etc/alternatives/awk.1.gz",
    ];
    let call = "update-alternatives --install /usr/bin/awk awk /usr/bin/gawk 10";
    let effect = run(&Fixture::base(&base).package("gawk", call, &["usr/bin/gawk"]));
    check(
        &effect,
        &[
            r"var/lib/dpkg/alternatives/awk = auto\n/usr/bin/awk\nawk.1.gz\n/usr/share/man/man1/awk.1.gz\n\n/usr/bin/gawk\n10\n\n/usr/bin/mawk\n5\n/usr/share/man/man1/mawk.1.gz\n\n (644 0:0)",
            "etc/alternatives/awk -> /usr/bin/gawk",
            "etc/alternatives/awk.1.gz removed",
            "usr/share/man/man1/awk.1.gz removed",
        ],
    );
}

#[test]
fn nothing_but_links_is_replaced_and_what_is_unclear_is_reported() {
    let postinst = "update-alternatives --install /usr/bin/x x /usr/bin/y 1\n\
                    update-alternatives --install /usr/bin/z z /usr/bin/missing 1\n\
                    update-alternatives --install /usr/bin/v v /usr/bin/y $PRIORITY\n\
                    update-alternatives --remove x /usr/bin/y\n\
                    update-alternatives --set x /usr/bin/y; update-alternatives --auto none\n\
                    if grep -q a /etc/b; then update-alternatives --install /usr/bin/w w /usr/bin/y 1; fi\n\
                    update-alternatives --install /usr/bin/w ../w /usr/bin/y 1\n";
    let fixture = Fixture::default().package("demo", postinst, &["usr/bin/y", "usr/bin/x"]);
    let ctx = EffectContext { has_dpkg: false, ..fixture.context() };
    check(
        &alternatives(&ctx, &Scripts::read(&ctx)),
        &[
            "etc/alternatives/x -> /usr/bin/y",
            "! alternative `/usr/bin/missing` of `z` is left out, since the file is missing",
            "! alternative link `/usr/bin/x` is not made, since a file is there",
            "? demo 3: the value of `$PRIORITY` is only known when the script runs",
            "? demo 5: only `--install` is reproduced",
            "? demo 6: it depends on `grep -q a /etc/b`",
            "? demo 7: a link, a name and a path are needed",
        ],
    );
}

#[test]
fn a_link_in_a_merged_directory_is_made_where_it_stands() {
    let call = "update-alternatives --install /bin/nc nc /bin/nc.openbsd 50";
    let fixture = Fixture::base(&["bin -> usr/bin"]).package("netcat-openbsd", call, &["usr/bin/nc.openbsd"]);
    let effect = run(&fixture);
    let paths: Vec<&str> = effect.changes.iter().map(Change::path).collect();
    assert_eq!(paths, ["var/lib/dpkg/alternatives/nc", "etc/alternatives/nc", "usr/bin/nc"]);
}

#[test]
fn files_are_read_and_written_alike() {
    let alternative = Alternative::parse(MAWK).expect("the file has the form");
    assert_eq!(alternative.to_string(), MAWK);
    for broken in ["", "auto", "other\n/a\n\n", "auto\n/a\nslave", "auto\n/a\n\n/b\nx\n"] {
        assert_eq!(Alternative::parse(broken), None, "{broken:?}");
    }
}

proptest! {
    #[test]
    fn any_file_is_read_without_panic(text in "(auto|manual|/a|5|x|\n){0,20}") {
        if let Some(alternative) = Alternative::parse(&text) {
            prop_assert_eq!(Alternative::parse(&alternative.to_string()), Some(alternative));
        }
    }
}
