//! What is read from scripts: branches, variables, functions, loops, and what stays unknown.

use proptest::prelude::*;

use super::*;
use crate::tree::Tree;

fn read(tree: &Tree, previous_version: Option<&str>, script: &str) -> Scripts {
    let package = EffectPackage {
        name: "demo".to_owned(),
        architecture: "amd64".to_owned(),
        previous_version: previous_version.map(str::to_owned),
        scripts: vec![("postinst".to_owned(), script.to_owned())],
        ..EffectPackage::default()
    };
    let packages = [package];
    Scripts::read(&EffectContext {
        tree,
        base: tree,
        packages: &packages,
        has_dpkg: true,
        architecture: "arm64",
        time: 0,
    })
}

/// Lists the calls as text: unknown words in `<>`, doubts after `??`.
fn calls(scripts: &Scripts) -> Vec<String> {
    let word = |word: &Argument| match word {
        Argument::Known(value) => value.clone(),
        Argument::Unknown(raw) => format!("<{raw}>"),
    };
    let call = |call: &Call| {
        let mut text = call.words.iter().map(word).collect::<Vec<_>>().join(" ");
        for path in &call.writes {
            text = format!("{text} > {}", word(path));
        }
        match &call.doubt {
            Some(doubt) => format!("{}: {text} ?? {doubt}", call.line),
            None => format!("{}: {text}", call.line),
        }
    };
    scripts.calls.iter().map(call).collect()
}

#[track_caller]
fn check(script: &str, expected: &[&str]) {
    let scripts = read(&Tree::default(), None, script);
    assert_eq!(scripts.not_reproduced, []);
    assert_eq!(calls(&scripts), expected, "{script}");
}

#[test]
fn branches_of_configure_are_taken() {
    check("if [ \"$1\" = configure ]; then x a; else x b; fi", &["1: x a"]);
    check("case \"$1\" in\n(configure|abort-upgrade) x a;;\n*) x b;;\nesac", &["2: x a"]);
    check("case $1 in remove) x a;; *) x b; esac", &["1: x b"]);
    check("action=$1\nif test $action != \"configure\"\nthen\n exit 0\nfi\nx a", &["6: x a"]);
    check("[ \"$1\" = \"triggered\" ] && x a\n[ \"$1\" = \"configure\" ] || exit 0\nx b", &["3: x b"]);
    check("if [ \"$1\" = \"configure\" ] || [ \"$1\" = \"abort-upgrade\" ] ; then x a; fi", &["1: x a"]);
    check("if ! [ \"$1\" = configure -a -z \"$2\" ]; then x a; elif true; then x b; fi", &["1: x b"]);
    check("exit 0\nx a", &[]);
}

#[test]
fn words_are_joined_split_and_expanded() {
    check("x --a \\\n  'b c' \"d\"e f\\ g # no\ny", &["1: x --a b c de f g", "3: y"]);
    check("U=\"a b\" V=c\nx $U \"$U\" ${V}d ${V:-e} ${DPKG_ROOT:-}/f", &["2: x a b a b cd c /f"]);
    check("F=/a/b.conf; x ${F%/*} ${F##*/} ${F%.conf}", &["1: x /a b.conf /a/b"]);
    check("systemd-sysusers ${DPKG_ROOT:+--root=\"$DPKG_ROOT\"} a.conf", &["1: systemd-sysusers a.conf"]);
    check("x $(dpkg --print-architecture) `hostname` $Y *.so", &["1: x arm64 <`hostname`> <$Y> <*.so>"]);
    check("x >/dev/null 2>&1 <<EOF\nchown a b\nEOF\ny >> /etc/z", &["1: x", "4: y > /etc/z"]);
}

#[test]
fn functions_and_loops_are_followed() {
    check("f () {\n\tD=\"${1}\"\n\tchown $2:adm $D\n}\nf /var/a root", &["3: chown root:adm /var/a"]);
    check("f() { g \"$@\"; }; g() { x $# \"$@\"; }; f a 'b c'", &["1: x 2 a b c"]);
    check("for i in a b c; do [ $i = a ] && continue; x $i; done; y", &["1: x b", "1: x c", "1: y"]);
    check("for i in a b c; do [ $i = b ] && break; x $i; done; y", &["1: x a", "1: y"]);
    check("f() { return 0; x; }; f && y", &["1: y"]);
}

