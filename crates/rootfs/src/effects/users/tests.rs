//! Accounts of packages: ids, homes, initial account files.

use proptest::prelude::*;

use super::*;
use crate::effects::testing::{Fixture, check};

const PASSWD: &str =
    "etc/passwd = root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/nonexistent:/bin/false\n";
const GROUP: &str = "etc/group = root:x:0:\nusers:x:100:\nnogroup:x:65534:\n";

#[track_caller]
fn check_calls(postinst: &str, expected: &[&str]) {
    let fixture = Fixture::base(&[PASSWD, GROUP, "srv/"]).package("demo", postinst, &[]);
    check(&run(&fixture, &AccountOptions::default()), expected);
}

fn run(fixture: &Fixture, options: &AccountOptions) -> Effect {
    let ctx = fixture.context();
    users(&ctx, &Scripts::read(&ctx), options).0
}

#[test]
fn adduser_counts_up_with_separate_ids() {
    check_calls(
        "U=redis\nadduser --system --home /var/lib/redis --quiet --group $U || true",
        &[
            "var/lib/redis/ (755 100:101)",
            "group redis 101 !",
            "user redis:100:101::/var/lib/redis:/usr/sbin/nologin !",
        ],
    );
    check_calls(
        "if ! getent group m >/dev/null; then addgroup --system m; fi\n\
         if ! getent passwd m >/dev/null; then\nadduser --system --disabled-login --ingroup m --home /nonexistent \\\n\
         --no-create-home --gecos \"Demo user\" --shell /bin/false m >/dev/null\nfi\nadduser m users",
        &["group m 101 !", "user m:100:101:Demo user:/nonexistent:/bin/false !", "member m users"],
    );
    check_calls(
        "adduser --system --home /srv plain\nadduser --system --uid 42 fixed",
        &[
            "user plain:100:65534::/srv:/usr/sbin/nologin !",
            "user fixed:42:65534::/nonexistent:/usr/sbin/nologin !",
        ],
    );
    check_calls("getent passwd root || adduser --system root\nadduser --system nobody", &[]);
}

#[test]
fn useradd_counts_below_the_lowest() {
    check_calls(
        "groupadd -r a\nuseradd --system --no-create-home --gid a -d /srv -s /bin/sh a\nuseradd -r -M b\nusermod -a -G users,a b",
        &[
            "group a 999 !",
            "group b 998 !",
            "user a:999:999::/srv:/bin/sh !",
            "user b:998:998::/home/b:/bin/sh !",
            "member b users",
            "member b a",
        ],
    );
}

#[test]
fn what_is_no_system_account_is_reported() {
    check_calls(
        "adduser someone\nadduser --system --conf /x a\nadduser --system $NAME\nadduser --system --gecos a:b c\naddgroup --system 'a b'",
        &[
            "? demo 1: only system users, system groups and memberships are reproduced",
            "? demo 2: option `--conf` is not known",
            "? demo 3: the value of `$NAME` is only known when the script runs",
            "? demo 4: a colon cannot stand in an account",
            "? demo 5: `a b` is no account name",
        ],
    );
}

#[test]
fn sysusers_count_down_with_equal_ids() {
    let files = [
        "usr/lib/sysusers.d/b.conf = m messagebus crontab\nu messagebus - \"System Message Bus\" /nonexistent\ng crontab - -\n# c\n",
        "usr/lib/sysusers.d/c.conf = u sshd -:nogroup \"sshd user\" /run/sshd\nu! app 500 - - /bin/sh\nr - 1-5\n",
    ];
    let fixture = Fixture::base(&[PASSWD, GROUP]).package("demo", "", &files);
    check(
        &run(&fixture, &AccountOptions::default()),
        &[
            "group crontab 999 !*",
            "group messagebus 998 !*",
            "group app 500 !*",
            "user messagebus:998:998:System Message Bus:/nonexistent:/usr/sbin/nologin !*",
            "user sshd:997:65534:sshd user:/run/sshd:/usr/sbin/nologin !*",
            "user app:500:500::/:/bin/sh !*",
            "member messagebus crontab",
            "? demo 3: only `u`, `g` and `m` lines are reproduced",
        ],
    );
}

