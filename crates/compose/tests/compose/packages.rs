//! `contents.packages`: what is installed, upgraded, pinned, forbidden and removed.

use temper_testkit::Deb;
use temper_testkit::elf::Elf;

use crate::base;
use crate::outcome::View;
use crate::workshop::Workshop;

/// Packages for both architectures: `tool` needs `library`.
fn archive() -> Vec<Deb> {
    let both = ["amd64", "arm64"].into_iter().flat_map(|architecture| {
        [
            Deb::new("tool", "2.0").architecture(architecture).depends("library (>= 1)").file(
                "usr/bin/tool",
                0o755,
                b"2.0",
            ),
            Deb::new("tool", "1.0").architecture(architecture).file("usr/bin/tool", 0o755, b"1.0"),
            Deb::new("library", "1.5").architecture(architecture).file(
                "usr/lib/library.so",
                0o644,
                b"library",
            ),
        ]
    });
    both.chain([Deb::new("only", "1").file("usr/bin/only", 0o755, b"only")]).collect()
}

/// Returns `action name version: reason` of each package.
fn lines(view: &View<'_>) -> Vec<String> {
    let line = |package: &temper_compose::plan::PackageLine| {
        let from = package.from_version.as_ref().map(|from| format!("{from} → ")).unwrap_or_default();
        format!("{} {} {from}{}: {}", package.action, package.name, package.version, package.reason)
    };
    view.plan.packages.iter().map(line).collect()
}

#[test]
fn a_name_brings_its_newest_version_with_what_it_needs_on_every_platform() {
    let outcome = Workshop::new().packages(archive()).build("contents: {packages: [tool]}\n");
    for architecture in ["amd64", "arm64"] {
        let view = outcome.on(architecture);
        assert_eq!(view.file("usr/bin/tool"), "2.0");
        assert_eq!(view.file("usr/lib/library.so"), "library");
        assert_eq!(
            lines(&view),
            ["install library 1.5: `tool` needs `library (>= 1)`", "install tool 2.0: requested"]
        );
        assert!(view.plan.packages.iter().all(|package| package.architecture == architecture));
    }
}

#[test]
fn a_name_with_a_version_brings_exactly_that() {
    let outcome = Workshop::new().packages(archive()).build("contents: {packages: [tool=1.0]}\n");
    assert_eq!(outcome.amd64().file("usr/bin/tool"), "1.0");
    assert_eq!(lines(&outcome.amd64()), ["install tool 1.0: requested"]);
}

#[test]
fn what_cannot_be_chosen_names_package_and_platform() {
    let workshop = Workshop::new().packages(archive());
    for (packages, expected) in [
        (
            "tol",
            vec![
                "amd64: contents.packages[0]: package `tol` is not in `trixie`, `trixie-updates`, `trixie-security` for `amd64`",
                "arm64: contents.packages[0]: package `tol` is not in `trixie`, `trixie-updates`, `trixie-security` for `arm64`",
            ],
        ),
        (
            "only",
            vec![
                "arm64: contents.packages[0]: package `only` is not in `trixie`, `trixie-updates`, `trixie-security` for `arm64`",
            ],
        ),
        (
            "library, tool=3",
            vec![
                "amd64: contents.packages[1]: package `tool` has no version `3` for `amd64`",
                "arm64: contents.packages[1]: package `tool` has no version `3` for `arm64`",
            ],
        ),
    ] {
        assert_eq!(workshop.problems(&format!("contents: {{packages: [{packages}]}}\n")), expected);
    }
}

#[test]
fn a_forbidden_package_is_not_installed() {
    let packages = [
        Deb::new("tool", "1").depends("heavy | light"),
        Deb::new("heavy", "1").file("usr/bin/heavy", 0o755, b""),
        Deb::new("light", "1").file("usr/bin/light", 0o755, b""),
    ];
    let workshop = Workshop::new().base_of(&base::layer("amd64")).packages(packages);
    let outcome = workshop.build("contents: {packages: [tool, \"!heavy\"]}\n");
    assert_eq!(outcome.amd64().stat("usr/bin/light"), "file 0755 0:0");
    assert_eq!(outcome.amd64().stat("usr/bin/heavy"), "");
    let problems = workshop.problems("contents: {packages: [tool, \"!heavy\", \"!light\"]}\n");
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(
        problems[0].starts_with("amd64: contents.packages[0]: package `tool` cannot be installed"),
        "{problems:?}"
    );
}

