//! The quickstart's customization in the words of both sides.

use std::fs;

use anyhow::Result;

use crate::bench::compose::bed::Bed;
use crate::invocation::Invocation;

pub(crate) const PACKAGES: &[&str] = &["curl", "jq"];
pub(crate) const REPOSITORY: &str = "acme/dhi-python";
pub(crate) const TAG: &str = "3.13";
/// The artifact that carries the certificate.
pub(crate) const ARTIFACT: &str = "acme/certs:v1";
pub(crate) const CERTIFICATE: &str = "usr/local/share/ca-certificates/example.crt";

const SCRIPT: &str = "#!/bin/sh\nexec python3 \"$@\"\n";

/// Writes `customization.yaml` for Temper, and the folder `context` with a Containerfile for buildah.
pub(crate) fn write(bed: &Bed) -> Result<()> {
    let context = bed.path("context");
    fs::create_dir_all(&context)?;
    Invocation::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "3650",
        ])
        .args(["-subj", "/CN=Example Private CA", "-keyout", "/dev/null", "-out"])
        .arg(context.join("example.crt"))
        .output()?;
    fs::write(context.join("start"), SCRIPT)?;
    fs::write(context.join("Containerfile"), containerfile(&bed.reference("acme/base:latest")))?;
    fs::write(bed.path("customization.yaml"), document())?;
    Ok(())
}

fn containerfile(base: &str) -> String {
    let packages = PACKAGES.join(" ");
    format!(
        "FROM {base}\nUSER root\nCOPY example.crt /{CERTIFICATE}\nCOPY --chmod=755 start /usr/local/bin/start\n\
         RUN apt-get install --yes --quiet=2 --no-install-recommends --no-download {packages} \
         && update-ca-certificates && echo 'app:x:10001:10001::/home/app:/bin/false' >>/etc/passwd \
         && echo 'app:x:10001:' >>/etc/group && install -d -o 10001 -g 10001 /home/app\n\
         ENV LOG_LEVEL=info\nLABEL com.example.team=platform\nUSER 10001\n"
    )
}

fn document() -> String {
    let (packages, script) = (PACKAGES.join(", "), format!("{SCRIPT:?}"));
    format!(
        "name: quickstart\nsuffix: custom\ntargets:\n  - destination: {REPOSITORY}\n    tag: \"{TAG}\"\n\
         contents:\n  packages: [{packages}]\n  artifacts:\n    - name: {ARTIFACT}\n      includes: [{CERTIFICATE}]\n\
         paths:\n  - {{path: /usr/local/bin/start, contents: {script}, mode: \"0755\", uid: 0, gid: 0}}\n\
         accounts:\n  runs-as: app\n  users: [{{name: app, uid: 10001, gid: 10001}}]\n  \
         groups: [{{name: app, gid: 10001, members: [app]}}]\n\
         environment: {{LOG_LEVEL: info}}\nlabels: {{com.example.team: platform}}\nplatforms: [linux/amd64]\n"
    )
}
