//! What fuzz targets begin from: a few honest inputs each, in the forms that the parsers know.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const CONTROL: &str = "Package: hello\nStatus: install ok installed\nVersion: 2.10-3+b1\nArchitecture: amd64\n\
     Multi-Arch: foreign\nPriority: required\nEssential: yes\nSource: hello (2.10-3)\n\
     Depends: libc6 (>= 2.34), default-mta | mail-transport-agent, python3:any\nProvides: greeter (= 1), hi\n\
     Filename: pool/h/hello.deb\nSize: 100\nDescription: greets\n long text\n .\n more\n";

const RELEASE: &str = "Origin: Debian\nSuite: stable\nCodename: trixie\nDate: Sat, 15 Nov 2025 10:20:30 UTC\n\
     Valid-Until: Sat, 22 Nov 2025 10:20:30 UTC\nAcquire-By-Hash: yes\nArchitectures: all amd64\n\
     Components: main\nSHA256:\n \
     e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 0 main/binary-amd64/Packages.xz\n";

const SCRIPT: &str = "set -e\ncase \"$1\" in\n  configure)\n    if ! getent passwd app >/dev/null; then\n\
     \x20     adduser --system --group --home /var/lib/app app || true\n    fi\n\
     \x20   for f in a b; do install -d -o app -m 0750 \"/var/lib/app/$f\"; done\n\
     \x20   update-alternatives --install /usr/bin/x x /usr/bin/p 10\n  ;;\n  *) exit 0 ;;\nesac\n\
     f() { local v=${1:-x}; cat >/etc/p <<EOF\n$v $(date) `id`\nEOF\n}\nf \"${2#a*}\" && exit 0\n";

const CUSTOMIZATION: &str = "name: web\ntargets:\n  - destination: registry.example/acme/python\n\
     \x20   definition: python/debian-13/3.13\ncontents:\n  packages: [curl, 'jq=1.7*']\n\
     accounts:\n  root: true\n  users:\n    - {name: app, uid: 1000}\n  run-as: app\nenvironment:\n  A: \"1\"\n";

const DEFINITION: &str = "name: Python\nimage: python\nplatforms: [linux/amd64, linux/arm64]\n\
     contents:\n  packages:\n    - &p python3\n    - *p\naccounts:\n  run-as: 1000\ncmd: [python3]\n";

/// Returns the seeds of a target.
pub(super) fn of(target: &str) -> Vec<Vec<u8>> {
    let texts = |texts: &[&str]| texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    match target {
        "oci_reference" => texts(&[
            "python:3.13",
            "registry.example:5000/acme/app:1.0",
            &format!("[::1]:5000/a_b/c--d@{DIGEST}"),
            DIGEST,
            "linux/arm64/v8",
        ]),
        "oci_document" => documents(),
        "oci_archive" => archives(),
        "deb_control" => texts(&[CONTROL, &format!("{CONTROL}\n{CONTROL}")]),
        "deb_version" => texts(&["1:2.3-4 1:2.3~rc1-4 2.3", "0 00 0.0", "1.0+b1 1.0+b2 1.0-1"]),
        "deb_relation" => texts(&["libc6 (>= 2.34), a | b:any (<< 1~) [amd64 !arm64] <!nocheck>"]),
        "deb_release" => texts(&[RELEASE, "Sat, 15 Nov 2025 10:20:30 UTC"]),
        "deb_package" => vec![package()],
        "spec_customization" => texts(&[CUSTOMIZATION]),
        "spec_definition" => texts(&[DEFINITION]),
        "rootfs_script" => texts(&[SCRIPT, &format!("{SCRIPT}\0root:x:0:0:root:/root:/bin/sh\n")]),
        "rootfs_files" => texts(&[
            &format!(
                "root:x:0:0:root:/root:/bin/sh\n\0root:x:0:\n\0root:*:1:0:99999:7:::\n\0{CONTROL}\0{CONTROL}"
            ),
            "\0\0\0\0u app 1000:1000 \"App\" /var/lib/app /bin/sh\nm app team\ng team -\n",
            "\0\0\0\0d /run/app 0755 app app 10d -\nL+ /a - - - - /b\nauto\n/usr/bin/x\n\n/usr/bin/p\n10\n\n",
        ]),
        "registry_request" => texts(&[
            "acme/app/manifests/latest",
            &format!("acme/app/blobs/{DIGEST}"),
            "a/blobs/uploads/7",
            "bytes=0-9",
            "10-19",
            "Basic dXNlcjpwYXNz",
            "repository:acme/app:pull,push registry:catalog:*",
        ]),
        "fetch_answer" => texts(&[
            "Bearer realm=\"https://auth.example/token\",service=\"s\",scope=\"repository:a/b:pull\"",
            "</v2/a/tags/list?n=10&last=x>; rel=\"next\"",
            "bytes 10-19/20",
            "Wed, 21 Oct 2015 07:28:00 GMT",
            "\0{\"errors\":[{\"code\":\"DENIED\",\"message\":\"no\"}]}",
            "\0{\"auths\":{\"https://a.example/v1/\":{\"auth\":\"dXNlcjpwYXNz\"}},\"credsStore\":\"\"}",
        ]),
        "fetch_inrelease" => texts(&[
            &format!(
                "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n{RELEASE}-----BEGIN PGP SIGNATURE-----\n\n\
                 iHUEABYKAB0WIQ==\n=AAAA\n-----END PGP SIGNATURE-----\n"
            ),
            &format!(
                "{RELEASE}\0-----BEGIN PGP SIGNATURE-----\n\niHUEABYKAB0WIQ==\n=AAAA\n-----END PGP SIGNATURE-----\n"
            ),
        ]),
        _ => Vec::new(),
    }
}

