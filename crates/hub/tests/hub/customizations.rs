//! Customizations: documents that are taken or refused, changed, applied from a folder, and deleted.

use temper_hub::{Caller, Cause, HubError, Page, Scope, Submission};

use crate::world::{ORGANIZATION, World, submission, told};

const ENVIRONMENT: &str = "environment: {A: \"1\"}\n";

#[tokio::test]
async fn an_edit_takes_the_place_of_what_waits() {
    let world = World::new().await;
    let one = world.create(ENVIRONMENT).await;
    let two = world.edit(&one, "environment: {A: \"2\"}\n").await;
    assert_eq!((two.record.version, two.record.updated_by.as_str()), (2, "temper"));
    assert_eq!(world.states(&one).await, ["queued", "superseded"]);
    world.work().await;
    assert_eq!(world.states(&one).await, ["succeeded", "superseded"]);
    let stale = world
        .hub
        .edit_customization(&Caller::Program, &one.record.id, Some(1), &submission(ENVIRONMENT), false)
        .await;
    assert!(matches!(stale, Err(HubError::Stale { .. })), "{stale:?}");
    // An edit that changes nothing for the target leads to no build.
    world.edit(&world.get(&one).await, "environment: {A: \"2\"}\n").await;
    assert_eq!(world.states(&one).await, ["succeeded", "superseded"]);
    let history = world.hub.customization_history(&Caller::Program, &one.record.id).await.expect("lists");
    assert_eq!(history.iter().map(|version| version.version).collect::<Vec<_>>(), [3, 2, 1]);
    let restored = world
        .hub
        .restore_customization(&Caller::Program, &one.record.id, 1, Some(3))
        .await
        .expect("restores");
    assert_eq!((restored.record.version, restored.document.environment["A"].as_str()), (4, "1"));
    world.work().await;
    let build = world.builds(&one).await.remove(0);
    assert_eq!(build.causes, [Cause::Edited]);
    let changes = build.changes.expect("are kept");
    assert_eq!(changes.platforms["linux/amd64"].config[0].name, "env.A");
}

#[tokio::test]
async fn problems_come_all_at_once_and_nothing_is_kept() {
    let world = World::new().await;
    for (body, expected) in [
        ("id: other\n", vec!["`id`: a new customization has no id"]),
        (
            "targets:\n- {destination: other/app, tag: \"1\"}\n- {destination: acme/app, tag: \"9\"}\n",
            vec!["`other/app` is no repository of organization `acme`"],
        ),
        (
            "targets: [{destination: acme/app, tag: \"9\"}, {destination: acme/none, tag: \"1\"}]\n",
            vec!["repository `acme/app` has no tag `9`", "repository `acme/none` has no tag `1`"],
        ),
        (
            "targets: [{destination: acme/app, tag_definition_id: app/debian-13/1}]\n",
            vec!["repository `acme/app` has no line of tags `app/debian-13/1`"],
        ),
        (
            "contents: {packages: [missing, absent]}\n",
            vec!["`contents.packages[0]`", "`contents.packages[1]`"],
        ),
    ] {
        let error = world.try_create(&format!("name: custom\n{body}")).await.expect_err("has problems");
        let text = told(&error);
        for part in &expected {
            assert!(text.contains(part), "{body}: {text}");
        }
    }
    let page = temper_hub::Page::default();
    let filter = temper_hub::CustomizationFilter::default();
    let listed = world.hub.list_customizations(&Caller::Program, ORGANIZATION, &filter, &page).await;
    assert_eq!(listed.expect("lists").len(), 0);
    assert!(!world.turn().await);
}

#[tokio::test]
async fn a_tag_has_one_owner_and_documents_come_together_or_not_at_all() {
    let world = World::new().await;
    world.create(ENVIRONMENT).await;
    let documents: Vec<Submission> = ["fresh", "custom"]
        .map(|name| Submission {
            name: format!("{name}.yaml"),
            ..submission(&format!("name: {name} two\nsuffix: {name}\n{ENVIRONMENT}"))
        })
        .into();
    let error = world.hub.create_customizations(&Caller::Program, ORGANIZATION, &documents).await;
    let text = told(&error.expect_err("the tag is taken"));
    assert!(text.contains("custom.yaml") && !text.contains("fresh.yaml"), "{text}");
    assert!(text.contains("tag `1_custom` is written by customization `custom` already"), "{text}");
    let created = world.hub.create_customizations(&Caller::Program, ORGANIZATION, &documents[..1]).await;
    assert_eq!(created.expect("the other one was not kept").len(), 1);
    let error = world.try_create(ENVIRONMENT).await.expect_err("name and tag are taken");
    assert!(told(&error).contains("has a customization `custom` already"), "{}", told(&error));
}

