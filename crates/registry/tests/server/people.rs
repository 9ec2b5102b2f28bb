//! A registry with people: who may do what, by every way of saying who one is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{StreamExt as _, stream};
use temper_oci::{Digest, media_type};
use temper_registry::{
    AccessSecret, AccessToken, Accounts, AccountsDirectory, Directory as _, Frontage, ImmutableTags, Limits,
    PasswordHash, PasswordLimits, Passwords, RepositoryRules, Right, TokenAccess, TokenKey, TokenLimits,
    Tokens, Unproven, User, token_router,
};
use tokio::sync::watch;

use crate::fixture::{Answer, Fixture, image};

/// A registry with accounts that a test may replace.
pub(crate) struct People {
    pub(crate) fixture: Fixture,
    pub(crate) accounts: watch::Sender<Arc<Accounts>>,
    /// The access token `ci` of `robot`: write, in `acme/**`, until an hour after the begin.
    pub(crate) secret: AccessSecret,
}

pub(crate) const BEGIN: i64 = 1_700_000_000_000_000;
const HOUR: i64 = 3_600_000_000;

/// Makes a cheap hash; the costs of real ones are not what is tested.
fn hash(password: &str) -> PasswordHash {
    use argon2::password_hash::PasswordHasher as _;
    let params = argon2::Params::new(8, 1, 1, None).expect("are good");
    let argon2 = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    let hash = argon2.hash_password_with_salt(password.as_bytes(), b"salt of a test").expect("hashes");
    hash.to_string().parse().expect("is a hash")
}

fn rules(pattern: &str, rights: &[(&str, Right)]) -> RepositoryRules {
    RepositoryRules {
        pattern: pattern.parse().expect("is a pattern"),
        rights: rights.iter().map(|(user, right)| ((*user).to_owned(), *right)).collect(),
        public: None,
        immutable_tags: None,
        quota_bytes: None,
        organization_quota_bytes: None,
        retention: None,
    }
}

pub(crate) fn accounts(secret: &AccessSecret) -> Accounts {
    let user = |password: &str| User { password: Some(hash(password)), ..User::default() };
    let ci = AccessToken {
        digest: secret.digest(),
        right: Right::Write,
        repositories: vec!["acme/**".parse().expect("is a pattern")],
        expires_at: Some(BEGIN + HOUR),
    };
    let robot = User { tokens: BTreeMap::from([("ci".to_owned(), ci)]), ..User::default() };
    let users = [
        ("reader", user("reader")),
        ("writer", user("writer")),
        ("owner", user("owner")),
        ("root", User { is_admin: true, ..user("root") }),
        ("robot", robot),
    ];
    let team =
        [("reader", Right::Read), ("writer", Right::Write), ("owner", Right::Admin), ("robot", Right::Admin)];
    let immutable_tags = Some(ImmutableTags::Patterns(vec!["v*".parse().expect("is a pattern")]));
    Accounts {
        users: users.into_iter().map(|(name, user)| (name.to_owned(), user)).collect(),
        repositories: vec![
            RepositoryRules { public: Some(true), ..rules("acme/open", &[]) },
            RepositoryRules { immutable_tags, ..rules("acme/**", &team) },
            rules("robot/**", &[("robot", Right::Admin)]),
        ],
    }
}

impl People {
    pub(crate) async fn new() -> Self {
        Self::with(TokenLimits::default()).await
    }

    async fn with(limits: TokenLimits) -> Self {
        let secret = AccessSecret::generate().expect("makes");
        let (accounts, receiver) = watch::channel(Arc::new(accounts(&secret)));
        let now = Arc::new(std::sync::atomic::AtomicI64::new(BEGIN));
        let time = Arc::clone(&now);
        let clock: temper_registry::Clock = Arc::new(move || time.load(Ordering::Relaxed));
        let passwords = Passwords::new(PasswordLimits::default()).expect("makes");
        let key = TokenKey::generate().expect("makes");
        let tokens = Tokens::new(&key, Arc::clone(&clock), limits);
        let access = TokenAccess::new(Arc::new(AccountsDirectory::new(receiver, passwords, clock)), tokens);
        let mut fixture = Fixture::with(Limits::default(), access.clone()).await;
        fixture.now = now;
        let router: Router = std::mem::take(&mut fixture.router).merge(token_router(access));
        let trusted_proxies = vec!["10.9.0.0/16".parse().expect("is a network")];
        fixture.router = Frontage { trusted_proxies, ..Frontage::default() }.layer(router);
        Self { fixture, accounts, secret }
    }