fn documents() -> Vec<Vec<u8>> {
    let config = format!(
        r#"{{"architecture":"amd64","os":"linux","config":{{"User":"1000","Env":["A=b"],"Cmd":["x"],"Labels":{{"a":"b"}}}},"rootfs":{{"type":"layers","diff_ids":["{DIGEST}"]}},"history":[{{"created":"2025-01-01T00:00:00Z","empty_layer":true}}]}}"#
    );
    let manifest_type = "application/vnd.oci.image.manifest.v1+json";
    let descriptor =
        |media_type: &str| format!(r#"{{"mediaType":"{media_type}","digest":"{DIGEST}","size":0}}"#);
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"{manifest_type}","config":{},"layers":[{}],"subject":{},"annotations":{{"a":"b"}}}}"#,
        descriptor("application/vnd.oci.image.config.v1+json"),
        descriptor("application/vnd.oci.image.layer.v1.tar+gzip"),
        descriptor(manifest_type),
    );
    let index = format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, descriptor(manifest_type));
    let index_type = "application/vnd.oci.image.index.v1+json";
    [format!("\0{config}"), format!("{manifest_type}\0{manifest}"), format!("{index_type}\0{index}")]
        .map(String::into_bytes)
        .to_vec()
}

fn archives() -> Vec<Vec<u8>> {
    let plain =
        layer(&[("etc/passwd", b"root:x:0:0:\n"), ("a/.wh.b", b""), ("bin/x", b"\x7fELF\x02\x01\x01")]);
    vec![gzip(&plain), plain]
}

/// A package: an `ar` archive of version, control and data.
fn package() -> Vec<u8> {
    let control = gzip(&layer(&[("./control", CONTROL.as_bytes()), ("./postinst", SCRIPT.as_bytes())]));
    let data = gzip(&layer(&[("./usr/bin/hello", b"#!/bin/sh\n")]));
    let mut package = b"!<arch>\n".to_vec();
    for (name, content) in
        [("debian-binary", b"2.0\n".as_slice()), ("control.tar.gz", &control), ("data.tar.gz", &data)]
    {
        writeln!(package, "{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`", 0, 0, 0, 100_644, content.len())
            .expect("memory takes everything");
        package.extend_from_slice(content);
        if content.len() % 2 == 1 {
            package.push(b'\n');
        }
    }
    package
}

fn layer(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o755);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        archive.append_data(&mut header, path, *content).expect("memory takes everything");
    }
    archive.into_inner().expect("memory takes everything")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}
