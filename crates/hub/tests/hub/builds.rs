//! Builds: what leads to one, what does not, and where the tags are then.

use std::sync::atomic::Ordering;
use std::time::Duration;

use temper_compose::{Attachments as _, KEPT_INPUTS};
use temper_hub::{Caller, Cause, HubError, PRIORITY_WATCH, PackageChange};
use temper_oci::Digest;
use temper_store::records::TagLine;
use temper_testkit::Deb;

use crate::base;
use crate::image::MemoryImage;
use crate::world::{BASE, World};

const ENVIRONMENT: &str = "environment: {A: \"1\"}\n";

/// A base of other content.
fn patched(content: &str) -> MemoryImage {
    MemoryImage::new(
        base::REFERENCE,
        &[base::image_of("amd64", &base::layer("amd64").file("usr/lib/patch", 0o644, content))],
    )
}

fn moved(old: Digest, new: Digest) -> Cause {
    Cause::Base { repository: BASE.to_owned(), tag: "1".to_owned(), old: Some(old), new: Some(new) }
}

async fn check(world: &World, cause: Cause) {
    for id in world.hub.config().records.targets().with_base(BASE, "1").await.expect("lists") {
        world.hub.check_target(&id, cause.clone(), PRIORITY_WATCH).await.expect("is queued");
    }
}

#[tokio::test]
async fn what_is_created_is_planned_queued_built_and_published() {
    let world = World::new().await;
    let one = world.create(ENVIRONMENT).await;
    assert_eq!((one.record.version, one.record.suffix.as_str()), (1, "custom"));
    assert_eq!(one.document.id.as_ref(), Some(&one.record.id));
    assert_eq!(world.states(&one).await, ["queued"]);
    assert_eq!(world.tag("1_custom"), None);
    world.work().await;
    let build = world.builds(&one).await.remove(0);
    assert_eq!((build.record.state.as_str(), build.record.number), ("succeeded", 1));
    assert_eq!(build.causes, [Cause::Created]);
    assert_eq!(build.tags, ["1_custom"]);
    let digest = world.tag("1_custom").expect("is published");
    let beside =
        world.images.repository(BASE).referrers(&digest).expect("can be listed").expect("are listed");
    let keepers = beside.iter().filter(|one| one.artifact_type.as_deref() == Some(KEPT_INPUTS));
    assert_eq!(keepers.count(), 1, "what it was built from is kept beside it");
    assert_eq!(build.record.digest.as_deref(), Some(digest.to_string().as_str()));
    let events = world.hub.build_events(&Caller::Program, &build.record.id, 0, 100).await.expect("lists");
    let numbers: Vec<i64> = events.iter().map(|event| event.sequence).collect();
    assert_eq!(numbers, (1..=numbers.len() as i64).collect::<Vec<_>>());
    let last = events.last().expect("something was said");
    assert_eq!(last.message, format!("published {digest} as 1_custom"));
    let details = world.hub.describe_build(&Caller::Program, &build.record.id).await.expect("is there");
    assert!(details.inputs.iter().any(|input| input.role == "base"), "{:?}", details.inputs);
    let content = details.content.expect("is kept");
    let amd64 = &content.platforms["linux/amd64"];
    assert_eq!(amd64.packages["base-files"], "13");
    assert_eq!(amd64.config["env.A"], "1");
}

#[tokio::test]
async fn a_moved_base_is_built_with_its_cause() {
    let world = World::new().await;
    let one = world.create(ENVIRONMENT).await;
    world.work().await;
    let (old, first) = (base::hardened().digest(), world.tag("1_custom"));
    let new = world.push_base("1", &patched("a"));
    let newer = world.push_base("1", &patched("b"));
    check(&world, moved(old, new)).await;
    check(&world, moved(new, newer)).await;
    world.work().await;
    assert_eq!(world.states(&one).await, ["succeeded", "succeeded"], "a burst is one build");
    let build = world.builds(&one).await.remove(0);
    assert_eq!(build.causes, [moved(old, newer)]);
    assert_ne!(world.tag("1_custom"), first);
    let changes = build.changes.expect("are kept");
    let base = &changes.inputs[0];
    let told = (base.name.as_str(), base.old.clone(), base.new.clone());
    assert_eq!(told, ("base", Some(old.to_string()), Some(newer.to_string())));
    assert_eq!(world.get(&one).await.targets[0].record.check_outcome.as_deref(), Some("queued"));
}