#[test]
fn ids_of_the_document_are_reserved_and_those_of_the_last_build_kept() {
    let options = AccountOptions {
        document_users: [("app".to_owned(), (100, 100)), ("known".to_owned(), (5, 5))].into(),
        document_groups: [("app".to_owned(), 101), ("docs".to_owned(), 150)].into(),
        previous_users: [("b".to_owned(), 150), ("c".to_owned(), 100)].into(),
        previous_groups: [("b".to_owned(), 151)].into(),
    };
    let postinst = "for name in known b c; do adduser --system --group --no-create-home $name; done";
    let fixture = Fixture::base(&[PASSWD, GROUP]).package("demo", postinst, &[]);
    check(
        &run(&fixture, &options),
        &[
            "group b 151 !",
            "group c 102 !",
            "user b:150:151::/nonexistent:/usr/sbin/nologin !",
            "user c:101:102::/nonexistent:/usr/sbin/nologin !",
        ],
    );
    // A fixed id that is wished for comes next where the last build's is taken by now.
    let options = AccountOptions { previous_groups: [("f".to_owned(), 150)].into(), ..options };
    let fixture = Fixture::base(&[PASSWD, GROUP]).package("demo", "groupadd -r -g 77 f", &[]);
    check(&run(&fixture, &options), &["group f 77 !"]);
}

#[test]
fn a_new_user_leaves_those_of_the_last_build_their_numbers() {
    let options = AccountOptions {
        previous_users: [("old".to_owned(), 100)].into(),
        previous_groups: [("old".to_owned(), 101)].into(),
        ..AccountOptions::default()
    };
    let postinst = "for name in new old; do adduser --system --group --no-create-home $name; done";
    let fixture = Fixture::base(&[PASSWD, GROUP]).package("demo", postinst, &[]);
    check(
        &run(&fixture, &options),
        &[
            "group new 102 !",
            "group old 101 !",
            "user new:101:102::/nonexistent:/usr/sbin/nologin !",
            "user old:100:101::/nonexistent:/usr/sbin/nologin !",
        ],
    );
}

#[test]
fn a_group_id_of_the_last_build_that_is_taken_leaves_the_wish() {
    let options =
        AccountOptions { previous_groups: [("web".to_owned(), 100)].into(), ..AccountOptions::default() };
    let fixture = Fixture::base(&[PASSWD, GROUP]).package("demo", "addgroup --system --gid 33 web", &[]);
    check(&run(&fixture, &options), &["group web 33 !"]);
}

#[test]
fn a_group_id_that_only_a_user_of_the_document_has_is_reserved() {
    let options = AccountOptions {
        document_users: [("app".to_owned(), (5000, 101))].into(),
        ..AccountOptions::default()
    };
    let fixture = Fixture::base(&[PASSWD, GROUP]).package("demo", "addgroup --system web", &[]);
    check(&run(&fixture, &options), &["group web 102 !"]);
}

#[test]
fn account_files_start_from_the_masters() {
    let masters = [
        "usr/share/base-passwd/passwd.master = root:*:0:0:root:/root:/bin/bash\n",
        "usr/share/base-passwd/group.master = root:*:0:\nshadow:*:42:a\n",
    ];
    let fixture = Fixture::default().package("base-passwd", "", &masters);
    check(
        &run(&fixture, &AccountOptions::default()),
        &[
            r"etc/passwd = root:*:0:0:root:/root:/bin/bash\n (644 0:0)",
            r"etc/group = root:*:0:\nshadow:*:42:a\n (644 0:0)",
        ],
    );
    check(
        &run(&fixture.package("passwd", "", &[]), &AccountOptions::default()),
        &[
            r"etc/passwd = root:x:0:0:root:/root:/bin/bash\n (644 0:0)",
            r"etc/group = root:x:0:\nshadow:x:42:a\n (644 0:0)",
            r"etc/shadow = root:*:1:0:99999:7:::\n (640 0:42)",
            r"etc/gshadow = root:*::\nshadow:*::a\n (640 0:42)",
        ],
    );
}

proptest! {
    #[test]
    fn any_sysusers_line_is_read_without_panic(text in "[ugmr!]? ?[a-z\"'\\\\: 0-9-]{0,40}") {
        sysusers::parse(&text);
    }

    #[test]
    fn any_arguments_are_read_without_panic(words in proptest::collection::vec("(--system|--group|--uid|[a-z0-9=-]{0,6})", 0..6)) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        for command in ["adduser", "addgroup", "useradd", "groupadd", "usermod"] {
            drop(command::parse(command, &words));
        }
    }
}
