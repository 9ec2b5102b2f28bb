//! Builds that stop between any two steps: whoever goes on ends the same, and no tag ever pointed to half an image.

use temper_hub::Images as _;
use temper_oci::Digest;

use crate::base;
use crate::world::World;

/// Every point at which a build can stop, in the order in which it passes them.
const POINTS: [&str; 10] = [
    "resolve",
    "compose",
    "state",
    "publish",
    "blob",
    "manifest",
    "attachment",
    "tags",
    "published",
    "finish",
];

/// A repository that no other test has: fail points are the whole process's.
const REPOSITORY: &str = "acme/halting";

/// Returns a world with the base in the repository, and the document.
async fn world() -> (World, String) {
    let world = World::new().await;
    base::hardened().put(&world.images.repository(REPOSITORY), "1");
    (world, format!("targets: [{{destination: {REPOSITORY}, tag: \"1\"}}]\nenvironment: {{A: \"1\"}}\n"))
}

fn tag(world: &World) -> Option<Digest> {
    world.images.tags(REPOSITORY).expect("lists").get("1_custom").copied()
}

#[tokio::test]
async fn a_build_that_stops_anywhere_is_ended_by_the_next_worker() {
    let expected = {
        let (world, document) = world().await;
        world.create(&document).await;
        world.work().await;
        tag(&world).expect("is published")
    };
    let scenario = fail::FailScenario::setup();
    for point in POINTS {
        // What is passed several times stops at the first passing, or in the middle.
        for action in ["1*return->off", "1*off->1*return->off"] {
            let (world, document) = world().await;
            let one = world.create(&document).await;
            fail::cfg(format!("{REPOSITORY} {point}"), action).expect("is an action");
            world.turn().await;
            let stopped = world.states(&one).await == ["running"];
            assert!(stopped || action != "1*return->off", "{point}");
            let is_published = tag(&world).is_some();
            assert_eq!(is_published, !stopped || ["published", "finish"].contains(&point), "{point}");
            world.work().await;
            assert_eq!(world.states(&one).await, ["succeeded"], "{point}");
            assert_eq!(tag(&world), Some(expected), "{point}");
            let build = world.builds(&one).await.remove(0);
            assert_eq!(build.record.attempts, if stopped { 2 } else { 1 }, "{point}");
            world.images.check(REPOSITORY, expected);
            fail::remove(format!("{REPOSITORY} {point}"));
        }
    }
    scenario.teardown();
}
