//! Definitions: images from nothing but packages, accounts, paths and settings.

use temper_testkit::Deb;

use crate::workshop::Workshop;

/// Writes the contents: packages from one suite of the archive.
fn contents(packages: &str) -> String {
    format!(
        "contents:\n  repositories: [\"deb [signed-by=debian-archive] distribution:debian trixie main\"]\n  packages: \
         [{packages}]\n"
    )
}

/// A workshop with the files that every image starts from, for both architectures.
fn workshop() -> Workshop {
    let base_files = |architecture: &str| {
        Deb::new("base-files", "13")
            .architecture(architecture)
            .file("usr/lib/os-release", 0o644, b"ID=debian\nVERSION_CODENAME=trixie\n")
            .symlink("etc/os-release", "../usr/lib/os-release")
            .file("usr/share/doc/base-files/README", 0o644, b"read")
            .file("usr/bin/tool", 0o755, architecture.as_bytes())
    };
    Workshop::new().packages(["amd64", "arm64"].map(base_files))
}

#[test]
fn settings_stand_in_the_config_of_every_platform() {
    let outcome = workshop().define(
        &(contents("base-files")
            + "environment: {LANG: C.UTF-8, B: \"2\"}\nlabels: {team: web, a: b}\nannotations: {note: own}\n\
               entrypoint: [/usr/bin/tool]\ncmd: [--serve, x]\nwork-dir: /srv/app\nstop-signal: SIGINT\n\
               ports: [8080, 53/udp, 90-91]\ncompression: ZSTD\n\
               accounts: {run-as: app, users: [{name: app, uid: 7, gid: 8, mode: \"0700\"}], groups: [{name: app, gid: 8}]}\n"),
    );
    assert_eq!(outcome.plan.base, None);
    assert_eq!(outcome.index().annotations["note"], "own");
    assert!(!outcome.index().annotations.keys().any(|key| key.contains(".base.")));
    for architecture in ["amd64", "arm64"] {
        let view = outcome.on(architecture);
        let config = view.config();
        assert_eq!((config.os(), config.architecture()), ("linux", architecture));
        assert_eq!(config.env(), ["B=2", "LANG=C.UTF-8"]);
        let labels: Vec<String> =
            config.labels().iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(labels, ["a=b", "team=web"]);
        assert_eq!(config.entrypoint(), Some(vec!["/usr/bin/tool".to_owned()]));
        assert_eq!(config.cmd(), Some(vec!["--serve".to_owned(), "x".to_owned()]));
        assert_eq!((config.user(), config.working_dir()), (Some("7"), Some("/srv/app")));
        assert_eq!(config.stop_signal(), Some("SIGINT"));
        let json: serde_json::Value = serde_json::from_slice(&config.to_bytes()).expect("is JSON");
        assert_eq!(
            json["config"]["ExposedPorts"],
            serde_json::json!({"53/udp": {}, "8080/tcp": {}, "90/tcp": {}, "91/tcp": {}})
        );
        assert_eq!(view.file("usr/bin/tool"), architecture);
        assert_eq!(view.stat("srv/app"), "dir 0755 7:8");
        assert_eq!(view.stat("home/app"), "dir 0700 7:8");
        assert_eq!(view.file("etc/passwd"), "app:x:7:8::/home/app:/bin/false\n");
        assert_eq!(view.file("etc/group"), "app:x:8:\n");
        assert!(view.manifest.layers.iter().all(|layer| layer.media_type.ends_with("zstd")));
        assert_eq!(view.layer_names(), ["packages", "system"]);
    }
}

