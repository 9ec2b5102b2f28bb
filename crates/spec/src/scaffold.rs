//! Documents to start from: every field in its place, commented out and explained in a line.
//!
//! Prose begins with `# `; a field is switched on by taking away its `#`.

use std::fmt::Write as _;

use crate::customization::check;
use crate::yaml::{self, Node};

/// What stands at the head of the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scaffold {
    /// Name that people see.
    pub name: String,
    /// What tags end with; without it, it is derived from the name.
    pub suffix: Option<String>,
    /// Where results go; at least one.
    pub targets: Vec<ScaffoldTarget>,
}

/// Where the customization goes, and the tags that it is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScaffoldTarget {
    /// Repository of the base and of the result.
    pub destination: String,
    /// Tags of the base.
    pub line: ScaffoldLine,
}

/// The tags of the base that a target follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScaffoldLine {
    /// All tags of the tag definition with this id.
    Definition(String),
    /// One tag of a repository without definitions.
    Tag(String),
}

/// Returns the commented start of a customization of images.
///
/// With several targets, the fields that fit a single one only are left out.
pub fn image(scaffold: &Scaffold) -> String {
    let targets = &scaffold.targets;
    let single = if targets.len() > 1 { "" } else { SINGLE_TARGET };
    format!("{}{}{single}{SETTINGS}", head(scaffold), in_namespace(CONTENTS, targets))
}

/// Returns the commented start of a customization of charts.
pub fn chart(scaffold: &Scaffold) -> String {
    format!("{}{}", head(scaffold), in_namespace(REFERENCES, &scaffold.targets))
}

/// Fills the namespace of the destination into examples, so that they hold as they are.
fn in_namespace(example: &str, targets: &[ScaffoldTarget]) -> String {
    let namespace = targets.first().map_or("", |target| check::namespace(&target.destination));
    if namespace.is_empty() {
        example.to_owned()
    } else {
        example.replace("example/", &format!("{namespace}/"))
    }
}

fn head(scaffold: &Scaffold) -> String {
    let suffix = scaffold.suffix.as_deref();
    let suffix =
        suffix.map_or_else(|| "#suffix: custom".to_owned(), |suffix| format!("suffix: {}", scalar(suffix)));
    let mut text = format!(
        "# Name that people see; tags end with it, in lower case and with \"-\" for spaces.\nname: {}\n\n\
         # What tags end with instead, behind \"_\".\n{suffix}\n\n\
         # Repositories to publish to, each with the line of tags to start from.\ntargets:\n",
        scalar(&scaffold.name)
    );
    for target in &scaffold.targets {
        let (key, value) = match &target.line {
            ScaffoldLine::Definition(id) => ("tag_definition_id", scalar(id)),
            ScaffoldLine::Tag(tag) => ("tag", scalar(tag)),
        };
        let destination = scalar(&target.destination);
        let _ = writeln!(text, "  - destination: {destination}\n    {key}: {value}");
    }
    text
}

fn scalar(text: &str) -> String {
    yaml::print(&Node::text(text)).trim_end().to_owned()
}

const CONTENTS: &str = r#"
# What to add.
#contents:
# Packages of the base's distribution: name, name=version, or "!name" to forbid or remove one.
#  packages:
#    - git
#    - "!perl"
# OCI images of the same organization whose files are copied in; later ones win.
#  artifacts:
#    - name: example/certs:v1
# Paths or globs to copy; nothing is copied by default.
#      includes:
#        - etc/ssl/certs
# Paths or globs among them to leave out.
#      excludes:
#        - etc/ssl/certs/old

# Static files, scripts for example; never executed by a build.
#paths:
#  - path: /usr/local/bin/start
#    contents: |
#      #!/bin/sh
#      exec "$@"
#    mode: "0755"
#    uid: 0
#    gid: 0

# Certificates for the system's bundle: PEM text, or a file of an artifact.
#certificates:
#  - artifact: example/certs:v1
#    path: etc/ssl/certs/root.pem
"#;

const SINGLE_TARGET: &str = r"
# Users and groups, and who runs the container.
#accounts:
# Must be true when runs-as is root.
#  root: false
#  runs-as: app
#  users:
#    - name: app
#      uid: 10001
#      gid: 10001
#  groups:
#    - name: app
#      gid: 10001
#      members:
#        - app

# Words appended to the base's entrypoint; {replace: […]} and {prepend: […]} do what they say.
#entrypoint:
#  - --flag

# Words appended to the base's cmd; {replace: […]} and {prepend: […]} do what they say.
#cmd:
#  - --verbose
";

const SETTINGS: &str = r"
# Environment variables; they win over those of the base.
#environment:
#  LOG_LEVEL: info

# Labels of the image's config.
#labels:
#  org.opencontainers.image.authors: team@example.com

# Annotations of the image's index and manifests.
#annotations:
#  org.opencontainers.image.title: Customized image

# Working directory; made if it is missing.
#work-dir: /app

# Signal that stops a container.
#stop-signal: SIGTERM

# Platforms to build, at least one; all that the base has if left out.
#platforms:
#  - linux/amd64
#  - linux/arm64

# ZSTD, or GZIP for old tools; the base's form if left out.
#compression: ZSTD
";

const REFERENCES: &str = r"
# Image references of the chart to replace; without a host they mean the organization's registry.
#reference_mappings:
#  - from: dhi/haproxy
#    to: example/dhi-haproxy
";
