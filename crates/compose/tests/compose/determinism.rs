//! The same request gives the same bytes, however many workers there are and whatever was kept before.

use rayon::ThreadPoolBuilder;
use temper_testkit::Deb;
use temper_testkit::image::Layer;
use temper_testkit::pem::SAME;

use crate::base;
use crate::workshop::Workshop;

/// A workshop with forty packages for each platform, two artifacts, and a base of its own.
fn workshop() -> Workshop {
    let package = |number: usize, architecture: &str| {
        let name = format!("tool{number}");
        let needs = format!("tool{}", number / 2);
        let package = Deb::new(&name, "1").architecture(architecture);
        let package = if number > 1 { package.depends(&needs) } else { package };
        let content = format!("{architecture} {name} ").repeat(number * 100);
        let script = format!("#!/bin/sh\nadduser --system --group user{number}\nmkdir -p /var/lib/{name}\n");
        package
            .file(&format!("usr/bin/{name}"), 0o755, content.as_bytes())
            .file(&format!("usr/lib/shared/{name}.so"), 0o644, name.as_bytes())
            .script("postinst", &script)
    };
    let packages =
        (1..=40).flat_map(|number| ["amd64", "arm64"].map(|architecture| package(number, architecture)));
    let artifact =
        |name: &str| Layer::new().directory("srv").file(&format!("srv/{name}"), 0o644, name.repeat(500));
    Workshop::new()
        .packages(packages)
        .artifact("acme/a:v1", &artifact("a"))
        .artifact("acme/b:v1", &artifact("b"))
}

fn document() -> String {
    let packages: Vec<String> = (20..=40).map(|number| format!("tool{number}")).collect();
    format!(
        "contents:\n  packages: [{}]\n  artifacts: [{{name: acme/a:v1, includes: [srv]}}, {{name: acme/b:v1, \
         includes: [srv]}}]\npaths: [{{path: /srv/c, contents: c}}]\ncompression: ZSTD\naccounts: {{runs-as: app, \
         users: [{{name: app, uid: 10001}}]}}\ncertificates:\n  - |\n    {}\n",
        packages.join(", "),
        SAME.trim_end().replace('\n', "\n    ")
    )
}

#[test]
fn any_number_of_workers_gives_the_same_image_and_the_same_plan() {
    let results: Vec<_> = [1, 2, 7]
        .into_iter()
        .map(|workers| {
            let pool = ThreadPoolBuilder::new().num_threads(workers).build().expect("the pool starts");
            let outcome = pool.install(|| workshop().build(&document()));
            (outcome.digest(), outcome.plan)
        })
        .collect();
    assert_eq!(results[0].1.platforms.len(), 2);
    assert_eq!(results[0].1.platforms[0].packages.len(), 40, "each needs one of the lower half");
    for result in &results[1..] {
        assert_eq!(result.0, results[0].0);
        assert_eq!(result.1, results[0].1);
    }
}

#[test]
fn the_order_of_lists_that_are_sets_does_not_matter() {
    let workshop = workshop();
    let digest = |body: &str| workshop.build(body).digest();
    assert_eq!(
        digest("contents: {packages: [tool7, tool3, tool12]}\n"),
        digest("contents: {packages: [tool12, tool7, tool3]}\n")
    );
    let files = ["{path: /srv/x, contents: x}", "{path: /srv/y, contents: y}"];
    assert_eq!(
        digest(&format!("paths: [{}, {}]\n", files[0], files[1])),
        digest(&format!("paths: [{}, {}]\n", files[1], files[0]))
    );
    assert_eq!(
        digest("platforms: [linux/amd64, linux/arm64]\n"),
        digest("platforms: [linux/arm64, linux/amd64]\n")
    );
    assert_eq!(digest("labels: {a: b, c: d}\n"), digest("labels: {c: d, a: b}\n"));
}

#[test]
fn what_was_built_before_does_not_change_what_is_built() {
    let fresh = workshop().build(&document());
    let used = workshop();
    for body in
        ["contents: {packages: [tool33]}\n", "compression: GZIP\npaths: [{path: /srv/c, contents: c}]\n"]
    {
        used.build(body);
    }
    let warm = used.build(&document());
    assert_eq!(warm.digest(), fresh.digest());
    assert_eq!(warm.plan.build_key, fresh.plan.build_key);
}

#[test]
fn the_build_key_follows_what_decides_the_result() {
    let key = |workshop: &Workshop, body: &str| workshop.plan(body).build_key.expect("there are no problems");
    let first = key(&workshop(), "contents: {packages: [tool1]}\n");
    assert_eq!(key(&workshop(), "contents: {packages: [tool1]}\n"), first);
    for (workshop, body) in [
        (workshop(), "contents: {packages: [tool2]}\n"),
        (workshop(), "contents: {packages: [tool1]}\nlabels: {a: b}\n"),
        (
            workshop().packages([Deb::new("tool1", "2")]),
            "contents: {packages: [tool1]}\nplatforms: [linux/amd64]\n",
        ),
        (
            workshop().base_of(&base::layer("amd64").file("etc/more", 0o644, "x")),
            "contents: {packages: [tool1]}\n",
        ),
    ] {
        assert_ne!(key(&workshop, body), first, "{body}");
    }
}