#[test]
fn what_only_a_run_could_tell_is_doubtful() {
    check(
        "if grep -q a /b; then M=1; x $M; else y; fi; z $M",
        &[
            "1: grep -q a /b",
            "1: x 1 ?? it depends on `grep -q a /b`",
            "1: y ?? it depends on `grep -q a /b`",
            "1: z <$M>",
        ],
    );
    check("grep a /b || exit 0\nx", &["1: grep a /b", "2: x ?? it depends on `grep a /b`"]);
    check("grep a /b || exit 1\nx", &["1: grep a /b", "2: x"]);
    check("for i in $(ls); do x $i; done", &["1: x <$i> ?? it is repeated for each of `$(ls)`"]);
    check("while read a; do x $a; done; y", &["1: x <$a> ?? it stands in a loop on `read a`", "1: y"]);
}

#[test]
fn doubts_reach_into_functions_and_end_with_what_raised_them() {
    check(
        "g() { y; }\nf() {\n if [ -z \"$D\" ]; then return; fi\n x\n g\n}\nf\nz",
        &["4: x ?? it depends on `[ -z \"$D\" ]`", "1: y ?? it depends on `[ -z \"$D\" ]`", "8: z"],
    );
    check(
        "for i in a b; do [ $X = $i ] && break; x $i; done\ny",
        &["1: x a ?? it depends on `[ $X = $i ]`", "1: x b ?? it depends on `[ $X = $i ]`", "2: y"],
    );
    // A round that may have ended puts nothing of the next one in doubt.
    check(
        "for i in a b; do if [ $i = a ]; then [ -n \"$D\" ] && continue; fi; x $i; done\ny",
        &["1: x a ?? it depends on `[ -n \"$D\" ]`", "1: x b", "2: y"],
    );
    check(
        "for i in a b; do [ -n \"$D\" ] && continue; x $i; break; done\ny",
        &["1: x a ?? it depends on `[ -n \"$D\" ]`", "1: x b ?? it depends on `[ -n \"$D\" ]`", "2: y"],
    );
    check(
        "for i in $A b; do break; done; for i in $A b; do [ $i = c ] && break; x $i; done",
        &["1: x <$i> ?? it is repeated for each of `$A`", "1: x b ?? it depends on `[ $i = c ]`"],
    );
    check(
        "for i in a; do for j in b; do continue 2; done; done\nx",
        &["2: x ?? it comes after a `continue` through several loops"],
    );
    check("f() { [ -z \"$D\" ] && return; exit 0; }\nf\nx", &["3: x ?? it depends on `[ -z \"$D\" ]`"]);
}

#[test]
fn patterns_match_paths_of_the_tree() {
    let mut tree = Tree::default();
    crate::effects::testing::put(
        &mut tree,
        &["lib -> usr/lib", "usr/lib/a/x.conf", "usr/lib/b/y.conf", "usr/lib/b/.z.conf"],
    );
    let found = |script| calls(&read(&tree, None, script));
    assert_eq!(found("x /lib/*/*.conf '/lib/*'"), ["1: x /lib/a/x.conf /lib/b/y.conf /lib/*"]);
    assert_eq!(found("for i in /lib/[b]/*; do x $i; done"), ["1: x /lib/b/y.conf"]);
    assert_eq!(found("for i in /none/*; do [ -e $i ] && x $i; done"), Vec::<String>::new());
}

