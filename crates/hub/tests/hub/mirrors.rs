//! Mirrors and webhooks as operations: who may, what is refused, what is queued.

use temper_hub::{Call, Caller, HubError, MirrorRequest, NewIncoming, NewWebhook, PushedTag, Scope, sign};
use temper_oci::Digest;

use crate::world::{BASE, ORGANIZATION, World};

fn request(source: &str) -> MirrorRequest {
    MirrorRequest { source: source.to_owned(), ..MirrorRequest::default() }
}

fn user(id: &str) -> Caller {
    Caller::User { id: id.to_owned(), name: id.to_owned(), is_admin: false, token: None }
}

async fn waiting(world: &World, kind: &str) -> u64 {
    let counts = world.hub.config().records.jobs().count().await.expect("counts");
    counts
        .iter()
        .filter(|count| count.kind == kind && count.state == "waiting")
        .map(|count| count.count)
        .sum()
}

#[tokio::test]
async fn definitions_become_lines_and_builds() {
    let world = World::new().await;
    let mirror = world.hub.start_mirror(&user("ada"), ORGANIZATION, &request("dhi/bash")).await;
    let mirror = mirror.expect("is started");
    let record = &mirror.record;
    assert_eq!((record.repository.as_str(), record.source.as_str()), ("acme/dhi-bash", "bash"));
    assert_eq!((record.kind.as_str(), mirror.state), ("definitions", "queued"));
    assert!(world.turn().await, "the first look is queued");
    let mirror = world.hub.get_mirror(&user("ada"), "acme/dhi-bash").await.expect("is there");
    assert_eq!((mirror.state, mirror.lines.len()), ("succeeded", 2));
    let line = world.hub.config().records.mirrors().tag_line("acme/dhi-bash", "bash/debian-13/5").await;
    assert!(line.expect("answers").expect("is a line").contains(&"5".to_owned()));
    assert_eq!(waiting(&world, "build").await, 2);
    // Looked at again, nothing has changed.
    world.hub.sync_mirror(&user("ada"), "acme/dhi-bash").await.expect("is queued");
    assert_eq!((waiting(&world, "sync").await, waiting(&world, "build").await), (1, 2));
}

#[tokio::test]
async fn a_mirror_that_is_wrong_is_refused_with_all_problems() {
    let world = World::new().await;
    let check = async |request: MirrorRequest, expected: &[(&str, &str)]| {
        let error =
            world.hub.start_mirror(&user("ada"), ORGANIZATION, &request).await.expect_err("is refused");
        let HubError::Invalid { problems, .. } = error else { panic!("{error}") };
        let found: Vec<_> = problems.0.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(found, expected.iter().map(|(path, _)| *path).collect::<Vec<_>>(), "{request:?}");
        for (problem, (_, part)) in problems.0.iter().zip(expected) {
            assert!(problem.message.contains(part), "{} lacks {part}", problem.message);
        }
    };
    check(request("nothing"), &[("source", "has no definition `nothing`")]).await;
    check(request("r.example/app:1"), &[("source", "names an image, not a repository")]).await;
    check(request("https://r.example/app"), &[("source", "registry")]).await;
    let wrong = MirrorRequest {
        repository: Some("other/app".to_owned()),
        tags: vec!["a b".to_owned()],
        verify_keys: vec!["no key".to_owned()],
        interval_seconds: Some(1),
        ..request("r.example/app")
    };
    let expected = [
        ("repository", "is not in organization"),
        ("tags[0]", "pattern"),
        ("verifyKeys[0]", ""),
        ("intervalSeconds", "is 1 s"),
    ];
    check(wrong, &expected).await;
    let patterns = MirrorRequest { tags: vec!["1".to_owned()], ..request("bash") };
    check(patterns, &[("source", "are for registries")]).await;
}

