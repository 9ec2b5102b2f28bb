//! What installing packages does beyond unpacking them, seen in the image and named in the plan.

use temper_testkit::Deb;
use temper_testkit::elf::Elf;

use crate::base;
use crate::workshop::Workshop;

#[test]
fn every_effect_is_seen_in_the_files_and_named_in_the_plan() {
    let postinst = "#!/bin/sh\nadduser --system --group tool\nmkdir -p /var/cache/tool\nchown tool:tool /var/cache/tool\n\
                    update-alternatives --install /usr/bin/t t /usr/bin/tool 5\nadd-shell /usr/bin/tool\n\
                    dpkg-statoverride --update --add root tool 2755 /usr/bin/tool\n";
    let library = Elf::library("libtool.so.1").to_bytes();
    let tool = Deb::new("tool", "1")
        .file("usr/bin/tool", 0o755, b"tool")
        .file("usr/lib/tmpfiles.d/tool.conf", 0o644, b"d /var/lib/tool 0750 tool tool -\n")
        .script("postinst", postinst);
    let libc_bin = Deb::new("libc-bin", "2.41-12")
        .file("usr/sbin/ldconfig", 0o755, b"program")
        .file("etc/ld.so.conf", 0o644, b"/usr/lib/x86_64-linux-gnu\n")
        .file("usr/lib/x86_64-linux-gnu/libtool.so.1", 0o644, &library);
    let tzdata = Deb::new("tzdata", "1").file("usr/share/zoneinfo/Etc/UTC", 0o644, b"zone");
    let layer = base::layer("amd64").file("etc/shells", 0o644, "# shells\n");
    let outcome = Workshop::new()
        .base_of(&layer)
        .packages([tool, libc_bin, tzdata])
        .build("contents: {packages: [libc-bin, tool, tzdata]}\n");
    let view = outcome.amd64();
    for (path, effect, expected) in [
        ("etc/passwd", "accounts", "file 0644 0:0"),
        ("var/cache/tool", "scripts", "dir 0755 100:100"),
        ("etc/alternatives/t", "alternatives", "link 0777 0:0 -> /usr/bin/tool"),
        ("usr/bin/t", "alternatives", "link 0777 0:0 -> /etc/alternatives/t"),
        ("etc/shells", "shells", "file 0644 0:0"),
        ("etc/localtime", "time zone", "link 0777 0:0 -> /usr/share/zoneinfo/Etc/UTC"),
        ("var/lib/tool", "tmpfiles.d", "dir 0750 100:100"),
        ("usr/bin/tool", "", "file 2755 0:100"),
        ("etc/ld.so.cache", "ld.so.cache", "file 0644 0:0"),
        ("var/lib/dpkg/status.d/tool", "package database", "file 0644 0:0"),
    ] {
        assert_eq!(view.stat(path), expected, "{path}");
        let lines = view.plan.generated.iter().filter(|line| line.path == format!("/{path}"));
        let effects: Vec<&str> = lines.map(|line| line.effect.as_str()).collect();
        assert_eq!(effects, if effect.is_empty() { vec![] } else { vec![effect] }, "{path}");
    }
    assert_eq!(view.file("etc/shells"), "# shells\n/usr/bin/tool\n");
}

#[test]
fn what_artifacts_and_the_document_bring_is_never_generated_over() {
    let tool = Deb::new("tool", "1").file("usr/bin/tool", 0o755, b"tool").script(
        "postinst",
        "#!/bin/sh\nupdate-alternatives --install /usr/bin/t t /usr/bin/tool 5\ntouch /etc/mine\n",
    );
    let outcome = Workshop::new().base_of(&base::layer("amd64")).packages([tool]).build(
        "contents: {packages: [tool]}\npaths: [{path: /usr/bin/t, contents: own, mode: \"0755\"}, {path: /etc/mine, contents: own}]\n",
    );
    let view = outcome.amd64();
    assert_eq!((view.file("usr/bin/t").as_str(), view.file("etc/mine").as_str()), ("own", "own"));
    assert_eq!(view.stat("etc/alternatives/t"), "link 0777 0:0 -> /usr/bin/tool");
}
