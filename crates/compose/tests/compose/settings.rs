//! Accounts, working directory, stop signal, platforms and compression.

use crate::base;
use crate::workshop::Workshop;

#[test]
fn accounts_stand_in_their_files_and_the_config_names_a_number() {
    let outcome = Workshop::new().build(
        "accounts:\n  runs-as: app\n  users: [{name: app, uid: 10001}]\n  groups: [{name: web, gid: 10002, members: [app]}]\n",
    );
    let view = outcome.amd64();
    assert_eq!(view.config().user(), Some("10001"));
    let passwd = view.file("etc/passwd");
    assert!(passwd.lines().any(|line| line.starts_with("app:x:10001:10001::/home/app:")), "{passwd}");
    let group = view.file("etc/group");
    assert!(group.lines().any(|line| line == "app:x:10001:"), "{group}");
    assert!(group.lines().any(|line| line == "web:x:10002:app"), "{group}");
    assert_eq!(view.stat("home/app"), "dir 0755 10001:10001");
}

#[test]
fn a_missing_working_directory_is_made_for_the_user() {
    let outcome = Workshop::new()
        .build("work-dir: /srv/app\naccounts: {runs-as: app, users: [{name: app, uid: 10001}]}\n");
    let view = outcome.amd64();
    assert_eq!(view.config().working_dir(), Some("/srv/app"));
    assert_eq!(view.stat("srv/app"), "dir 0755 10001:10001");
}

#[test]
fn the_stop_signal_is_set() {
    let outcome = Workshop::new().build("stop-signal: SIGQUIT\n");
    assert_eq!(outcome.amd64().config().stop_signal(), Some("SIGQUIT"));
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

#[test]
fn new_layers_have_the_form_that_is_asked_for() {
    for (wanted, ending) in [("ZSTD", "tar+zstd"), ("GZIP", "tar+gzip")] {
        let document = format!("compression: {wanted}\npaths: [{{path: /srv/x, contents: x}}]\n");
        let outcome = Workshop::new().base_of(&base::layer("amd64")).build(&document);
        let layers = &outcome.image.manifests[0].layers;
        let last = layers.last().expect("something was written");
        assert!(last.media_type.ends_with(ending), "{}", last.media_type);
        let told = outcome.plan.findings.warnings.iter().any(|finding| finding.path == "compression");
        assert_eq!(told, wanted == "ZSTD");
    }
}
