//! `work-dir` and `platforms`.

use crate::workshop::Workshop;

#[test]
fn a_missing_working_directory_is_made_for_the_user() {
    let outcome = Workshop::new()
        .build("work-dir: /srv/app\naccounts: {runs-as: app, users: [{name: app, uid: 10001}]}\n");
    let view = outcome.amd64();
    assert_eq!(view.config().working_dir(), Some("/srv/app"));
    assert_eq!(view.stat("srv/app"), "dir 0755 10001:10001");
}

#[test]
fn only_the_listed_platforms_are_built() {
    let outcome = Workshop::new().build("platforms: [linux/arm64]\n");
    let built: Vec<String> =
        outcome.image.manifests.iter().map(|manifest| manifest.platform.to_string()).collect();
    assert_eq!(built, ["linux/arm64"]);
    let lost: Vec<String> =
        outcome.plan.platforms_lost.iter().map(|lost| lost.platform.to_string()).collect();
    assert_eq!(lost, ["linux/amd64"]);
}
