//! A package of an inventory.

use temper_oci::Digest;

use crate::inventory::OperatingSystem;
use crate::licence::Licence;
use crate::purl::Purl;

/// The namespace of a package whose image has no `os-release`.
const DEFAULT_NAMESPACE: &str = "debian";

/// A Debian package as the image's database has it.
#[derive(Clone, Debug)]
pub struct Package {
    /// Name of the binary package.
    pub name: String,
    /// Version with epoch and revision.
    pub version: String,
    /// Debian's name of the architecture, `all` included.
    pub architecture: String,
    /// The source package, where its name or version differs.
    pub source: Option<PackageSource>,
    /// Who maintains it, where the database says.
    pub supplier: Option<Supplier>,
    /// The project's page.
    pub homepage: Option<String>,
    /// What its copyright file says, where that can be told.
    pub licence: Option<Licence>,
    /// Digests of the package file, known for packages that were taken from a signed archive.
    pub checksums: Vec<Digest>,
    /// Names of the installed packages that it depends on.
    pub depends: Vec<String>,
    /// Paths that show the package in the image, in any order; may be left empty.
    pub files: Vec<String>,
}

/// A source package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageSource {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// A maintainer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supplier {
    /// The name.
    pub name: String,
    /// The address.
    pub email: Option<String>,
}

impl Supplier {
    /// Reads a `Maintainer` field, `Name <address>`, see [Debian policy, section 5.6.2](https://www.debian.org/doc/debian-policy/ch-controlfields.html#maintainer).
    pub fn parse(field: &str) -> Option<Self> {
        let (name, email) = match field.split_once('<') {
            Some((name, rest)) => (name, rest.split('>').next()),
            None => (field, None),
        };
        let name = name.trim().trim_matches('"');
        let email = email.map(str::trim).filter(|email| !email.is_empty());
        let name = if name.is_empty() { email? } else { name };
        Some(Self { name: name.to_owned(), email: email.map(str::to_owned) })
    }
}

impl PackageSource {
    /// Reads a `Source` field, `name` or `name (version)`; the version is the binary package's where it has none.
    pub fn parse(field: &str, version: &str) -> Option<Self> {
        let (name, own) = match field.split_once('(') {
            Some((name, rest)) => (name, rest.split(')').next().map(str::trim)),
            None => (field, None),
        };
        let name = name.trim();
        let version = own.filter(|own| !own.is_empty()).unwrap_or(version);
        (!name.is_empty()).then(|| Self { name: name.to_owned(), version: version.to_owned() })
    }
}

impl Package {
    /// The source package: its own name and version where nothing else is said.
    pub fn source(&self) -> PackageSource {
        let own = || PackageSource { name: self.name.clone(), version: self.version.clone() };
        self.source.clone().unwrap_or_else(own)
    }

    /// The package URL as Syft writes it: `distro` for the advisories, `upstream` where the source has another name
    /// or version.
    pub fn purl(&self, system: Option<&OperatingSystem>) -> Purl {
        let namespace = system.map_or(DEFAULT_NAMESPACE, |system| system.id.as_str());
        let source = self.source();
        let upstream = match (source.name == self.name, source.version == self.version) {
            (true, true) => String::new(),
            (false, true) => source.name,
            (_, false) => format!("{}@{}", source.name, source.version),
        };
        Purl::new("deb", namespace, &self.name, &self.version)
            .with("arch", &self.architecture)
            .with("distro", &system.map(OperatingSystem::distro).unwrap_or_default())
            .with("upstream", &upstream)
    }

    /// The packages among `all` that this one depends on: of its own architecture where there is one.
    pub(crate) fn dependencies<'a>(&self, all: &[&'a Package]) -> Vec<&'a Package> {
        let find = |name: &String| {
            let named = || all.iter().filter(|candidate| candidate.name == *name);
            named()
                .find(|candidate| candidate.architecture == self.architecture)
                .or_else(|| named().next())
                .copied()
        };
        let key = |package: &&'a Package| (&package.name, &package.architecture);
        let mut found: Vec<&Package> = self.depends.iter().filter_map(find).collect();
        found.retain(|found| key(found) != (&self.name, &self.architecture));
        found.sort_by_key(key);
        found.dedup_by_key(|package| key(package));
        found
    }
}