#[test]
fn a_base_package_is_removed_with_its_files() {
    let fields = |rest: &str| format!("Version: 1\nArchitecture: amd64\nDescription: x\n{rest}");
    let (perl, user) = (fields(""), fields("Depends: perl\n"));
    let layer = base::debian(&[
        (
            "perl",
            &perl,
            &[
                "usr",
                "usr/bin",
                "usr/bin/perl",
                "usr/lib",
                "usr/lib/perl",
                "usr/lib/perl/a",
                "usr/lib/perl/b",
            ],
        ),
        ("other", &fields(""), &["usr", "usr/lib", "usr/lib/other"]),
    ]);
    let outcome = Workshop::new().base_of(&layer).build("contents: {packages: [\"!perl\"]}\n");
    let view = outcome.amd64();
    assert_eq!(view.layer_paths("packages"), ["usr", "usr/bin", "-usr/bin/perl", "usr/lib", "-usr/lib/perl"]);
    assert_eq!(view.plan.removed, ["/usr/bin/perl", "/usr/lib/perl", "/var/lib/dpkg/info/perl.list"]);
    assert_eq!(view.stat("usr/lib/other"), "file 0755 0:0");
    assert_eq!(lines(&view), ["remove perl 1: the document forbids it"]);
    assert!(!view.file("var/lib/dpkg/status").contains("Package: perl"));

    let needed = base::debian(&[("perl", &perl, &["usr/bin/perl"]), ("user", &user, &[])]);
    let problems = Workshop::new().base_of(&needed).problems("contents: {packages: [\"!perl\"]}\n");
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains("`user`") && problems[0].contains("perl"), "{problems:?}");
}

#[test]
fn a_base_package_is_upgraded_only_where_a_dependency_needs_it() {
    let installed = "Version: 1.0\nArchitecture: amd64\nDescription: x\n";
    let layer = base::debian(&[("library", installed, &["usr/lib/library.so", "usr/lib/library.old"])]);
    let workshop = Workshop::new().base_of(&layer).packages([
        Deb::new("library", "2.0").file("usr/lib/library.so", 0o644, b"two"),
        Deb::new("modest", "1").depends("library"),
        Deb::new("modern", "1").depends("library (>= 2)"),
    ]);
    let modest = workshop.build("contents: {packages: [modest]}\n");
    assert_eq!(lines(&modest.amd64()), ["install modest 1: requested"]);
    assert_eq!(modest.amd64().file("usr/lib/library.so"), "usr/lib/library.so");
    let modern = workshop.build("contents: {packages: [modern]}\n");
    let view = modern.amd64();
    assert_eq!(
        lines(&view),
        ["upgrade library 1.0 → 2.0: `modern` needs `library (>= 2)`", "install modern 1: requested"]
    );
    assert_eq!(view.file("usr/lib/library.so"), "two");
    assert_eq!(view.stat("usr/lib/library.old"), "");
    assert!(view.layer_paths("packages").contains(&"-usr/lib/library.old".to_owned()));
}

#[test]
fn updates_and_security_suites_are_part_of_the_sources() {
    for suite in ["trixie-updates", "trixie-security"] {
        let workshop = Workshop::new()
            .base_of(&base::layer("amd64"))
            .packages([Deb::new("tool", "1").file("usr/bin/tool", 0o755, b"1")])
            .packages_in(suite, [Deb::new("tool", "1+fix").file("usr/bin/tool", 0o755, b"fix")]);
        assert_eq!(
            workshop.build("contents: {packages: [tool]}\n").amd64().file("usr/bin/tool"),
            "fix",
            "{suite}"
        );
    }
}

#[test]
fn a_base_of_another_distribution_is_a_problem() {
    let layer = base::skeleton().file("usr/lib/os-release", 0o644, "ID=plan9\n");
    assert_eq!(
        Workshop::new().base_of(&layer).problems("contents: {packages: [tool]}\n"),
        ["amd64: contents.packages: the base image is `plan9`, whose packages Temper does not know"]
    );
}

#[test]
fn the_bases_path_filters_are_honoured() {
    let layer = base::layer("amd64").directory("etc/dpkg").directory("etc/dpkg/dpkg.cfg.d").file(
        "etc/dpkg/dpkg.cfg.d/docker",
        0o644,
        "path-exclude /usr/share/doc/*\npath-include /usr/share/doc/*/copyright\n",
    );
    let package = Deb::new("tool", "1").file("usr/share/doc/tool/changelog", 0o644, b"x").file(
        "usr/share/doc/tool/copyright",
        0o644,
        b"x",
    );
    let package = package.symlink("usr/share/doc/libtool1", "tool");
    let outcome = Workshop::new().base_of(&layer).packages([package]).build("contents: {packages: [tool]}\n");
    assert_eq!(outcome.amd64().stat("usr/share/doc/tool/changelog"), "");
    assert_eq!(outcome.amd64().stat("usr/share/doc/libtool1"), "link 0777 0:0 -> tool");
    assert_eq!(outcome.amd64().stat("usr/share/doc/tool/copyright"), "file 0644 0:0");
}

