//! Tests of the accounts file.

use super::*;

const HASH: &str = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g";
const DIGEST: &str = "sha256:d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2";

#[test]
fn a_file_is_read() {
    let text = format!(
        "users:
  alice:
    password: {HASH}
    tokens:
      ci: {{ digest: \"{DIGEST}\", right: write, repositories: [\"acme/*\"], expires: 2027-01-31 }}
  root@example.org: {{ admin: true }}
repositories:
  - name: acme/dhi-*
    write: [alice]
    immutable-tags: [\"v*\"]
    quota: 50GiB
    retention: {{ newest: 3, age: 30d }}
  - {{ name: \"**\", public: true, immutable-tags: all }}
"
    );
    let accounts = Accounts::parse(&text).expect("is good");
    let alice = &accounts.users["alice"];
    assert_eq!(alice.password.as_ref().map(|hash| hash.0.as_str()), Some(HASH));
    let ci = &alice.tokens["ci"];
    assert_eq!((ci.right, ci.repositories[0].to_string().as_str()), (Right::Write, "acme/*"));
    assert_eq!(ci.expires.map(|end| end.0.to_string()).as_deref(), Some("2027-01-31T00:00:00Z"));
    assert!(accounts.users["root@example.org"].admin && !alice.admin);
    let [first, second] = accounts.repositories.as_slice() else { panic!("two entries") };
    assert_eq!((first.quota, first.public), (Some(ByteCount(50 << 30)), None));
    let retention = first.retention.as_ref().expect("is there");
    assert_eq!((retention.newest, retention.age.map(|age| age.0.as_secs())), (Some(3), Some(2_592_000)));
    assert_eq!((second.public, &second.immutable_tags), (Some(true), &Some(ImmutableTags::All)));
    assert!(Accounts::parse("{}").expect("is good").users.is_empty());
}

#[test]
fn hashes_have_their_form() {
    for password in
        ["$argon2id$x", &HASH.replace("m=8", "m="), &HASH.replace("argon2id", "argon2i"), &HASH[..30]]
    {
        let text = format!("users: {{ a: {{ password: '{password}' }}, b: {{ passwort: x }} }}");
        let problems = Accounts::parse(&text).expect_err("is wrong");
        let paths: Vec<&str> = problems.0.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(paths, ["users.a.password", "users.b.passwort"], "{password}");
        assert_eq!(problems.0[0].hint.as_deref(), Some("`temper account hash` makes one"));
    }
    for digest in ["sha256:1", &DIGEST[7..], &DIGEST.replace("sha256", "sha512")] {
        let text = format!("users: {{ a: {{ tokens: {{ ci: {{ digest: '{digest}', right: read }} }} }} }}");
        let problems = Accounts::parse(&text).expect_err("is wrong");
        assert_eq!(problems.0[0].path, "users.a.tokens.ci.digest", "{digest}");
    }
}

#[test]
fn all_problems_are_reported_at_once_and_no_secret_is_repeated() {
    let text = "users:
  alice: { password: hunter2 }
  bob: { tokens: { ci: { digest: temper_secret, right: fly, expires: soon } } }
repositories:
  - { name: 'a b', write: [alice], quota: lots, retention: { age: 1y }, immutable-tags: v1 }
  - { write: [alice], publik: true }
";
    let problems = Accounts::parse(text).expect_err("is wrong");
    let paths: Vec<&str> = problems.0.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "users.alice.password",
            "users.bob.tokens.ci.digest",
            "users.bob.tokens.ci.right",
            "users.bob.tokens.ci.expires",
            "repositories[0].name",
            "repositories[0].quota",
            "repositories[0].retention.age",
            "repositories[0].immutable-tags",
            "repositories[1].name",
            "repositories[1].publik",
        ],
        "{problems}"
    );
    let said = format!("{problems} {:?}", problems.hint());
    assert!(!said.contains("hunter2") && !said.contains("temper_secret"), "{said}");
    let unknown = Accounts::parse("users: { alice: {} }\nrepositories: [{ name: a, read: [alcie] }]");
    let unknown = unknown.expect_err("is wrong");
    assert_eq!(unknown.to_string(), "2:34: `repositories[0].read[0]`: there is no user `alcie`");
    assert_eq!(unknown.hint().as_deref(), Some("did you mean `alice`?"));
    let named = Accounts::parse("users: { 'a:b': {} }").expect_err("is wrong").to_string();
    assert!(named.contains("`a:b` is not the name of a user"), "{named}");
}
