//! Account files before and after a request.

use temper_oci::{Digest, EntryKind};

use proptest::prelude::*;

use super::*;
use crate::tree::{Node, Source};

const TIME: i64 = 1_700_000_000;
const BASE: &[(&str, &str)] = &[
    (PASSWD, "# base\nroot:x:0:0:root:/root:/bin/sh\nweb:x:33:33::/var/www:/bin/false\n+::::::\n"),
    (GROUP, "root:x:0:\nweb:x:33:\nusers:x:100:web\n"),
];

fn tree(files: &[(&str, &str)]) -> Tree {
    let mut tree = Tree::default();
    for (path, content) in files {
        let kind = EntryKind::File { size: content.len() as u64, digest: Digest::of(content) };
        let entry = temper_oci::Entry {
            path: (*path).to_owned(),
            kind,
            mode: 0o640,
            uid: 0,
            gid: 42,
            mtime: 0,
            xattrs: [].into(),
        };
        let source = Source::Inline(content.as_bytes().into());
        tree.put(Node { entry, linked_to: None, origin: Origin::Base, source });
    }
    tree
}

fn user(name: &str, uid: u32, gid: Option<u32>) -> UserRequest {
    UserRequest { name: name.to_owned(), uid, gid, home_mode: 0o755 }
}

fn group(name: &str, gid: u32, members: &[&str]) -> GroupRequest {
    let members = members.iter().map(|&name| name.to_owned()).collect();
    GroupRequest { name: name.to_owned(), gid, members }
}

fn outcome(files: &[(&str, &str)], request: &AccountRequest) -> AccountOutcome {
    add_accounts(&tree(files), &AccountAdditions::default(), request, "65532", TIME)
}

fn texts(outcome: &AccountOutcome) -> Vec<(&str, String)> {
    outcome
        .files
        .iter()
        .map(|(path, content)| (*path, String::from_utf8_lossy(content).into_owned()))
        .collect()
}

#[test]
fn users_and_groups_get_lines_in_every_file_that_is_there() {
    let shadow =
        [(SHADOW, "root:*:1::::::\n"), (GSHADOW, "root:*::\nusers:!::web\n"), ("usr/sbin/nologin", "")];
    let files = [BASE, &shadow].concat();
    let request = AccountRequest {
        users: vec![user("app", 10001, None), user("job", 10002, Some(33))],
        groups: vec![group("data", 20000, &["app", "web"]), group("users", 100, &["job", "web"])],
        ..AccountRequest::default()
    };
    let found = outcome(&files, &request);
    assert_eq!((&found.problems, &found.warnings), (&vec![], &vec![]));
    assert_eq!(
        texts(&found),
        [
            (
                PASSWD,
                "# base\nroot:x:0:0:root:/root:/bin/sh\nweb:x:33:33::/var/www:/bin/false\n\
                 app:x:10001:10001::/home/app:/usr/sbin/nologin\njob:x:10002:33::/home/job:/usr/sbin/nologin\n\
                 +::::::\n"
                    .to_owned()
            ),
            (
                GROUP,
                "root:x:0:\nweb:x:33:\nusers:x:100:web,job\ndata:x:20000:app,web\napp:x:10001:\n".to_owned()
            ),
            (SHADOW, "root:*:1::::::\napp:!:19675::::::\njob:!:19675::::::\n".to_owned()),
            (GSHADOW, "root:*::\nusers:!::web,job\ndata:!::app,web\napp:!::\n".to_owned()),
        ]
    );
    assert_eq!(found.homes[0], ("home/app".to_owned(), 10001, 10001, 0o755));
    assert_eq!((found.users_added.len(), &*found.groups_added[1]), (2, "app"));

    let mut tree = tree(&files);
    let mut merge = Merge::new(&mut tree);
    found.put(&mut merge, TIME);
    let draft = merge.finish();
    let shadow = &draft.get(SHADOW).expect("is written").entry;
    assert_eq!((shadow.mode, shadow.gid), (0o640, 42));
    let home = &draft.get("home/app").expect("is written").entry;
    assert_eq!((home.mode, home.uid), (0o755, 10001));
}

#[test]
fn equal_accounts_change_nothing() {
    let request = AccountRequest {
        root: true,
        users: vec![user("web", 33, None), user("root", 0, Some(0))],
        groups: vec![group("users", 100, &["web"])],
        ..AccountRequest::default()
    };
    assert_eq!(outcome(BASE, &request), AccountOutcome::default());
}

#[test]
fn other_ids_and_taken_ids_are_problems() {
    for (users, groups, expected) in [
        (
            vec![user("web", 34, None)],
            vec![],
            "user `web` is there with the ids 33:33, but the document asks for 34",
        ),
        (
            vec![user("web", 33, Some(7))],
            vec![],
            "user `web` is there with the ids 33:33, but the document asks for 33:7",
        ),
        (vec![user("app", 33, Some(33))], vec![], "user id 33 of user `app` belongs to user `web`"),
        (vec![user("app", 100, None)], vec![], "group id 100 of group `app` belongs to group `users`"),
        (
            vec![user("users", 7, None)],
            vec![],
            "group `users` is there with the id 100, but the document asks for 7",
        ),
        (
            vec![user("a:b", 7, Some(0))],
            vec![],
            "account name `a:b` is empty, too long or has a character that account files cannot hold",
        ),
        (
            vec![],
            vec![group("x\ny", 7, &[])],
            "account name `x\ny` is empty, too long or has a character that account files cannot hold",
        ),
        (
            vec![],
            vec![group("web", 34, &[])],
            "group `web` is there with the id 33, but the document asks for 34",
        ),
        (vec![], vec![group("app", 33, &[])], "group id 33 of group `app` belongs to group `web`"),
        (
            vec![],
            vec![group("app", 7, &["nobody"])],
            "group `app` names the member `nobody`, which is no user",
        ),
        (
            vec![user("a", 7, None), user("b", 7, Some(0))],
            vec![],
            "user id 7 of user `b` belongs to user `a`",
        ),
    ] {
        let found = outcome(BASE, &AccountRequest { users, groups, ..AccountRequest::default() });
        assert_eq!(found.problems.iter().map(ToString::to_string).collect::<Vec<_>>(), [expected]);
    }
}

