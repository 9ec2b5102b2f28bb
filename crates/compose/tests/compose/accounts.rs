//! `accounts`: users and groups in their files, root, and who runs the container.

use temper_oci::{Compression, Platform};
use temper_testkit::Deb;
use temper_testkit::image::Layer;

use crate::base;
use crate::image::MemoryImage;
use crate::outcome::Outcome;
use crate::workshop::Workshop;

/// The hardened base without root, with files for passwords.
fn rootless() -> MemoryImage {
    let files = Layer::new()
        .directory("etc")
        .file("etc/passwd", 0o644, "nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n")
        .file("etc/group", 0o644, "nonroot:x:65532:\nshared:x:500:nonroot\n")
        .file("etc/shadow", 0o640, "nonroot:!:20000::::::\n")
        .owned(0, 42)
        .file("etc/gshadow", 0o640, "nonroot:!::\nshared:!::nonroot\n")
        .directory("usr")
        .directory("usr/sbin")
        .file("usr/sbin/nologin", 0o755, "");
    MemoryImage::single(base::REFERENCE, &base::image("amd64").layer(&files, Compression::Gzip))
}

/// Builds a document and returns the lines that files have beyond those of the base.
fn check(accounts: &str, user: &str, expected: &[(&str, &[&str])]) {
    let outcome = Workshop::new().base(rootless()).build(&format!("accounts: {accounts}\n"));
    let plain = Workshop::new().base(rootless()).build("labels: {a: b}\n");
    let view = outcome.amd64();
    assert_eq!(view.config().user(), Some(user), "{accounts}");
    for file in ["passwd", "group", "shadow", "gshadow"] {
        let path = format!("etc/{file}");
        let (before, after) = (plain.amd64().file(&path), view.file(&path));
        let added: Vec<&str> = after.lines().filter(|line| !before.lines().any(|old| old == *line)).collect();
        let lines = expected.iter().find(|(name, _)| *name == file).map_or(&[][..], |(_, lines)| lines);
        assert_eq!(added, lines, "{accounts}: {file}");
    }
    assert_eq!(view.stat("etc/shadow"), "file 0640 0:42", "owner and mode stay");
}

#[test]
fn every_field_stands_in_the_files() {
    check("{}", "65532", &[]);
    check(
        "{users: [{name: app, uid: 10001}]}",
        "65532",
        &[
            ("passwd", &["app:x:10001:10001::/home/app:/sbin/nologin"]),
            ("group", &["app:x:10001:"]),
            ("shadow", &["app:!:20240::::::"]),
            ("gshadow", &["app:!::"]),
        ],
    );
    check(
        "{users: [{name: app, uid: 10001, gid: 500}]}",
        "65532",
        &[("passwd", &["app:x:10001:500::/home/app:/sbin/nologin"]), ("shadow", &["app:!:20240::::::"])],
    );
    check(
        "{groups: [{name: web, gid: 7, members: [nonroot]}, {name: shared, gid: 500, members: [nonroot]}]}",
        "65532",
        &[("group", &["web:x:7:nonroot"]), ("gshadow", &["web:!::nonroot"])],
    );
    check(
        "{root: true}",
        "65532",
        &[
            ("passwd", &["root:x:0:0:root:/root:/sbin/nologin"]),
            ("group", &["root:x:0:"]),
            ("shadow", &["root:*:20240::::::"]),
            ("gshadow", &["root:*::"]),
        ],
    );
}

#[test]
fn the_config_names_the_user_by_number() {
    let workshop = Workshop::new();
    for (accounts, user) in [
        ("{runs-as: nonroot}", "65532"),
        ("{runs-as: \"65532\"}", "65532"),
        ("{runs-as: 4242}", "4242:4242"),
        ("{root: true, runs-as: root}", "0"),
        ("{runs-as: app, users: [{name: app, uid: 7, gid: 65532}]}", "7"),
    ] {
        let outcome = workshop.build(&format!("accounts: {accounts}\n"));
        for architecture in ["amd64", "arm64"] {
            let view = outcome.on(architecture);
            assert_eq!(view.config().user(), Some(user), "{accounts}");
            assert_eq!(view.plan.user.value, user, "{accounts}");
            assert_eq!(view.plan.user.origin, "customization", "{accounts}");
            let warned =
                view.plan.findings.warnings.iter().any(|finding| finding.message.contains("runs as root"));
            assert_eq!(warned, user == "0", "{accounts}");
        }
    }
}

#[test]
fn homes_are_made_for_new_users_alone() {
    let layer = base::layer("amd64").directory("home").directory("home/old").owned(5, 6).file(
        "home/file",
        0o644,
        "x",
    );
    let outcome = Workshop::new().base_of(&layer).build(
        "accounts: {users: [{name: new, uid: 10}, {name: old, uid: 11}, {name: file, uid: 12}, {name: nonroot, uid: 65532}]}\n",
    );
    let view = outcome.amd64();
    assert_eq!(view.stat("home/new"), "dir 0755 10:10");
    assert_eq!(view.stat("home/old"), "dir 0755 5:6");
    assert_eq!(view.stat("home/file"), "file 0644 0:0");
    assert_eq!(view.stat("home/nonroot"), "");
    let lines: Vec<String> = view
        .plan
        .accounts
        .iter()
        .map(|line| format!("{} {} {} {}", line.kind, line.name, line.id, line.origin))
        .collect();
    assert_eq!(
        lines,
        [
            "user new 10 customization",
            "user old 11 customization",
            "user file 12 customization",
            "group new 10 customization",
            "group old 11 customization",
            "group file 12 customization",
        ]
    );
}