#[tokio::test]
async fn without_a_changed_input_there_is_no_build() {
    let world = World::new().await;
    world.packages([Deb::new("tool", "1.0").file("usr/bin/tool", 0o755, b"tool")]);
    let one = world.create("contents: {packages: [tool]}\nplatforms: [linux/amd64]\n").await;
    world.work().await;
    world.packages([Deb::new("other", "2.0").file("usr/bin/other", 0o755, b"other")]);
    check(&world, Cause::Package { changed: Vec::new() }).await;
    world.work().await;
    assert_eq!(world.states(&one).await, ["succeeded"]);
    let target = world.get(&one).await.targets[0].record.clone();
    assert_eq!(target.check_outcome.as_deref(), Some("unchanged"));
    assert!(target.check_causes.expect("is kept").contains("\"package\""));
    assert!(target.checked_at.is_some());
    // Who asks by hand sees a build that found nothing to do.
    world.hub.run_builds(&Caller::Program, &one.record.id, None).await.expect("is queued");
    world.work().await;
    assert_eq!(world.states(&one).await, ["unchanged", "succeeded"]);
}

#[tokio::test]
async fn an_updated_package_of_the_closure_is_built_and_named() {
    let world = World::new().await;
    let library =
        |version: &str| Deb::new("libdeep", version).file("usr/lib/deep", 0o644, version.as_bytes());
    let tool = Deb::new("tool", "1.0").depends("libdeep").file("usr/bin/tool", 0o755, b"tool");
    world.packages([tool, library("1.0")]);
    let with = world.create("contents: {packages: [tool]}\nplatforms: [linux/amd64]\n").await;
    let without = world.create(&format!("name: without\n{ENVIRONMENT}")).await;
    world.work().await;
    let archives = world.hub.config().records.targets().archives().await.expect("lists");
    let suites: Vec<&str> = archives.iter().map(|(_, suite)| suite.as_str()).collect();
    assert!(suites.contains(&"trixie"), "{suites:?}");
    world.packages([library("1.1")]);
    let targets =
        world.hub.config().records.targets().with_archive(&archives[0].0, None).await.expect("lists");
    assert_eq!(targets, [with.targets[0].record.id.clone()], "only who takes packages is concerned");
    check(&world, Cause::Package { changed: Vec::new() }).await;
    world.work().await;
    assert_eq!(world.states(&without).await, ["succeeded"]);
    let build = world.builds(&with).await.remove(0);
    let change = |name: &str, old: &str, new: &str| PackageChange {
        name: name.to_owned(),
        old: Some(old.to_owned()),
        new: Some(new.to_owned()),
    };
    assert_eq!(build.causes, [Cause::Package { changed: vec![change("libdeep", "1.0", "1.1")] }]);
    let changes = build.changes.expect("are kept");
    let packages = &changes.platforms["linux/amd64"].packages;
    assert_eq!(packages.len(), 1, "{packages:?}");
    assert_eq!((packages[0].name.as_str(), packages[0].new.as_deref()), ("libdeep", Some("1.1")));
}