#[test]
fn a_library_without_its_soname_link_gets_one() {
    let library = Elf::library("libx.so.1").to_bytes();
    let layer = base::layer("amd64").file("etc/ld.so.cache", 0o644, "old");
    let package = Deb::new("libx1", "1").file("usr/lib/libx.so.1.2", 0o644, &library);
    let outcome =
        Workshop::new().base_of(&layer).packages([package]).build("contents: {packages: [libx1]}\n");
    let view = outcome.amd64();
    assert_eq!(view.stat("usr/lib/libx.so.1"), "link 0777 0:0 -> libx.so.1.2");
    assert!(view.layer_paths("system").contains(&"usr/lib/libx.so.1".to_owned()));
}

#[test]
fn a_script_that_moves_its_copy_leaves_the_copy() {
    let postinst =
        "#!/bin/sh\ncp /usr/share/tool/default.conf /etc/tool.tmp\nmv /etc/tool.tmp /etc/tool.conf\n";
    let package = Deb::new("tool", "1")
        .file("usr/share/tool/default.conf", 0o644, b"value")
        .script("postinst", postinst);
    let workshop = Workshop::new().base_of(&base::layer("amd64")).packages([package]);
    let outcome = workshop.build("contents: {packages: [tool]}\n");
    assert_eq!(outcome.amd64().file("etc/tool.conf"), "value");
    assert_eq!(outcome.amd64().stat("etc/tool.tmp"), "");
    assert_eq!(outcome.amd64().plan.not_reproduced, []);
}

#[test]
fn a_package_of_another_architecture_is_said_to_exist_there() {
    let plan = Workshop::new().packages(archive()).plan("contents: {packages: [only]}\n");
    let hints: Vec<_> =
        plan.problems().map(|(_, finding)| finding.hint.clone().unwrap_or_default()).collect();
    assert_eq!(hints, ["`only` exists for `amd64`; to do without this platform: `platforms: [linux/amd64]`"]);
}

#[test]
fn a_base_package_is_not_replaced_by_an_older_one() {
    let installed = "Version: 2.0\nArchitecture: amd64\nDescription: x\n";
    let layer = base::debian(&[("tool", installed, &["usr/bin/tool"])]);
    let workshop = Workshop::new().base_of(&layer).packages(archive());
    assert_eq!(
        workshop.problems("contents: {packages: [tool=1.0]}\n"),
        [
            "amd64: contents.packages[0]: package `tool` is installed in version `2.0`, and the requested version `1.0` is older"
        ]
    );
}

#[test]
fn the_components_are_those_of_the_bases_own_sources() {
    let contrib = || Deb::new("extra", "1").file("usr/bin/extra", 0o755, b"extra");
    for (path, text, is_there) in [
        ("etc/apt/sources.list", "deb http://mirror.example/debian trixie main contrib\n", true),
        (
            "etc/apt/sources.list.d/debian.sources",
            "Types: deb\nURIs: http://mirror.example/debian\nSuites: trixie-updates\nComponents: contrib main\n",
            true,
        ),
        ("etc/apt/sources.list", "deb http://mirror.example/debian trixie main\n", false),
        ("etc/apt/sources.list", "deb http://mirror.example/debian bookworm contrib\n", false),
        ("etc/apt/sources.list", "deb http://other.example/debian trixie stable\n", false),
    ] {
        let layer = base::layer("amd64").directory("etc/apt").directory("etc/apt/sources.list.d");
        let layer = layer.file(path, 0o644, text);
        let workshop = Workshop::new().base_of(&layer).packages_in("trixie/contrib", [contrib()]);
        let plan = workshop.plan("contents: {packages: [extra]}\n");
        assert_eq!(!plan.has_problems(), is_there, "{text}");
    }
}

#[test]
fn only_files_that_a_layer_is_made_from_are_fetched_again() {
    let package = |name: &str| Deb::new(name, "1").file(&format!("usr/bin/{name}"), 0o755, name.as_bytes());
    let workshop = Workshop::new().base_of(&base::layer("amd64")).packages([package("a"), package("b")]);
    workshop.build("contents: {packages: [a]}\n");
    workshop.lose_package_files();
    let outcome = workshop.build("contents: {packages: [a, b]}\n");
    assert_eq!(outcome.amd64().file("usr/bin/a"), "a");
    assert_eq!(workshop.fetched(), ["a", "b"]);
}