#[test]
fn contradictions_to_the_base_are_problems() {
    let workshop = Workshop::new().base(rootless());
    for (accounts, expected) in [
        (
            "{users: [{name: nonroot, uid: 1}]}",
            "user `nonroot` is there with the ids 65532:65532, but the document asks for 1",
        ),
        ("{users: [{name: other, uid: 65532}]}", "user id 65532 of user `other` belongs to user `nonroot`"),
        (
            "{groups: [{name: shared, gid: 501}]}",
            "group `shared` is there with the id 500, but the document asks for 501",
        ),
        ("{groups: [{name: other, gid: 500}]}", "group id 500 of group `other` belongs to group `shared`"),
        (
            "{groups: [{name: web, gid: 7, members: [nobody]}]}",
            "group `web` names the member `nobody`, which is no user",
        ),
        ("{runs-as: nobody}", "`runs-as` names `nobody`, which is no user"),
    ] {
        let problems = workshop.problems(&format!("accounts: {accounts}\n"));
        assert_eq!(problems, [format!("amd64: accounts: {expected}")], "{accounts}");
    }
}

#[test]
fn numbers_of_packages_keep_clear_of_the_documents_and_stay_from_build_to_build() {
    let package = |name: &str| {
        let script = format!("#!/bin/sh\nadduser --system --group {name}\n");
        Deb::new(name, "1").file(&format!("usr/bin/{name}"), 0o755, b"").script("postinst", &script)
    };
    let workshop =
        || Workshop::new().base_of(&base::layer("amd64")).packages([package("alpha"), package("beta")]);
    let ids = |outcome: &Outcome| -> Vec<String> {
        let passwd = outcome.amd64().file("etc/passwd");
        let fields = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
        fields
            .filter(|fields| ["alpha", "beta"].contains(&fields[0]))
            .map(|fields| fields[..4].join(":"))
            .collect()
    };
    let both = "contents: {packages: [alpha, beta]}\n";
    assert_eq!(ids(&workshop().build(both)), ["alpha:x:100:100", "beta:x:101:101"]);
    let reserved = format!("{both}accounts: {{users: [{{name: app, uid: 100}}]}}\n");
    assert_eq!(ids(&workshop().build(&reserved)), ["alpha:x:101:101", "beta:x:102:102"]);

    // Without its earlier numbers `beta` alone would be 100 in the next build.
    let mut next = workshop();
    for (name, id) in [("alpha", 100), ("beta", 101)] {
        let ids = next.automatic_ids.entry(Platform::linux("amd64")).or_default();
        ids.users.insert(name.to_owned(), id);
        ids.groups.insert(name.to_owned(), id);
    }
    assert_eq!(ids(&next.build("contents: {packages: [beta]}\n")), ["beta:x:101:101"]);
    assert_eq!(ids(&workshop().build("contents: {packages: [beta]}\n")), ["beta:x:100:100"]);
}

#[test]
fn every_platform_has_its_own_numbers_of_the_last_build() {
    let tool = |architecture: &str| {
        let script = "#!/bin/sh\nadduser --system --group tool\n";
        Deb::new("tool", "1").architecture(architecture).script("postinst", script)
    };
    let mut workshop = Workshop::new().packages(["amd64", "arm64"].map(tool));
    for (architecture, uid) in [("amd64", 150), ("arm64", 160)] {
        let ids = workshop.automatic_ids.entry(Platform::linux(architecture)).or_default();
        ids.users.insert("tool".to_owned(), uid);
    }
    let outcome = workshop.build("contents: {packages: [tool]}\n");
    for (architecture, uid) in [("amd64", 150), ("arm64", 160)] {
        let passwd = outcome.on(architecture).file("etc/passwd");
        assert!(passwd.contains(&format!("\ntool:x:{uid}:100:")), "{architecture}: {passwd}");
    }
}

#[test]
fn a_group_id_of_a_known_user_of_the_base_stays_the_bases() {
    let files = Layer::new()
        .directory("etc")
        .file("etc/passwd", 0o644, "app:x:100:500::/srv:/bin/false\n")
        .file("etc/group", 0o644, "app:x:500:\n");
    let image = base::image("amd64").layer(&files, Compression::Gzip);
    let script = "#!/bin/sh\nmkdir -p /srv/data\nchown app:app /srv/data\n";
    let package = Deb::new("tool", "1").script("postinst", script);
    let outcome = Workshop::new()
        .base(MemoryImage::single(base::REFERENCE, &image))
        .packages([package])
        .build("contents: {packages: [tool]}\naccounts: {users: [{name: app, uid: 100}]}\n");
    assert_eq!(outcome.amd64().stat("srv/data"), "dir 0755 100:500");
}