#[tokio::test]
async fn only_owners_mirror_and_strangers_learn_nothing() {
    let world = World::new().await;
    let member = Caller::Organization {
        id: "organization".to_owned(),
        name: ORGANIZATION.to_owned(),
        scope: Scope { name: "ci".to_owned(), may_write: true, repositories: Vec::new() },
    };
    let error =
        world.hub.start_mirror(&member, ORGANIZATION, &request("bash")).await.expect_err("is refused");
    assert!(matches!(error, HubError::Forbidden { .. }), "{error}");
    world.hub.start_mirror(&user("ada"), ORGANIZATION, &request("bash")).await.expect("is started");
    for caller in [user("eve"), user("nobody")] {
        let start = world.hub.start_mirror(&caller, ORGANIZATION, &request("bash")).await.map(drop);
        let get = world.hub.get_mirror(&caller, "acme/dhi-bash").await.map(drop);
        let stop = world.hub.stop_mirror(&caller, "acme/dhi-bash").await;
        for error in [start, get, stop].map(|result| result.expect_err("is hidden")) {
            assert!(matches!(error, HubError::NotFound { .. }), "{error}");
        }
    }
    let again =
        world.hub.start_mirror(&user("ada"), ORGANIZATION, &request("bash")).await.expect_err("is taken");
    assert!(matches!(again, HubError::Conflict { .. }), "{again}");
    world.hub.stop_mirror(&user("ada"), "acme/dhi-bash").await.expect("is stopped");
    let gone = world.hub.get_mirror(&user("ada"), "acme/dhi-bash").await.expect_err("is gone");
    assert!(matches!(gone, HubError::NotFound { kind: "mirror", .. }), "{gone}");
    world.hub.start_mirror(&user("ada"), ORGANIZATION, &request("bash")).await.expect("is started again");
}

#[tokio::test]
async fn webhooks_are_told_of_what_they_want() {
    let world = World::new().await;
    let hook = |url: &str, events: &[&str], repositories: &[&str]| NewWebhook {
        url: url.to_owned(),
        events: events.iter().map(|event| (*event).to_owned()).collect(),
        repositories: repositories.iter().map(|pattern| (*pattern).to_owned()).collect(),
        secret: None,
    };
    let wrong = world
        .hub
        .create_webhook(&user("ada"), ORGANIZATION, hook("http://127.0.0.1/", &["push", "?"], &[]))
        .await;
    let HubError::Invalid { problems, .. } = wrong.expect_err("is refused") else { panic!("is invalid") };
    let paths: Vec<_> = problems.0.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["url", "events[1]"]);
    let create = async |hook: NewWebhook| {
        world.hub.create_webhook(&user("ada"), ORGANIZATION, hook).await.expect("is created")
    };
    let pushes = create(hook("https://hooks.example/", &["push"], &["acme/*"])).await;
    let others = create(hook("https://hooks.example/", &["push"], &["acme/other"])).await;
    assert_eq!(pushes.secret.expose().len(), 64);
    let pushed = PushedTag {
        repository: BASE.to_owned(),
        tag: "1".to_owned(),
        old: None,
        new: Some(Digest::of("image")),
    };
    world.hub.pushed(&pushed).await.expect("is heard");
    let log = async |id: &str| {
        world.hub.list_deliveries(&user("ada"), ORGANIZATION, id, None, 10).await.expect("lists")
    };
    let sent = log(&pushes.id).await;
    assert_eq!((sent.len(), log(&others.id).await.len()), (1, 0));
    assert_eq!(sent[0].event, "push");
    assert!(sent[0].payload.contains("\"repo_name\":\"acme/app\""), "{}", sent[0].payload);
    assert_eq!(waiting(&world, "deliver").await, 1);
    assert!(!format!("{pushes:?}").contains(pushes.secret.expose()));
}

#[tokio::test]
async fn a_call_lets_the_mirrors_of_its_repository_look() {
    let world = World::new().await;
    world
        .hub
        .start_mirror(&user("ada"), ORGANIZATION, &request("r.example/team/app"))
        .await
        .expect("is started");
    // The first look fails: there is no such registry. It waits for its next attempt.
    let new = NewIncoming { kind: "generic".to_owned(), secret: None };
    let hook = world.hub.create_incoming(&user("ada"), ORGANIZATION, new).await.expect("is created");
    let body = br#"{"repository": "r.example/team/app", "tag": "1"}"#;
    let call = |signature| Call { signature, authorization: None, token: None, body };
    for (id, signature) in [(hook.id.as_str(), None), (hook.id.as_str(), Some("sha256=00")), ("other", None)]
    {
        let error = world.hub.hear(id, call(signature)).await.expect_err("is not believed");
        assert!(matches!(error, HubError::NotFound { .. }), "{error}");
    }
    let signature = sign(hook.secret.expose(), body);
    let heard = world.hub.hear(&hook.id, call(Some(&signature))).await.expect("is heard");
    assert_eq!(
        (heard.repositories.as_slice(), heard.mirrors.as_slice()),
        (["r.example/team/app".to_owned()].as_slice(), ["acme/app".to_owned()].as_slice())
    );
    let hooks = world.hub.list_incoming(&user("ada"), ORGANIZATION, None, 10).await.expect("lists");
    assert_eq!(hooks[0].calls, 1);
}