#[tokio::test]
async fn causes_outside_are_tried_again_later_and_wrong_documents_never() {
    let world = World::new().await;
    let one = world.create(ENVIRONMENT).await;
    world.images.broken.store(2, Ordering::SeqCst);
    for (wait, state) in [(0, "queued"), (31, "queued"), (31, "queued"), (31, "succeeded")] {
        world.wait(Duration::from_secs(wait));
        world.work().await;
        assert_eq!(world.states(&one).await, [state], "after {wait} s more");
    }
    let build = world.builds(&one).await.remove(0);
    assert_eq!(build.record.attempts, 3);
    world.packages([Deb::new("tool", "1.0").file("usr/bin/tool", 0o755, b"tool")]);
    let tool = world.create("name: tool\nplatforms: [linux/amd64]\ncontents: {packages: [tool]}\n").await;
    *world.archive.0.write().expect("nobody panics") =
        crate::archive::MemoryArchive::new(crate::memory::MemoryStore::default());
    world.work().await;
    assert_eq!(world.states(&tool).await, ["failed"]);
    let error = world.builds(&tool).await.remove(0).error.expect("is told");
    assert_eq!(error.problems[0].path, "contents.packages[0]");
    // The watch does not fill the list with the same failure.
    check(&world, Cause::Package { changed: Vec::new() }).await;
    world.work().await;
    assert_eq!(world.states(&tool).await, ["failed"]);
    assert_eq!(world.get(&tool).await.targets[0].record.check_outcome.as_deref(), Some("failed"));
}

#[tokio::test]
async fn a_roll_back_holds_until_it_is_released() {
    let world = World::new().await;
    let one = world.create(ENVIRONMENT).await;
    world.work().await;
    let (first, old) = (world.tag("1_custom"), base::hardened().digest());
    let new = world.push_base("1", &patched("a"));
    check(&world, moved(old, new)).await;
    world.work().await;
    let second = world.tag("1_custom");
    let builds = world.builds(&one).await;
    world.hub.roll_back(&Caller::Program, &builds[1].record.id).await.expect("goes back");
    world.work().await;
    assert_eq!(world.tag("1_custom"), first);
    let newer = world.push_base("1", &patched("b"));
    check(&world, moved(new, newer)).await;
    world.work().await;
    assert_eq!(world.tag("1_custom"), first);
    assert_eq!(world.get(&one).await.targets[0].record.check_outcome.as_deref(), Some("held"));
    let error = world.hub.run_builds(&Caller::Program, &one.record.id, None).await.expect_err("is held");
    assert!(error.to_string().contains("are held at an earlier build"), "{error}");
    // An edit is taken, and waits.
    world.edit(&one, "environment: {A: \"2\"}\n").await;
    world.work().await;
    assert_eq!(world.states(&one).await[0], "queued");
    let released = world.hub.release_tags(&Caller::Program, &one.record.id).await.expect("lets go");
    assert_eq!(released, 1);
    world.work().await;
    assert_eq!(world.states(&one).await[0], "succeeded");
    assert!(world.tag("1_custom") != first && world.tag("1_custom") != second);
}

#[tokio::test]
async fn releasing_goes_back_to_the_newest_result() {
    let world = World::new().await;
    let one = world.create(ENVIRONMENT).await;
    world.work().await;
    world.edit(&one, "environment: {A: \"2\"}\n").await;
    world.work().await;
    let newest = world.tag("1_custom");
    let builds = world.builds(&one).await;
    world.hub.roll_back(&Caller::Program, &builds[1].record.id).await.expect("goes back");
    world.work().await;
    assert_ne!(world.tag("1_custom"), newest);
    world.hub.release_tags(&Caller::Program, &one.record.id).await.expect("lets go");
    world.work().await;
    assert_eq!(world.tag("1_custom"), newest);
}

#[tokio::test]
async fn a_build_ends_when_somebody_wants_it() {
    let world = World::new().await;
    let one = world.create(ENVIRONMENT).await;
    let build = world.builds(&one).await.remove(0);
    world.hub.cancel_build(&Caller::Program, &build.record.id).await.expect("ends");
    world.work().await;
    assert_eq!(world.states(&one).await, ["cancelled"]);
    assert_eq!(world.tag("1_custom"), None);
    let again = world.hub.cancel_build(&Caller::Program, &build.record.id).await;
    assert!(matches!(again, Err(HubError::Conflict { .. })), "{again:?}");
    world.hub.retry_build(&Caller::Program, &build.record.id).await.expect("is queued");
    world.work().await;
    assert_eq!(world.states(&one).await, ["succeeded", "cancelled"]);
}

