//! The watch: what a change leads to, and what it does not.

use std::time::Duration;

use temper_hub::{Caller, Cause, PackageChange, PushedTag, RebuildWindows, Ticker, Window};
use temper_oci::Digest;
use temper_testkit::Deb;

use crate::base;
use crate::image::MemoryImage;
use crate::world::{BASE, ORGANIZATION, World};

const ENVIRONMENT: &str = "environment: {A: \"1\"}\n";

/// A base of other content.
fn patched(content: &str) -> MemoryImage {
    MemoryImage::new(
        base::REFERENCE,
        &[base::image_of("amd64", &base::layer("amd64").file("usr/lib/patch", 0o644, content))],
    )
}

/// Pushes another base under a tag and tells the hub, as the registry does.
async fn push(world: &World, tag: &str, content: &str) -> (Option<Digest>, Digest) {
    let old = world.tag(tag);
    let new = world.push_base(tag, &patched(content));
    tell(world, tag, old, new).await;
    (old, new)
}

async fn tell(world: &World, tag: &str, old: Option<Digest>, new: Digest) {
    let (repository, tag, new) = (BASE.to_owned(), tag.to_owned(), Some(new));
    world.hub.pushed(&PushedTag { repository, tag, old, new }).await.expect("is heard");
}

fn cause(tag: &str, old: Option<Digest>, new: Digest) -> Cause {
    Cause::Base { repository: BASE.to_owned(), tag: tag.to_owned(), old, new: Some(new) }
}

#[tokio::test]
async fn a_pushed_base_rebuilds_exactly_what_follows_its_tag() {
    let world = World::new().await;
    world.push_base("2", &patched("two"));
    let one = world.create(ENVIRONMENT).await;
    let other = format!("name: other\ntargets: [{{destination: {BASE}, tag: \"2\"}}]\n{ENVIRONMENT}");
    let other = world.create(&other).await;
    world.work().await;
    let (old, new) = push(&world, "1", "patched").await;
    world.work().await;
    let builds = world.builds(&one).await;
    assert_eq!(builds[0].causes, [cause("1", old, new)]);
    assert_eq!((builds.len(), world.builds(&other).await.len()), (2, 1));
    // The tag of a build is nobody's base, and a push that moves nothing is none.
    tell(&world, "1_custom", None, new).await;
    tell(&world, "1", Some(new), new).await;
    world.work().await;
    assert_eq!(world.builds(&one).await.len(), 2);
}

#[tokio::test]
async fn a_push_that_nobody_heard_is_found() {
    let world = World::new().await;
    let one = world.create(ENVIRONMENT).await;
    world.work().await;
    world.hub.compare_inputs().await.expect("compares");
    world.work().await;
    assert_eq!(world.builds(&one).await.len(), 1, "nothing moved");
    let new = world.push_base("1", &patched("patched"));
    world.hub.compare_inputs().await.expect("compares");
    world.work().await;
    let builds = world.builds(&one).await;
    assert_eq!((builds.len(), builds[0].causes.as_slice()), (2, [cause("1", None, new)].as_slice()));
    world.hub.compare_inputs().await.expect("compares");
    world.work().await;
    assert_eq!(world.builds(&one).await.len(), 2);
}

fn library(version: &str) -> Deb {
    Deb::new("libdeep", version).file("usr/lib/deep", 0o644, version.as_bytes())
}

