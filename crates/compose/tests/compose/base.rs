//! The bases that tests start from.

use temper_oci::{Compression, Platform};
use temper_testkit::image::{Image, Layer};

use crate::image::MemoryImage;

/// Reference of every base.
pub(crate) const REFERENCE: &str = "acme/base:1";
/// When the bases were made.
pub(crate) const CREATED: &str = "2025-06-01T00:00:00Z";

/// Accounts of the hardened base.
pub(crate) const PASSWD: &str = "root:x:0:0:root:/root:/sbin/nologin\n\
    nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n";
pub(crate) const GROUP: &str = "root:x:0:\nnonroot:x:65532:\n";

/// Files of a hardened base for Debian: a merged `/usr`, no shell, no `dpkg`, its database in `status.d`.
pub(crate) fn layer(architecture: &str) -> Layer {
    let control = format!(
        "Package: base-files\nStatus: install ok installed\nVersion: 13\nArchitecture: {architecture}\n\
         Maintainer: Testers <testers@example.org>\nDescription: base\n"
    );
    skeleton()
        .directory("var/lib/dpkg/status.d")
        .file("var/lib/dpkg/status.d/base-files", 0o644, control)
        .file(
            "var/lib/dpkg/status.d/base-files.md5sums",
            0o644,
            "d41d8cd98f00b204e9800998ecf8427e  usr/lib/os-release\n",
        )
}

/// The same without any package database.
pub(crate) fn skeleton() -> Layer {
    Layer::new()
        .directory("etc")
        .file("etc/passwd", 0o644, PASSWD)
        .file("etc/group", 0o644, GROUP)
        .symlink("etc/os-release", "../usr/lib/os-release")
        .directory("usr")
        .directory("usr/bin")
        .file("usr/bin/app", 0o755, "app")
        .directory("usr/lib")
        .file("usr/lib/os-release", 0o644, "ID=debian\nVERSION_CODENAME=trixie\n")
        .directory("usr/sbin")
        .symlink("bin", "usr/bin")
        .symlink("lib", "usr/lib")
        .symlink("sbin", "usr/sbin")
        .directory("var")
        .directory("var/lib")
        .directory("var/lib/dpkg")
}

/// Files of a base with the database in `status` and lists in `info`, and these packages installed.
///
/// Each package is its control fields after the name, and the paths that it owns.
pub(crate) fn debian(packages: &[(&str, &str, &[&str])]) -> Layer {
    let mut layer = skeleton().directory("var/lib/dpkg/info").file("var/lib/dpkg/info/format", 0o644, "1\n");
    let mut status = String::new();
    for (name, fields, paths) in packages {
        status.push_str(&["Package: ", name, "\nStatus: install ok installed\n", fields, "\n"].concat());
        let list = ["/.\n/", &paths.join("\n/"), "\n"].concat();
        layer = layer.file(&format!("var/lib/dpkg/info/{name}.list"), 0o644, list);
        let is_parent = |path: &str| paths.iter().any(|other| other.starts_with(&format!("{path}/")));
        for path in *paths {
            let is_known = ["usr", "usr/bin", "usr/lib", "usr/sbin", "etc"].contains(path);
            layer = match (is_known, is_parent(path)) {
                (true, _) => layer,
                (_, true) => layer.directory(path),
                _ => layer.file(path, 0o755, *path),
            };
        }
    }
    layer.file("var/lib/dpkg/status", 0o644, status)
}

/// The hardened base for one architecture, as one layer.
pub(crate) fn image(architecture: &str) -> Image {
    image_of(architecture, &layer(architecture))
}

/// A base of one layer, with the settings that all bases have.
pub(crate) fn image_of(architecture: &str, layer: &Layer) -> Image {
    settings(Image::new(&Platform::linux(architecture)).layer(layer, Compression::Gzip))
}

/// Gives an image the settings that all bases have.
pub(crate) fn settings(image: Image) -> Image {
    image.config(|config| {
        config.set_created(CREATED);
        config.set_user("65532");
        config.set_env(&["PATH=/usr/bin".to_owned(), "BASE=1".to_owned()]);
        config.set_entrypoint(Some(&["/usr/bin/app".to_owned()]));
        config.set_cmd(Some(&["--serve".to_owned()]));
        config.set_label("com.docker.dhi.name", "base");
    })
}

/// The hardened base for amd64 and arm64.
pub(crate) fn hardened() -> MemoryImage {
    MemoryImage::new(REFERENCE, &[image("amd64"), image("arm64")])
}

/// A base of one layer for amd64 alone.
pub(crate) fn of_layer(layer: &Layer) -> MemoryImage {
    MemoryImage::new(REFERENCE, &[image_of("amd64", layer)])
}
