//! The keys of a definition, and those of its smaller parts.

use std::collections::BTreeMap;

use temper_oci::Platform;

use crate::customization::{Compression, Mode, PackageRequest};
use crate::read::record::record;
use crate::read::word::word;
use crate::yaml::Node;

use super::contents::Contents;

record! {
    /// A definition of a hardened image or of a Helm chart.
    pub struct Document {
        /// Other files of the catalog that belong to this one, from its root.
        includes: Vec<String> = "includes";
        /// How versions are followed upstream; kept as it is.
        track: Node = "track";
        /// Name that people see.
        name: String = "name";
        /// Repository of the image: `dhi.io/python`.
        image: String = "image";
        /// Compression of layers.
        compression: Option<Compression> = "compression";
        /// Whether layers are kept apart.
        output: Option<LayerOutput> = "output";
        /// Who may use it: public, enterprise or els.
        entitlement: Option<String> = "entitlement";
        /// What the image is for; runtime if absent.
        variant: Option<Variant> = "variant";
        /// Kind within the variant, such as `compat`.
        flavor: Option<String> = "flavor";
        /// Tags of the image.
        tags: Vec<String> = "tags";
        /// What is added to each tag.
        suffix: Option<String> = "suffix";
        /// Platforms; `linux/amd64` and `linux/arm64` if absent.
        platforms: Option<Vec<Platform>> = "platforms";
        /// When the version was released and when its support ends.
        dates: Option<Dates> = "dates";
        /// Values that `${NAME}` stands for elsewhere.
        vars: BTreeMap<String, String> = "vars";
        /// Packages, files, artifacts and builds.
        contents: Contents = "contents", default Contents::EMPTY;
        /// Users, groups, and who runs the container.
        accounts: Option<Accounts> = "accounts";
        /// What `/etc/os-release` says.
        os_release: Option<OsRelease> = "os-release";
        /// Absolute path of the working directory.
        work_dir: Option<String> = "work-dir";
        /// Signal that stops a container.
        stop_signal: Option<String> = "stop-signal";
        /// Environment variables.
        environment: BTreeMap<String, String> = "environment";
        /// Changes of single paths, in this order, after everything else.
        paths: Vec<PathEntry> = "paths";
        /// Annotations of index and manifests.
        annotations: BTreeMap<String, String> = "annotations";
        /// Labels of the image's config.
        labels: BTreeMap<String, String> = "labels";
        /// The entrypoint.
        entrypoint: Option<Vec<String>> = "entrypoint";
        /// The cmd.
        cmd: Option<Vec<String>> = "cmd";
        /// Exposed ports: `8080`, `53/udp`, `4510-4559`.
        ports: Vec<String> = "ports";
        /// Tests of the image.
        tests: Vec<TestCase> = "tests";
        /// Whether the image is FIPS compliant.
        fips_compliant: bool = "fips-compliant";
        /// Whether the image is STIG certified.
        stig_certified: bool = "stig-certified";
    }
}

impl Document {
    /// Returns the platforms, the format's default where none are written.
    pub fn platforms(&self) -> Vec<Platform> {
        self.platforms.clone().unwrap_or_else(|| vec![Platform::linux("amd64"), Platform::linux("arm64")])
    }

    /// Returns the packages to add and to forbid, those with variables in their text left out.
    pub fn packages(&self) -> Vec<PackageRequest> {
        self.contents.packages.iter().filter_map(|text| text.parse().ok()).collect()
    }
}

word! {
    /// What an image is for.
    pub enum Variant {
        /// Build tools, a shell and a package manager.
        Dev = "dev",
        /// What the program needs and nothing else.
        Runtime = "runtime",
        /// A Helm chart.
        Helm = "helm",
    }
}

word! {
    /// Whether layers are kept apart.
    pub enum LayerOutput {
        /// As they are made.
        Layered = "layered",
        /// All in one.
        Squashed = "squashed",
    }
}

