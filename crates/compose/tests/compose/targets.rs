//! `name`, `suffix` and `targets`: the tags that a build writes.

use crate::workshop::Workshop;

#[test]
fn every_tag_of_the_target_gets_the_suffix() {
    let workshop = Workshop::new();
    for (document, expected) in [
        (
            "name: Golang with git\ntargets: [{destination: acme/app, tag: \"1\"}]\n",
            vec!["1_golang-with-git"],
        ),
        ("name: Any\nsuffix: custom\ntargets: [{destination: acme/app, tag: \"1\"}]\n", vec!["1_custom"]),
        (
            "name: 自定义\nsuffix: v2\ntargets: [{destination: acme/app, tags: [\"1\", \"1.25\", latest]}]\n",
            vec!["1_v2", "1.25_v2", "latest_v2"],
        ),
    ] {
        let plan = workshop.plan(document);
        assert_eq!(plan.tags, expected, "{document}");
        assert_eq!(plan.destination.as_deref(), Some("acme/app"));
    }
}

#[test]
fn names_and_tags_do_not_change_the_image_but_the_plan() {
    let workshop = Workshop::new();
    let one = workshop.build("name: one\n");
    let two = workshop.build("name: two\n");
    assert_eq!(one.digest(), two.digest());
    assert_eq!((one.plan.name.as_str(), two.plan.name.as_str()), ("one", "two"));
}

#[test]
fn a_second_build_writes_nothing_but_small_documents() {
    let workshop = Workshop::new();
    let first = workshop.build("labels: {team: web}\npaths: [{path: /srv/x, contents: x}]\n");
    let before = workshop.store.writes().len();
    let second = workshop.build("labels: {team: web}\npaths: [{path: /srv/x, contents: x}]\n");
    assert_eq!(first.image.digest(), second.image.digest());
    assert_eq!(workshop.store.writes().len(), before);
}