#[test]
fn questions_are_answered_from_the_tree() {
    let mut tree = Tree::default();
    let files = ["var/lib/dpkg/alternatives/vi", "var/lib/dpkg/statoverride = root adm 750 /usr/bin/a\n"];
    crate::effects::testing::put(&mut tree, &files);
    for (script, expected) in [
        ("update-alternatives --query vi >/dev/null || x", vec![]),
        ("update-alternatives --query ed >/dev/null || x", vec!["1: x"]),
        (
            "update-alternatives --install /usr/bin/ed ed /bin/ed 1\nupdate-alternatives --list ed && x",
            vec!["1: update-alternatives --install /usr/bin/ed ed /bin/ed 1", "2: x"],
        ),
        (
            "if update-alternatives --display $A; then x; fi",
            vec!["1: x ?? it depends on `update-alternatives --display $A`"],
        ),
        ("dpkg-statoverride --list /usr/bin/a || x", vec![]),
        ("dpkg-statoverride --quiet --list '/usr/bin/*' || x", vec![]),
        ("dpkg-statoverride --list /usr/bin/b || x", vec!["1: x"]),
        ("dpkg-statoverride --list $F || x", vec!["1: x ?? it depends on `dpkg-statoverride --list $F`"]),
        ("systemctl is-active a && x", vec![]),
        (
            "deb-systemd-helper --quiet was-enabled a && x",
            vec!["1: x ?? it depends on `deb-systemd-helper --quiet was-enabled a`"],
        ),
        ("systemctl daemon-reload && x", vec!["1: systemctl daemon-reload", "1: x"]),
    ] {
        assert_eq!(calls(&read(&tree, None, script)), expected, "{script}");
    }
}

#[test]
fn versions_tell_an_installation_from_an_upgrade() {
    let script = "if [ -z \"$2\" ]; then x; fi\nif dpkg --compare-versions \"$2\" lt-nl 2; then y; fi";
    let check = |previous, expected: &[&str]| {
        assert_eq!(calls(&read(&Tree::default(), previous, script)), expected);
    };
    check(None, &["1: x"]);
    check(Some("1"), &["2: y"]);
    check(Some("1:0"), &[]);
}

#[test]
fn versions_compare_as_dpkg_compares_them() {
    use condition::{Truth, compare_versions};
    for (left, operator, right, expected) in [
        ("1.0-1", "lt", "1.0-2", true),
        ("1.0~rc1", "lt", "1.0", true),
        ("1:0", "le", "2", false),
        ("1.0", "eq", "1.0-0", true),
        ("1.0", "ne", "1.0", false),
        ("2", ">", "2", true),
        ("2", ">>", "2", false),
        ("", "lt", "1", true),
        ("", "lt-nl", "1", false),
        ("", "gt-nl", "1", true),
        ("1", "le-nl", "", true),
        ("", "eq", "", true),
    ] {
        assert_eq!(
            compare_versions(left, operator, right),
            Truth::from(expected),
            "{left} {operator} {right}"
        );
    }
    assert_eq!(compare_versions("1", "near", "2"), Truth::Unknown);
}

#[test]
fn other_languages_and_broken_scripts_are_reported() {
    for (script, line, reason) in [
        ("#!/usr/bin/perl\n1;", 1, "the script is not a shell script"),
        ("x\nif true; then", 2, "the script is not understood: `fi` is missing"),
        ("x 'a", 1, "the script is not understood: a quote is not closed"),
    ] {
        let scripts = read(&Tree::default(), None, script);
        let found: Vec<_> = scripts.not_reproduced.iter().map(|n| (n.line, n.reason.as_str())).collect();
        assert_eq!(found, [(line, reason)], "{script}");
    }
}

#[test]
fn only_calls_that_matter_are_listed() {
    let script = "systemctl enable x || true\nldconfig\ndot -c\nmv /tmp/x /tmp/y\nrm -rf /etc/x\necho a > /etc/y\n\
                  if [ -x \"$(command -v py3compile)\" ]; then py3compile -p x; fi\n$CMD\nlocaledef x";
    let list = not_reproduced::not_reproduced(&read(&Tree::default(), None, script));
    let list: Vec<_> = list.iter().map(|n| format!("{} {}", n.line, n.reason)).collect();
    assert_eq!(
        list,
        [
            "3 `dot` is not reproduced",
            "6 it writes `/etc/y`",
            "8 the command is only known when the script runs",
            "9 `localedef` is not reproduced",
        ]
    );
}

proptest! {
    #[test]
    fn nothing_panics(script in "(if|then|fi|case|esac|in|for|do|done|while|[ \n;&|()${}'\"`\\\\<>#!*?\\[\\]=:%a-c0-9-]){0,60}") {
        read(&Tree::default(), None, &script);
    }

    #[test]
    fn any_text_is_bounded(script in ".{0,200}") {
        read(&Tree::default(), Some("1"), &script);
    }
}