record! {
    /// Dates in the life of a version, as `YYYY-MM-DD`.
    pub struct Dates {
        /// What the dates are about.
        kind: Option<String> = "type";
        /// Where they come from.
        url: Option<String> = "url";
        /// Release of the version.
        release: Option<String> = "release";
        /// End of its life.
        end_of_life: Option<String> = "end-of-life";
        /// End of its support.
        end_of_support: Option<String> = "end-of-support";
    }
}

record! {
    /// Users, groups, and who runs the container.
    pub struct Accounts {
        /// Makes the user root.
        root: bool = "root";
        /// Name or id of the user that the container runs as.
        run_as: Option<String> = "run-as";
        /// Users to make.
        users: Vec<User> = "users";
        /// Groups to make.
        groups: Vec<Group> = "groups";
    }
}

record! {
    /// A user.
    pub struct User {
        /// Login name.
        name: String = "name";
        /// User id.
        uid: u32 = "uid";
        /// Id of the primary group.
        gid: u32 = "gid";
        /// Permissions of the home directory.
        mode: Option<Mode> = "mode";
    }
}

record! {
    /// A group.
    pub struct Group {
        /// Name.
        name: String = "name";
        /// Group id.
        gid: u32 = "gid";
        /// Names of users that belong to it.
        members: Vec<String> = "members";
    }
}

record! {
    /// Fields of `/etc/os-release`
    /// ([os-release(5)](https://www.freedesktop.org/software/systemd/man/latest/os-release.html)).
    pub struct OsRelease {
        /// `NAME`.
        name: Option<String> = "name";
        /// `ID`.
        id: Option<String> = "id";
        /// `ID_LIKE`.
        id_like: Option<String> = "id-like";
        /// `VERSION_ID`.
        version_id: Option<String> = "version-id";
        /// `VERSION_CODENAME`.
        version_codename: Option<String> = "version-codename";
        /// `PRETTY_NAME`.
        pretty_name: Option<String> = "pretty-name";
        /// `HOME_URL`.
        home_url: Option<String> = "home-url";
        /// `BUG_REPORT_URL`.
        bug_report_url: Option<String> = "bug-report-url";
    }
}

record! {
    /// A change of one path.
    pub struct PathEntry {
        /// What is made of it.
        kind: PathType = "type";
        /// The path.
        path: String = "path";
        /// Condition under which the change is made.
        condition: Option<String> = "if";
        /// Text of a file.
        content: Option<String> = "content";
        /// User id of the owner; 0 if absent.
        uid: Option<u32> = "uid";
        /// Group id of the owner; 0 if absent.
        gid: Option<u32> = "gid";
        /// Permissions.
        mode: Option<Mode> = "mode";
        /// Target of a symlink, or path in the catalog of what a file or directory is copied from.
        source: Option<String> = "source";
        /// Whether owner and mode go to everything below.
        recursive: bool = "recursive";
        /// Platforms that get the change; all if absent.
        platforms: Option<Vec<Platform>> = "platforms";
    }
}

word! {
    /// What is made of a path.
    pub enum PathType {
        /// A symlink to `source`.
        Symlink = "symlink",
        /// A directory.
        Directory = "directory",
        /// A file with `content`, or a copy of `source`.
        File = "file",
        /// Nothing: what is there goes.
        Delete = "delete",
        /// A file without content.
        EmptyFile = "emptyfile",
    }
}

record! {
    /// A test of the image.
    pub struct TestCase {
        /// Name.
        name: Option<String> = "name";
        /// Where commands run.
        directory: Option<String> = "directory";
        /// Commands.
        commands: Vec<String> = "commands";
        /// Expected exit code.
        exit_code: u32 = "exit-code";
        /// Seconds that the test may take.
        timeout_seconds: Option<u32> = "timeout";
        /// Expected output.
        output: Option<String> = "output";
    }
}