#[tokio::test]
async fn numbers_of_package_users_are_an_input_of_the_next_build() {
    let world = World::new().await;
    let user = |name: &str| {
        let script = format!("#!/bin/sh\nset -e\nadduser --system --group {name}\n");
        Deb::new(name, "1").file(&format!("usr/bin/{name}"), 0o755, b"x").script("postinst", &script)
    };
    world.packages([user("redis"), user("alpha")]);
    let one = world.create("contents: {packages: [redis]}\nplatforms: [linux/amd64]\n").await;
    world.work().await;
    let ids = |build: &temper_hub::Build| build.record.automatic_ids.clone().expect("are kept");
    let first = ids(&world.builds(&one).await[0]);
    assert!(first.contains("redis"), "{first}");
    world.edit(&one, "contents: {packages: [alpha, redis]}\nplatforms: [linux/amd64]\n").await;
    world.work().await;
    let number = |text: &str, name: &str| {
        let ids: serde_json::Value = serde_json::from_str(text).expect("is JSON");
        ids["linux/amd64"]["users"][name].as_u64().expect("has a number")
    };
    let second = ids(&world.builds(&one).await[0]);
    assert_eq!(number(&second, "redis"), number(&first, "redis"));
}

#[tokio::test]
async fn old_builds_are_forgotten_but_the_newest() {
    let world = World::new().await;
    let mut one = world.create(ENVIRONMENT).await;
    world.work().await;
    for value in 0..11 {
        world.wait(Duration::from_hours(100 * 24));
        one = world.edit(&one, &format!("environment: {{A: v{value}}}\n")).await;
        world.work().await;
    }
    let builds = world.builds(&one).await;
    assert_eq!(builds.len(), 12);
    let kept: Vec<bool> = builds.iter().map(|build| build.record.is_kept).collect();
    assert_eq!(kept, [[true; 10].as_slice(), &[false; 2]].concat());
    let old = &builds[11].record.id;
    assert_eq!(world.hub.build_events(&Caller::Program, old, 0, 10).await.expect("lists"), []);
    let error = world.hub.roll_back(&Caller::Program, old).await.expect_err("is forgotten");
    assert!(error.to_string().contains("has no image to go back to"), "{error}");
}

#[tokio::test]
async fn a_line_of_tags_is_followed() {
    let world = World::new().await;
    let mirrors = world.hub.config().records.mirrors();
    let line = |tags: &[&str]| TagLine {
        tag_definition_id: "app/debian-13/1".to_owned(),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
    };
    world.push_base("1.2", &base::hardened());
    mirrors.set_tag_lines(BASE, &[line(&["1"])]).await.expect("is kept");
    let one = world
        .create(&format!(
            "targets: [{{destination: {BASE}, tag_definition_id: app/debian-13/1}}]\n{ENVIRONMENT}"
        ))
        .await;
    world.work().await;
    let first = world.tag("1_custom");
    assert!(first.is_some() && world.tag("1.2_custom").is_none());
    // A tag that the line gains is written although no input has changed; one that it loses stays.
    mirrors.set_tag_lines(BASE, &[line(&["1.2"])]).await.expect("is kept");
    let ids = world.hub.config().records.targets().with_line(BASE, "app/debian-13/1").await.expect("lists");
    world
        .hub
        .check_targets(&ids, &Cause::Manual { by: "ada".to_owned() }, PRIORITY_WATCH)
        .await
        .expect("looks");
    world.work().await;
    assert_eq!(world.states(&one).await, ["succeeded", "succeeded"]);
    assert!(world.tag("1.2_custom").is_some());
    assert_eq!(world.tag("1_custom"), first);
    let owned = world.get(&one).await.targets[0].tags.iter().map(|tag| tag.tag.clone()).collect::<Vec<_>>();
    assert_eq!(owned, ["1.2_custom"]);
}