    pub(crate) fn basic(&self, who: &str) -> Option<String> {
        let encode = |pair: String| Some(format!("Basic {}", STANDARD.encode(pair)));
        match who {
            "nobody" => None,
            "robot" => encode(format!("robot:{}", self.secret.expose())),
            who => encode(format!("{who}:{who}")),
        }
    }

    pub(crate) async fn send(
        &self,
        authorization: Option<&str>,
        method: &str,
        path: &str,
        body: impl Into<Body>,
    ) -> Answer {
        let mut headers = vec![("host", "reg.example"), ("content-type", media_type::OCI_MANIFEST)];
        headers.extend(authorization.map(|value| ("authorization", value)));
        self.fixture.send_from("192.0.2.1:9", method, path, &headers, body).await
    }

    /// Does what clients do: asks, goes to the token service with the challenge, and asks again.
    pub(crate) async fn send_with_token(
        &self,
        who: &str,
        method: &str,
        path: &str,
        body: &'static [u8],
    ) -> (Answer, Option<String>) {
        let first = self.send(None, method, path, body).await;
        if first.status != 401 {
            return (first, None);
        }
        let query = token_query(first.header("www-authenticate"));
        let answer = self.send(self.basic(who).as_deref(), "GET", &format!("/token?{query}"), "").await;
        answer.expect(200, "");
        let bearer = format!("Bearer {}", answer.json()["token"].as_str().expect("is there"));
        (self.send(Some(&bearer), method, path, body).await, Some(bearer))
    }

    pub(crate) async fn token(&self, who: &str, query: &str) -> String {
        let answer = self.send(self.basic(who).as_deref(), "GET", &format!("/token?{query}"), "").await;
        answer.expect(200, "");
        format!("Bearer {}", answer.json()["token"].as_str().expect("is there"))
    }
}

/// Turns a challenge into the query for the token service.
#[track_caller]
fn token_query(challenge: &str) -> String {
    let parameters =
        challenge.strip_prefix("Bearer realm=\"http://reg.example/token\",").expect("has a realm");
    parameters.split("\",").map(|parameter| parameter.replace('"', "")).collect::<Vec<_>>().join("&")
}

/// What is done in the matrix: method, path below the repository, and the status when it is allowed there.
const ACTIONS: [(&str, &str, u16); 3] =
    [("GET", "tags/list", 200), ("POST", "blobs/uploads/", 202), ("DELETE", "manifests/none", 404)];

/// Who may do what: per person and repository, the answers to [`ACTIONS`].
///
/// `ok` is done, `login` asks to log in, `denied` refuses, `hidden` answers as for what is not there.
const MATRIX: &[(&str, &str, [&str; 3])] = &[
    ("nobody", "acme/open", ["ok", "login", "login"]),
    ("nobody", "acme/app", ["login", "login", "login"]),
    ("nobody", "acme/absent", ["login", "login", "login"]),
    ("nobody", "other/app", ["login", "login", "login"]),
    ("reader", "acme/open", ["ok", "denied", "denied"]),
    ("reader", "acme/app", ["ok", "denied", "denied"]),
    ("reader", "other/app", ["hidden", "hidden", "hidden"]),
    ("reader", "other/absent", ["hidden", "hidden", "hidden"]),
    ("writer", "acme/app", ["ok", "ok", "denied"]),
    ("owner", "acme/app", ["ok", "ok", "ok"]),
    ("owner", "robot/app", ["hidden", "hidden", "hidden"]),
    ("root", "acme/app", ["ok", "ok", "ok"]),
    ("root", "other/app", ["ok", "ok", "ok"]),
    ("robot", "acme/app", ["ok", "ok", "denied"]),
    ("robot", "robot/app", ["hidden", "hidden", "hidden"]),
];