#[tokio::test]
async fn what_is_deleted_leaves_its_tags_or_takes_them_along() {
    for removes_tags in [false, true] {
        let world = World::new().await;
        let one = world.create(ENVIRONMENT).await;
        world.work().await;
        let published = world.tag("1_custom");
        let delete = world.hub.delete_customization(&Caller::Program, &one.record.id, None, removes_tags);
        delete.await.expect("is deleted");
        world.work().await;
        assert_eq!(world.tag("1_custom"), if removes_tags { None } else { published });
        let gone = world.hub.get_customization(&Caller::Program, &one.record.id).await;
        assert!(matches!(gone, Err(HubError::NotFound { .. })));
        // What was left behind is free to be claimed.
        world.create("environment: {A: \"3\"}\n").await;
        world.work().await;
        assert!(world.tag("1_custom").is_some_and(|tag| Some(tag) != published));
    }
}

#[tokio::test]
async fn a_folder_is_applied_all_or_nothing() {
    let world = World::new().await;
    let keep = world.create(ENVIRONMENT).await;
    let gone = world.create(&format!("name: gone\n{ENVIRONMENT}")).await;
    let file = |name: &str, body: &str| Submission { name: format!("{name}.yaml"), ..submission(body) };
    let documents =
        [file("a", "environment: {A: \"2\"}\n"), file("b", &format!("id: 0000\nname: fresh\n{ENVIRONMENT}"))];
    let apply =
        |dry_run| world.hub.apply_customizations(&Caller::Program, ORGANIZATION, &documents, dry_run, false);
    for _ in 0..2 {
        let drift = apply(true).await.expect("compares");
        let lines: Vec<String> = drift
            .lines
            .iter()
            .map(|line| format!("{:?} {} {:?}", line.action, line.name, line.differences))
            .collect();
        assert_eq!(lines, ["Edit custom [\"environment.A\"]", "Create fresh []", "Delete gone []"]);
    }
    apply(false).await.expect("applies");
    assert!(apply(true).await.expect("compares").is_empty());
    assert_eq!(world.get(&keep).await.record.version, 2);
    assert!(world.hub.get_customization(&Caller::Program, &gone.record.id).await.is_err());
    let broken = [file("a", "environment: {A: \"3\"}\n"), file("b", "nonsense: 1\n")];
    let error = world.hub.apply_customizations(&Caller::Program, ORGANIZATION, &broken, false, false).await;
    assert!(told(&error.expect_err("is wrong")).contains("b.yaml: "));
    assert_eq!(world.get(&keep).await.record.version, 2);
}

/// A user, perhaps with an access token.
fn user(id: &str, token: Option<Scope>) -> Caller {
    Caller::User { id: id.to_owned(), name: id.to_owned(), is_admin: false, token }
}

#[tokio::test]
async fn rights_decide_who_creates_and_who_sees() {
    let world = World::new().await;
    let one = world.create(ENVIRONMENT).await;
    let documents = [submission(&format!("name: another\n{ENVIRONMENT}"))];
    let create = async |caller: &Caller| {
        world.hub.create_customizations(caller, ORGANIZATION, &documents).await.map(|created| created.len())
    };
    let see = async |caller: &Caller| world.hub.get_customization(caller, &one.record.id).await.is_ok();
    let scope = |may_write, repositories: &[&str]| Scope {
        name: "ci".to_owned(),
        may_write,
        repositories: repositories.iter().map(|name| (*name).to_owned()).collect(),
    };
    let stranger = user("eve", None);
    for (caller, sees) in [(&stranger, false), (&Caller::Anonymous, false), (&user("ada", None), true)] {
        assert_eq!(see(caller).await, sees, "{caller:?}");
    }
    assert!(matches!(create(&stranger).await, Err(HubError::NotFound { kind: "organization", .. })));
    assert!(matches!(create(&Caller::Anonymous).await, Err(HubError::Unauthenticated)));
    let pull = user("ada", Some(scope(false, &[])));
    assert!(see(&pull).await);
    assert!(matches!(create(&pull).await, Err(HubError::Forbidden { .. })));
    let elsewhere = user("ada", Some(scope(true, &["acme/other"])));
    assert!(!see(&elsewhere).await);
    assert!(matches!(create(&elsewhere).await, Err(HubError::NotFound { kind: "repository", .. })));
    let builds = world.hub.list_builds(&stranger, &one.record.id, None, &Page::default()).await;
    assert!(matches!(builds, Err(HubError::NotFound { kind: "customization", .. })));
    let build = world.builds(&one).await.remove(0).record.id;
    assert!(matches!(
        world.hub.get_build(&stranger, &build).await,
        Err(HubError::NotFound { kind: "build", .. })
    ));
    assert!(matches!(world.hub.cancel_build(&pull, &build).await, Err(HubError::Forbidden { .. })));
    assert_eq!(create(&user("ada", Some(scope(true, &["acme/app"])))).await.expect("may"), 1);
}