#[test]
fn root_is_made_where_a_hardened_base_lacks_it() {
    let request =
        AccountRequest { root: true, runs_as: Some("root".to_owned()), ..AccountRequest::default() };
    let found = outcome(&[("sbin/nologin", ""), (SHADOW, "")], &request);
    assert_eq!(
        texts(&found),
        [
            (PASSWD, "root:x:0:0:root:/root:/sbin/nologin\n".to_owned()),
            (GROUP, "root:x:0:\n".to_owned()),
            (SHADOW, "root:*:19675::::::\n".to_owned()),
        ]
    );
    assert_eq!(found.homes, [("root".to_owned(), 0, 0, 0o700)]);
    assert_eq!(found.run_user.as_deref(), Some("0"));
    assert_eq!(found.warnings, ["the container runs as root: the document sets `runs-as`"]);
}

#[test]
fn the_container_runs_as_a_number() {
    for (runs_as, expected) in [
        ("web", Ok("33")),
        ("33", Ok("33")),
        ("10001", Ok("10001:10001")),
        ("10001:100", Ok("10001:100")),
        ("web:users", Ok("33:100")),
        ("root", Err("`runs-as: root` is root, but `root: true` is not set")),
        ("0", Err("`runs-as: 0` is root, but `root: true` is not set")),
        ("0:33", Err("`runs-as: 0:33` is root, but `root: true` is not set")),
        ("app", Err("`runs-as` names `app`, which is no user")),
        ("web:app", Err("`runs-as` names `web:app`, which is no group")),
    ] {
        let request = AccountRequest { runs_as: Some(runs_as.to_owned()), ..AccountRequest::default() };
        let found = outcome(BASE, &request);
        let problem = found.problems.first().map(ToString::to_string);
        assert_eq!(found.run_user.as_deref().ok_or(problem.as_deref().unwrap_or_default()), expected);
    }
}

#[test]
fn a_base_that_runs_as_root_is_told() {
    for (base_user, expected) in [
        (
            "",
            Some(
                "the container runs as root: the base names no user and the document does not set `runs-as`",
            ),
        ),
        (
            "root:web",
            Some("the container runs as root: the base names root and the document does not set `runs-as`"),
        ),
        (
            "0",
            Some("the container runs as root: the base names root and the document does not set `runs-as`"),
        ),
        ("web", None),
        ("65532:65532", None),
    ] {
        let (additions, request) = Default::default();
        let found = add_accounts(&tree(BASE), &additions, &request, base_user, TIME);
        assert_eq!(found.warnings.first().map(String::as_str), expected);
    }
}

#[test]
fn accounts_of_packages_come_first() {
    use crate::effects::users::GroupAddition;
    let package = || "redis".to_owned();
    let additions = AccountAdditions {
        groups: vec![GroupAddition { package: package(), name: "redis".to_owned(), gid: 101, password: "!" }],
        users: vec![UserAddition {
            package: package(),
            name: "redis".to_owned(),
            uid: 100,
            gid: 101,
            gecos: String::new(),
            home: "/var/lib/redis".to_owned(),
            shell: "/usr/sbin/nologin".to_owned(),
            password: "!*",
        }],
        members: vec![("redis".to_owned(), "users".to_owned())],
    };
    let request = AccountRequest { users: vec![user("app", 100, Some(101))], ..AccountRequest::default() };
    let found = add_accounts(&tree(&[BASE, &[(SHADOW, "")]].concat()), &additions, &request, "33", TIME);
    assert_eq!(
        found.problems,
        [AccountProblem::UidTaken { name: "app".to_owned(), uid: 100, holder: package() }]
    );
    let texts = texts(&found);
    assert!(texts[0].1.contains("redis:x:100:101::/var/lib/redis:/usr/sbin/nologin\n"));
    assert!(texts[1].1.ends_with("users:x:100:web,redis\nredis:x:101:\n"));
    assert_eq!(texts[2].1, "redis:!*:19675::::::\n");
}

proptest! {
    #[test]
    fn any_file_keeps_its_lines(passwd in proptest::collection::vec(any::<u8>(), 0..80), name in "[a-z]{1,4}") {
        let mut table = Table::parse(&passwd);
        prop_assert_eq!(table.changed(), None);
        table.push(&format!("{name}:x:7:7"));
        let content = table.changed().expect("changed");
        let lines = |bytes: &[u8]| {
            let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
            bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>()
        };
        let added = format!("{name}:x:7:7").into_bytes();
        let mut found = lines(&content);
        let position = found.iter().rposition(|line| *line == added).expect("is there");
        found.remove(position);
        let expected = if passwd.strip_suffix(b"\n").unwrap_or(&passwd).is_empty() { vec![] } else { lines(&passwd) };
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn no_name_adds_a_second_line(name in ".{0,6}") {
        let request = AccountRequest { users: vec![user(&name, 7, Some(33))], ..AccountRequest::default() };
        let found = outcome(BASE, &request);
        prop_assert!(texts(&found).iter().all(|(_, text)| text.lines().count() == 5));
        prop_assert_eq!(found.problems.is_empty(), !texts(&found).is_empty());
    }
}