#[tokio::test]
async fn everybody_may_what_the_table_says_and_no_more() {
    let people = People::new().await;
    for repository in ["acme/open", "acme/app", "other/app", "robot/app"] {
        let path = format!("/v2/{repository}/blobs/uploads/?digest={}", Digest::of("x"));
        people.send(people.basic("root").as_deref(), "POST", &path, "x").await.expect(201, "");
    }
    for (who, repository, expected) in MATRIX {
        for ((method, path, done), expected) in ACTIONS.iter().zip(expected) {
            let path = format!("/v2/{repository}/{path}");
            let basic = people.send(people.basic(who).as_deref(), method, &path, "").await;
            let (token, _) = people.send_with_token(who, method, &path, b"").await;
            for (way, answer) in [("basic", basic), ("token", token)] {
                let code = answer.json_or_null()["errors"][0]["code"].as_str().unwrap_or("").to_owned();
                let seen = match (answer.status.as_u16(), code.as_str()) {
                    (401, "UNAUTHORIZED") => "login",
                    (403, "DENIED") => "denied",
                    (404, "NAME_UNKNOWN") => "hidden",
                    (status, _) if status == *done => "ok",
                    _ => panic!("{who} {way} {method} {path}: {answer:?}"),
                };
                assert_eq!(seen, *expected, "{who} {way} {method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_hidden_looks_like_what_is_not_there() {
    let people = People::new().await;
    let root = people.basic("root");
    let digest = Digest::of("secret");
    let push = format!("/v2/other/app/blobs/uploads/?digest={digest}");
    people.send(root.as_deref(), "POST", &push, "secret").await.expect(201, "");
    for who in ["nobody", "reader"] {
        for (method, path) in [
            ("GET", format!("blobs/{digest}")),
            ("HEAD", "manifests/1".to_owned()),
            ("GET", "tags/list".to_owned()),
        ] {
            let mut answers = Vec::new();
            for repository in ["other/app", "other/gone"] {
                let path = format!("/v2/{repository}/{path}");
                let answer = people.send(people.basic(who).as_deref(), method, &path, "").await;
                let body = String::from_utf8_lossy(&answer.body).replace(repository, "NAME");
                let challenge = answer
                    .headers
                    .get("www-authenticate")
                    .map(|value| value.to_str().expect("is text").replace(repository, "NAME"));
                answers.push((answer.status, body, challenge));
            }
            assert_eq!(answers[0], answers[1], "{who} {method} {path}");
        }
    }
    let mount = format!("/v2/acme/app/blobs/uploads/?mount={digest}&from=other/app");
    people.send(people.basic("writer").as_deref(), "POST", &mount, "").await.expect(202, "");
    let got = format!("/v2/acme/app/blobs/{digest}");
    people.send(people.basic("writer").as_deref(), "GET", &got, "").await.expect(404, "BLOB_UNKNOWN");
}

#[tokio::test]
async fn tokens_grant_what_was_asked_for_and_a_challenge_tells_what_lacks() {
    let people = People::new().await;
    let pull = people.token("writer", "scope=repository:acme/app:pull").await;
    let answer = people.send(Some(&pull), "POST", "/v2/acme/app/blobs/uploads/", "").await;
    answer.expect(401, "UNAUTHORIZED");
    assert_eq!(
        answer.header("www-authenticate"),
        "Bearer realm=\"http://reg.example/token\",service=\"reg.example\",scope=\"repository:acme/app:pull,push\",error=\"insufficient_scope\""
    );
    people.send(Some(&pull), "GET", "/v2/acme/open/tags/list", "").await.expect(404, "NAME_UNKNOWN");
    people.send(Some(&pull), "GET", "/v2/acme/other/tags/list", "").await.expect(401, "UNAUTHORIZED");

    let both = "scope=repository:acme/app:pull,push&scope=repository:acme/from:pull";
    let bearer = people.token("writer", both).await;
    let digest = Digest::of("layer");
    let seed = format!("/v2/acme/from/blobs/uploads/?digest={digest}");
    people.send(people.basic("writer").as_deref(), "POST", &seed, "layer").await.expect(201, "");
    let mount = format!("/v2/acme/app/blobs/uploads/?mount={digest}&from=acme/from");
    people.send(Some(&bearer), "POST", &mount, "").await.expect(201, "");
    let alone = people.token("writer", "scope=repository:acme/app:pull,push").await;
    let mount = format!("/v2/acme/app/blobs/uploads/?mount={}&from=acme/from", Digest::of("none"));
    people.send(Some(&alone), "POST", &mount, "").await.expect(202, "");

    let none = people.send(Some("Bearer no.such.token"), "GET", "/v2/", "").await;
    none.expect(401, "UNAUTHORIZED");
    assert!(none.header("www-authenticate").ends_with("error=\"invalid_token\""), "{none:?}");
    for path in ["/token?scope=repository:acme/app:pull", "/v2/"] {
        for wrong in ["Basic d3JpdGVyOndyb25n", "Basic bm9ib2R5Om5vYm9keQ==", "Basic ???", "Digest x"] {
            people.send(Some(wrong), "GET", path, "").await.expect(401, "UNAUTHORIZED");
        }
    }
    people.send(people.basic("reader").as_deref(), "GET", "/v2/", "").await.expect(200, "");
    let many = "scope=repository:a:pull&".repeat(101);
    people.send(None, "GET", &format!("/token?{many}"), "").await.expect(400, "UNSUPPORTED");
    people.send(None, "PUT", "/token", "").await.expect(405, "UNSUPPORTED");
}

#[tokio::test]
async fn the_oauth_form_takes_passwords_and_refresh_tokens() {
    let people = People::new().await;
    let post = async |form: String| people.send(None, "POST", "/token", form).await;
    let scope =
        "service=reg.example&client_id=test&scope=repository:acme/app:pull,push repository:acme/from:pull";
    let answer =
        post(format!("grant_type=password&username=writer&password=writer&access_type=offline&{scope}"))
            .await;
    answer.expect(200, "");
    assert_eq!(answer.header("cache-control"), "no-store");
    let json = answer.json();
    assert_eq!(json["expires_in"], 300);
    let refresh = json["refresh_token"].as_str().expect("is there").to_owned();
    let again = post(format!("grant_type=refresh_token&refresh_token={refresh}&{scope}")).await;
    again.expect(200, "");
    assert!(again.json()["refresh_token"].is_null());
    let bearer = format!("Bearer {}", again.json()["access_token"].as_str().expect("is there"));
    people.send(Some(&bearer), "POST", "/v2/acme/app/blobs/uploads/", "").await.expect(202, "");
    let used = people.send(Some(&format!("Bearer {refresh}")), "GET", "/v2/", "").await;
    used.expect(401, "UNAUTHORIZED");
    for (form, status) in [
        ("grant_type=password&username=writer&password=wrong", 401),
        ("grant_type=password&username=writer", 401),
        ("grant_type=refresh_token&refresh_token=x", 401),
        ("grant_type=client_credentials", 400),
        ("", 400),
    ] {
        assert_eq!(post(form.to_owned()).await.status, status, "{form}");
    }
    post("x".repeat(70_000)).await.expect(413, "SIZE_INVALID");
}

#[tokio::test]
async fn a_form_that_never_ends_is_given_up() {
    let request_time_max = Duration::from_millis(50);
    let people = People::with(TokenLimits { request_time_max, ..TokenLimits::default() }).await;
    // Never silent, and shorter than what is allowed for a long time.
    let drip = stream::repeat_with(|| Ok::<_, std::io::Error>("x"))
        .then(async |byte| {
            tokio::time::sleep(Duration::from_millis(5)).await;
            byte
        })
        .take(1000);
    let answer = people.send(None, "POST", "/token", Body::from_stream(drip)).await;
    assert_eq!(answer.status, 408, "{answer:?}");
}

#[tokio::test]
async fn what_ends_an_account_ends_its_tokens() {
    let people = People::new().await;
    let form = "grant_type=password&username=writer&password=writer&access_type=offline";
    let refresh =
        people.send(None, "POST", "/token", form).await.json()["refresh_token"].to_string().replace('"', "");
    let refresh = format!("grant_type=refresh_token&refresh_token={refresh}");
    let writer = people.token("writer", "scope=repository:acme/app:pull").await;
    let robot = people.token("robot", "scope=repository:acme/app:pull,push").await;
    let (list, upload) = ("/v2/acme/app/tags/list", "/v2/acme/app/blobs/uploads/");
    people.send(Some(&writer), "GET", list, "").await.expect(404, "NAME_UNKNOWN");
    people.send(Some(&robot), "POST", upload, "").await.expect(202, "");

    let mut changed = accounts(&people.secret);
    changed.users.get_mut("writer").expect("is there").password = Some(hash("changed"));
    people.accounts.send_replace(Arc::new(changed));
    people.send(Some(&writer), "GET", list, "").await.expect(401, "UNAUTHORIZED");
    people.send(None, "POST", "/token", refresh).await.expect(401, "UNAUTHORIZED");
    people.send(people.basic("writer").as_deref(), "GET", "/v2/", "").await.expect(401, "UNAUTHORIZED");
    people.send(Some(&robot), "POST", upload, "").await.expect(202, "");

    let mut changed = accounts(&people.secret);
    let team = &mut changed.repositories[1].rights;
    team.insert("robot".to_owned(), Right::Read);
    people.accounts.send_replace(Arc::new(changed));
    people.send(Some(&robot), "POST", upload, "").await.expect(403, "DENIED");
    people.accounts.send_replace(Arc::new(accounts(&people.secret)));

    people.fixture.now.store(BEGIN + 299_000_000, Ordering::Relaxed);
    people.send(Some(&robot), "POST", upload, "").await.expect(202, "");
    people.fixture.now.store(BEGIN + 300_000_000, Ordering::Relaxed);
    people.send(Some(&robot), "POST", upload, "").await.expect(401, "UNAUTHORIZED");
    people.send(people.basic("robot").as_deref(), "POST", upload, "").await.expect(202, "");
    people.fixture.now.store(BEGIN + HOUR, Ordering::Relaxed);
    people.send(people.basic("robot").as_deref(), "POST", upload, "").await.expect(401, "UNAUTHORIZED");
}

#[tokio::test]
async fn the_catalog_shows_what_one_may_pull() {
    let people = People::new().await;
    let root = people.basic("root");
    for repository in ["acme/open", "acme/a", "acme/b", "other/app", "robot/app"] {
        let path = format!("/v2/{repository}/blobs/uploads/?digest={}", Digest::of("x"));
        people.send(root.as_deref(), "POST", &path, "x").await.expect(201, "");
    }
    people.send(None, "GET", "/v2/_catalog", "").await.expect(401, "UNAUTHORIZED");
    let anybody = people.token("nobody", "scope=registry:catalog:*").await;
    let reader = people.token("reader", "scope=registry:catalog:*").await;
    let robot = people.basic("robot").expect("has one");
    for (authorization, query, expected, more) in [
        (&anybody, "", &["acme/open"][..], false),
        (&reader, "", &["acme/a", "acme/b", "acme/open"], false),
        (&robot, "", &["acme/a", "acme/b", "acme/open"], false),
        (root.as_ref().expect("has one"), "?n=2&last=acme/open", &["other/app", "robot/app"], true),
        (&reader, "?n=2", &["acme/a", "acme/b"], true),
        (&reader, "?n=2&last=acme/b", &["acme/open"], false),
        (&reader, "?last=acme/open", &[], false),
    ] {
        let answer = people.send(Some(authorization), "GET", &format!("/v2/_catalog{query}"), "").await;
        answer.expect(200, "");
        assert_eq!(answer.json()["repositories"], serde_json::json!(expected), "{query}");
        assert_eq!(answer.headers.contains_key("link"), more, "{query}");
    }
}

#[tokio::test]
async fn proxies_that_are_trusted_say_where_the_token_service_is() {
    let people = People::new().await;
    let headers =
        [("host", "inner:5080"), ("x-forwarded-proto", "https"), ("x-forwarded-host", "reg.example")];
    for (peer, realm) in
        [("10.9.0.1:9", "https://reg.example/token"), ("10.8.0.1:9", "http://inner:5080/token")]
    {
        let answer = people.fixture.send_from(peer, "GET", "/v2/", &headers, Body::empty()).await;
        answer.expect(401, "UNAUTHORIZED");
        let challenge = answer.header("www-authenticate");
        assert!(challenge.starts_with(&format!("Bearer realm=\"{realm}\"")), "{challenge}");
    }
}

#[tokio::test]
async fn immutable_tags_stay_and_say_so() {
    let people = People::new().await;
    let owner = people.basic("owner");
    let owner = owner.as_deref();
    let put = async |tag: &str, text: &str| {
        let config = Digest::of("{}");
        let blob = format!("/v2/acme/app/blobs/uploads/?digest={config}");
        people.send(owner, "POST", &blob, "{}").await.expect(201, "");
        let mut manifest = image(None);
        manifest.config = temper_oci::Descriptor::of(media_type::OCI_CONFIG, b"{}");
        manifest.layers.clear();
        manifest.annotations = BTreeMap::from([("note".to_owned(), text.to_owned())]);
        let bytes = manifest.to_bytes();
        let digest = Digest::of(&bytes);
        (people.send(owner, "PUT", &format!("/v2/acme/app/manifests/{tag}"), bytes).await, digest)
    };
    let (first, digest) = put("v1", "one").await;
    first.expect(201, "");
    put("v1", "one").await.0.expect(201, "");
    let (refused, other) = put("v1", "two").await;
    refused.expect(409, "DENIED");
    assert_eq!(
        refused.json()["errors"][0]["message"],
        format!("tag `v1` of repository `acme/app` is immutable and stays at `{digest}`")
    );
    put("latest", "one").await.0.expect(201, "");
    let (moved, _) = put("latest", "two").await;
    moved.expect(201, "");
    for reference in ["v1", &digest.to_string()] {
        let path = format!("/v2/acme/app/manifests/{reference}");
        people.send(owner, "DELETE", &path, "").await.expect(409, "DENIED");
        people.send(owner, "GET", &path, "").await.expect(200, "");
    }
    people.send(owner, "DELETE", "/v2/acme/app/manifests/v2", "").await.expect(404, "MANIFEST_UNKNOWN");
    people.send(owner, "DELETE", "/v2/acme/app/manifests/latest", "").await.expect(202, "");
    people.send(owner, "DELETE", &format!("/v2/acme/app/manifests/{other}"), "").await.expect(202, "");
}

#[tokio::test]
async fn the_log_can_tell_why_nobody_was_found() {
    let (secret, other) =
        (AccessSecret::generate().expect("makes"), AccessSecret::generate().expect("makes"));
    let (_accounts, receiver) = watch::channel(Arc::new(accounts(&secret)));
    let now = Arc::new(std::sync::atomic::AtomicI64::new(BEGIN));
    let time = Arc::clone(&now);
    let passwords = Passwords::new(PasswordLimits::default()).expect("makes");
    let directory =
        AccountsDirectory::new(receiver, passwords, Arc::new(move || time.load(Ordering::Relaxed)));
    for (user, proof, hours, expected) in [
        ("reader", "reader", 0, Ok(())),
        ("reader", "writer", 0, Err(Unproven::Password)),
        ("robot", "robot", 0, Err(Unproven::Password)),
        ("mallory", "reader", 0, Err(Unproven::User)),
        ("mallory", secret.expose(), 0, Err(Unproven::User)),
        ("robot", other.expose(), 0, Err(Unproven::Token)),
        ("robot", secret.expose(), 0, Ok(())),
        ("robot", secret.expose(), 1, Err(Unproven::Expired)),
    ] {
        now.store(BEGIN + hours * HOUR, Ordering::Relaxed);
        let found = directory.authenticate(user, &proof.into()).await.expect("looks");
        assert_eq!(found.map(drop), expected, "{user} after {hours} hours");
    }
}