#[tokio::test]
async fn an_archive_rebuilds_only_those_whose_choice_can_differ() {
    let world = World::new().await;
    let tool = Deb::new("tool", "1.0").depends("libdeep, speech").file("usr/bin/tool", 0o755, b"tool");
    let speech = Deb::new("espeak", "1.0").provides("speech").file("usr/bin/espeak", 0o755, b"espeak");
    world.packages([tool, library("1.0"), speech]);
    let with = world.create("contents: {packages: [tool]}\nplatforms: [linux/amd64]\n").await;
    let without = world.create(&format!("name: without\n{ENVIRONMENT}")).await;
    world.work().await;
    let checks = async || {
        world.hub.watch_archives().await.expect("looks");
        let counts = world.hub.config().records.jobs().count().await.expect("counts");
        counts
            .iter()
            .filter(|count| count.kind == "check" && count.state == "waiting")
            .map(|count| count.count)
            .sum::<u64>()
    };
    assert_eq!(checks().await, 0, "nothing has changed");
    // A package that nothing of the closure names.
    world.packages([Deb::new("other", "2.0").file("usr/bin/other", 0o755, b"other")]);
    assert_eq!(checks().await, 0);
    // A library deep in the closure.
    world.packages([library("1.1")]);
    assert_eq!(checks().await, 1);
    world.work().await;
    assert_eq!(checks().await, 0);
    let build = world.builds(&with).await.remove(0);
    let (name, old, new) = ("libdeep".to_owned(), Some("1.0".to_owned()), Some("1.1".to_owned()));
    assert_eq!(build.causes, [Cause::Package { changed: vec![PackageChange { name, old, new }] }]);
    assert_eq!((world.builds(&with).await.len(), world.builds(&without).await.len()), (2, 1));
    // Somebody else who provides what is needed is worth a look.
    world.packages([Deb::new("mimic", "1.0").provides("speech").file("usr/bin/mimic", 0o755, b"mimic")]);
    assert_eq!(checks().await, 1);
}

#[tokio::test]
async fn a_pause_holds_rebuilds_until_it_ends() {
    let world = World::new().await;
    let one = world.create(ENVIRONMENT).await;
    world.work().await;
    let set = async |paused, windows| {
        world.hub.set_rebuilds(&Caller::Program, ORGANIZATION, paused, windows).await.expect("is set")
    };
    assert!(set(Some(true), None).await.paused_at.is_some());
    let (old, _) = push(&world, "1", "a").await;
    let (_, newest) = push(&world, "1", "b").await;
    let mut ticker = Ticker::default();
    world.hub.tick(&mut ticker).await;
    world.work().await;
    assert_eq!(world.builds(&one).await.len(), 1);
    assert_eq!(world.hub.rebuilds(&Caller::Program, ORGANIZATION).await.expect("is told").held, 1);
    world.wait(Duration::from_mins(30));
    set(Some(false), None).await;
    world.hub.tick(&mut ticker).await;
    world.work().await;
    let builds = world.builds(&one).await;
    assert_eq!((builds.len(), builds[0].causes.as_slice()), (2, [cause("1", old, newest)].as_slice()));
    // What the pause cost is told as such.
    tell(&world, "1_custom", None, world.tag("1_custom").expect("is there")).await;
    let fresh = world.hub.freshness(&Caller::Program, BASE, 0).await.expect("is told");
    assert_eq!((fresh.answered, fresh.waiting.len()), (2, 0), "{fresh:?}");
    let because = fresh.late[0].because.clone().expect("is late");
    assert!(because.starts_with("rebuilds were paused, or outside their windows: 30 min"), "{because}");
}

#[tokio::test]
async fn windows_hold_rebuilds_until_they_open() {
    let world = World::new().await;
    let one = world.create(ENVIRONMENT).await;
    world.work().await;
    // Tests begin on a Sunday at 15:06 UTC.
    let window = Window { days: Vec::new(), from: "16:00".to_owned(), to: "18:00".to_owned() };
    let windows = Some(RebuildWindows(vec![window]));
    world.hub.set_rebuilds(&Caller::Program, ORGANIZATION, None, windows).await.expect("is set");
    push(&world, "1", "a").await;
    let mut ticker = Ticker::default();
    world.hub.tick(&mut ticker).await;
    world.work().await;
    assert_eq!(world.builds(&one).await.len(), 1);
    world.wait(Duration::from_hours(1));
    world.hub.tick(&mut ticker).await;
    world.work().await;
    assert_eq!(world.builds(&one).await.len(), 2);
}

#[tokio::test]
async fn a_look_that_finds_nothing_changed_is_not_counted() {
    let world = World::new().await;
    let one = world.create(ENVIRONMENT).await;
    world.work().await;
    // Told of, and taken back before anybody looked.
    let (old, new) = push(&world, "1", "a").await;
    world.push_base("1", &base::hardened());
    tell(&world, "1", Some(new), old.expect("was there")).await;
    world.work().await;
    assert_eq!(world.builds(&one).await.len(), 1);
    world.hub.tick(&mut Ticker::default()).await;
    let fresh = world.hub.freshness(&Caller::Program, BASE, 0).await.expect("is told");
    assert_eq!((fresh.answered, fresh.waiting.len()), (0, 0), "{fresh:?}");
}