#[test]
fn paths_are_made_in_order_after_everything_else() {
    let outcome = workshop().define(
        &(contents("base-files")
            + "paths:\n\
               - {type: symlink, path: /usr/bin/t, source: tool}\n\
               - {type: directory, path: /srv/data, mode: \"0750\", uid: 5, gid: 6}\n\
               - {type: directory, path: /srv/plain}\n\
               - {type: file, path: /srv/data/note, content: \"hello\\n\", mode: \"0600\", uid: 5}\n\
               - {type: file, path: /srv/only, content: arm, platforms: [linux/arm64]}\n\
               - {type: emptyfile, path: /etc/machine-id}\n\
               - {type: delete, path: /usr/share/doc}\n\
               - {type: file, path: /srv/gone, content: x}\n\
               - {type: delete, path: /srv/gone}\n\
               - {type: delete, path: /srv/never-there}\n"),
    );
    for architecture in ["amd64", "arm64"] {
        let view = outcome.on(architecture);
        for (path, expected) in [
            ("usr/bin/t", "link 0777 0:0 -> tool"),
            ("srv/data", "dir 0750 5:6"),
            ("srv/plain", "dir 0755 0:0"),
            ("srv/data/note", "file 0600 5:0"),
            ("srv/only", if architecture == "arm64" { "file 0644 0:0" } else { "" }),
            ("etc/machine-id", "file 0644 0:0"),
            ("usr/share/doc", ""),
            ("srv/gone", ""),
        ] {
            assert_eq!(view.stat(path), expected, "{architecture} {path}");
        }
        assert_eq!(
            (view.file("srv/data/note").as_str(), view.file("etc/machine-id").as_str()),
            ("hello\n", "")
        );
        let whiteouts: Vec<String> =
            view.layer_paths("files").into_iter().filter(|path| path.starts_with('-')).collect();
        assert_eq!(whiteouts, ["-usr/share/doc"]);
    }
}

#[test]
fn os_release_says_what_the_definition_says() {
    let outcome = workshop().define(
        &(contents("base-files")
            + "os-release: {name: Example Linux, id: example, id-like: debian, version-id: \"13\", version-codename: \
               trixie, pretty-name: 'A \"quoted\" $name `x` \\', home-url: https://example.org, bug-report-url: \
               https://example.org/bugs}\n"),
    );
    let text = outcome.amd64().file("etc/os-release");
    assert_eq!(
        text,
        "PRETTY_NAME=\"A \\\"quoted\\\" \\$name \\`x\\` \\\\\"\nNAME=\"Example Linux\"\nVERSION_ID=\"13\"\n\
         VERSION_CODENAME=\"trixie\"\nID=\"example\"\nID_LIKE=\"debian\"\nHOME_URL=\"https://example.org\"\n\
         BUG_REPORT_URL=\"https://example.org/bugs\"\n"
    );
    assert_eq!(outcome.amd64().stat("etc/os-release"), "link 0777 0:0 -> ../usr/lib/os-release");
}

#[test]
fn what_is_left_out_is_not_asked_for_by_the_database_either() {
    let packages = [
        Deb::new("app", "1").depends("library (>= 1), debconf (>= 0.5) | debconf-2.0, heavy").file(
            "usr/bin/app",
            0o755,
            b"app",
        ),
        Deb::new("library", "1").depends("heavy (>= 1)"),
        Deb::new("debconf", "1").provides("debconf-2.0").file("usr/bin/debconf", 0o755, b""),
        Deb::new("cdebconf", "1").provides("debconf-2.0").file("usr/bin/cdebconf", 0o755, b""),
        Deb::new("heavy", "1").file("usr/bin/heavy", 0o755, b""),
    ];
    let outcome = workshop().packages(packages).define(
        &(contents("app, base-files, \"!debconf\", \"!cdebconf\", \"!heavy\"")
            + "platforms: [linux/amd64]\n"),
    );
    let view = outcome.amd64();
    let names: Vec<&str> = view.plan.packages.iter().map(|package| package.name.as_str()).collect();
    assert_eq!(names, ["app", "base-files", "library"]);
    let waived: Vec<String> = view
        .plan
        .waived
        .iter()
        .map(|line| format!("{} {}: {}", line.package, line.relation, line.forbidden.join(" ")))
        .collect();
    assert_eq!(
        waived,
        [
            "app debconf (>= 0.5) | debconf-2.0: debconf cdebconf",
            "app heavy: heavy",
            "library heavy (>= 1): heavy"
        ]
    );
    assert_eq!(view.stat("usr/bin/heavy"), "");
    let status = view.file("var/lib/dpkg/status");
    let depends: Vec<&str> = status.lines().filter(|line| line.starts_with("Depends:")).collect();
    assert_eq!(depends, ["Depends: library (>= 1)"], "{status}");
    assert_eq!(
        view.plan.findings.warnings.iter().filter(|finding| finding.path.starts_with("contents")).count(),
        0
    );
}

#[test]
fn accounts_are_made_with_root_and_members() {
    let outcome = workshop().define(
        &(contents("base-files")
            + "accounts: {root: true, run-as: root, users: [{name: app, uid: 7, gid: 8}], groups: [{name: app, gid: 8}, \
               {name: web, gid: 9, members: [app]}]}\n"),
    );
    let view = outcome.amd64();
    assert_eq!(view.config().user(), Some("0"));
    assert_eq!(
        view.file("etc/passwd"),
        "root:x:0:0:root:/root:/bin/false\napp:x:7:8::/home/app:/bin/false\n"
    );
    assert_eq!(view.file("etc/group"), "root:x:0:\napp:x:8:\nweb:x:9:app\n");
    assert_eq!(view.stat("root"), "dir 0700 0:0");
}

#[test]
fn a_left_out_package_that_nothing_asks_for_is_told() {
    let outcome = workshop().define(&contents("base-files, \"!bse-files\""));
    for architecture in ["amd64", "arm64"] {
        let warnings = &outcome.on(architecture).plan.findings.warnings;
        let warning =
            warnings.iter().find(|finding| finding.path == "contents.packages[1]").expect("is told");
        assert_eq!(warning.hint.as_deref(), Some("did you mean `!base-files`?"));
    }
}

#[test]
fn packages_come_from_the_repositories_that_are_named() {
    let workshop = workshop()
        .packages([Deb::new("tool", "1").architecture("all").file("usr/bin/x", 0o755, b"trixie")])
        .packages_in(
            "testing",
            [Deb::new("tool", "2").architecture("all").file("usr/bin/x", 0o755, b"testing")],
        );
    let two = contents("base-files, tool").replace(
        "trixie main\"]",
        "trixie main\", \"deb [signed-by=debian-archive] distribution:debian testing main\"]",
    );
    assert_eq!(workshop.define(&contents("base-files, tool")).amd64().file("usr/bin/x"), "trixie");
    assert_eq!(workshop.define(&two).amd64().file("usr/bin/x"), "testing");
}

#[test]
fn only_the_listed_platforms_are_made_and_the_time_is_the_packages() {
    let newest = Deb::new("new", "1").mtime(1_751_328_000).file("usr/bin/new", 0o755, b"");
    let outcome =
        workshop().packages([newest]).define(&(contents("base-files, new") + "platforms: [linux/amd64]\n"));
    let built: Vec<String> = outcome.image.manifests.iter().map(|image| image.platform.to_string()).collect();
    assert_eq!(built, ["linux/amd64"]);
    assert_eq!(outcome.amd64().config().created(), Some("2025-07-01T00:00:00Z"));
}

#[test]
fn a_customization_adds_to_an_image_of_a_definition() {
    let packages = [Deb::new("app", "1").depends("heavy"), Deb::new("heavy", "1")];
    let more = Deb::new("more", "1").depends("app").file("usr/bin/more", 0o755, b"more");
    let workshop = workshop().packages(packages).packages([more]);
    let body =
        contents("app, base-files, \"!heavy\"") + "platforms: [linux/amd64]\nentrypoint: [/usr/bin/tool]\n";
    let base = workshop.define(&body);
    let workshop = workshop.base(base.as_base());
    let outcome = workshop.build("contents: {packages: [more]}\n");
    let view = outcome.amd64();
    let names: Vec<&str> = view.plan.packages.iter().map(|package| package.name.as_str()).collect();
    assert_eq!(names, ["more"], "what was left out is not repaired");
    assert_eq!(view.file("usr/bin/more"), "more");
}
