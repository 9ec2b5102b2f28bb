//! A suite of a fake archive: packages, indexes, release.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use crate::deb::hex;
use crate::{Compression, Deb};

use super::TestKey;

/// `Date` of a suite unless a test says otherwise: 2025-06-01 00:00 UTC, in seconds since the epoch.
pub const DATE: i64 = 1_748_736_000;

/// `Valid-Until` of a suite unless a test says otherwise: 2025-06-08 00:00 UTC.
pub const VALID_UNTIL: i64 = 1_749_340_800;

/// Builder of a suite with component `main` for amd64 and arm64.
#[derive(Clone, Debug)]
pub struct Suite {
    codename: String,
    fields: BTreeMap<String, String>,
    architectures: Vec<String>,
    packages: Vec<(String, Deb)>,
    date: i64,
    valid_until: Option<i64>,
    compressions: Vec<Compression>,
    has_by_hash: bool,
    has_plain_names: bool,
    is_detached: bool,
}

impl Suite {
    /// Starts an empty suite.
    pub fn new(codename: &str) -> Self {
        Self {
            codename: codename.to_owned(),
            fields: BTreeMap::from([("Origin".to_owned(), "Debian".to_owned())]),
            architectures: vec!["amd64".to_owned(), "arm64".to_owned()],
            packages: Vec::new(),
            date: DATE,
            valid_until: Some(VALID_UNTIL),
            compressions: vec![Compression::Xz],
            has_by_hash: true,
            has_plain_names: true,
            is_detached: false,
        }
    }

    /// Adds a package to `main`; one of architecture `all` to every index.
    #[must_use]
    pub fn package(self, package: Deb) -> Self {
        self.package_in("main", package)
    }

    /// Adds a package to a component.
    #[must_use]
    pub fn package_in(mut self, component: &str, package: Deb) -> Self {
        self.packages.push((component.to_owned(), package));
        self
    }

    /// Sets the architectures.
    #[must_use]
    pub fn architectures(mut self, names: &[&str]) -> Self {
        self.architectures = names.iter().map(|&name| name.to_owned()).collect();
        self
    }

    /// Adds a field to the release.
    #[must_use]
    pub fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Sets when the suite was made, in seconds since the epoch.
    #[must_use]
    pub fn date(mut self, seconds: i64) -> Self {
        self.date = seconds;
        self
    }

    /// Sets how long the suite is current, in seconds since the epoch, or without limit.
    #[must_use]
    pub fn valid_until(mut self, seconds: Option<i64>) -> Self {
        self.valid_until = seconds;
        self
    }

    /// Sets in which forms indexes are published.
    #[must_use]
    pub fn compressions(mut self, forms: &[Compression]) -> Self {
        self.compressions = forms.to_vec();
        self
    }

    /// Publishes indexes under their plain names only, and does not announce others.
    #[must_use]
    pub fn without_by_hash(mut self) -> Self {
        self.has_by_hash = false;
        self
    }

    /// Publishes indexes by digest only, as if the plain names had moved on.
    #[must_use]
    pub fn without_plain_names(mut self) -> Self {
        self.has_plain_names = false;
        self
    }

    /// Publishes `Release` with `Release.gpg` in place of `InRelease`.
    #[must_use]
    pub fn detached(mut self) -> Self {
        self.is_detached = true;
        self
    }

    /// Returns every file by path below the archive's root.
    pub(super) fn build(&self, key: &TestKey) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut listed = Vec::new();
        for (path, text) in self.indexes(&mut files) {
            let folder = path.trim_end_matches("/Packages");
            listed.push((path.clone(), text.clone()));
            for form in &self.compressions {
                let bytes = form.compress(&text);
                let name = format!("{path}{}", form.suffix());
                let digest = hex(&Sha256::digest(&bytes));
                if self.has_by_hash {
                    files.insert(self.path(&format!("{folder}/by-hash/SHA256/{digest}")), bytes.clone());
                }
                if self.has_plain_names {
                    files.insert(self.path(&name), bytes.clone());
                }
                if *form != Compression::None {
                    listed.push((name, bytes));
                }
            }
        }
        let release = self.release(&listed);
        if self.is_detached {
            files.insert(self.path("Release.gpg"), key.sign_detached(&release, self.date));
            files.insert(self.path("Release"), release.into_bytes());
        } else {
            files.insert(self.path("InRelease"), key.sign_clear(&release, self.date));
        }
        files
    }

    fn path(&self, below: &str) -> String {
        format!("dists/{}/{below}", self.codename)
    }

    /// Returns the text of each index by path, and puts the packages into the pool.
    fn indexes(&self, files: &mut BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
        let mut indexes = BTreeMap::new();
        for component in self.components() {
            for architecture in &self.architectures {
                let path = format!("{component}/binary-{architecture}/Packages");
                indexes.insert(path, Vec::new());
            }
        }
        for (component, package) in &self.packages {
            let bytes = package.build();
            let path = format!("pool/{component}/{}", package.file_name());
            let stanza = format!(
                "{}Filename: {path}\nSize: {}\nSHA256: {}\n\n",
                package.control(),
                bytes.len(),
                hex(&Sha256::digest(&bytes))
            );
            files.insert(path, bytes);
            for architecture in &self.architectures {
                if [architecture.as_str(), "all"].contains(&package.get("Architecture")) {
                    let index = indexes.get_mut(&format!("{component}/binary-{architecture}/Packages"));
                    index.expect("made above").extend_from_slice(stanza.as_bytes());
                }
            }
        }
        indexes
    }

    fn components(&self) -> BTreeSet<&str> {
        self.packages.iter().map(|(component, _)| component.as_str()).chain(["main"]).collect()
    }

    fn release(&self, listed: &[(String, Vec<u8>)]) -> String {
        let mut text = String::new();
        let mut add = |name: &str, value: &str| text.extend([name, ": ", value, "\n"]);
        for (name, value) in &self.fields {
            add(name, value);
        }
        add("Codename", &self.codename);
        add("Date", &date_text(self.date));
        if let Some(until) = self.valid_until {
            add("Valid-Until", &date_text(until));
        }
        if self.has_by_hash {
            add("Acquire-By-Hash", "yes");
        }
        add("Architectures", &self.architectures.join(" "));
        add("Components", &self.components().into_iter().collect::<Vec<_>>().join(" "));
        text.push_str("SHA256:\n");
        for (path, bytes) in listed {
            let line = format!(" {} {:>8} {path}\n", hex(&Sha256::digest(bytes)), bytes.len());
            text.push_str(&line);
        }
        text
    }
}

/// Writes seconds since the epoch as `Sun, 01 Jun 2025 00:00:00 UTC`.
pub(super) fn date_text(seconds: i64) -> String {
    let names = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let (mut year, mut day, mut month) = (1970, days, 0);
    while day >= 365 + i64::from(is_leap(year)) {
        day -= 365 + i64::from(is_leap(year));
        year += 1;
    }
    let lengths = [31, 28 + i64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    while day >= lengths[month] {
        day -= lengths[month];
        month += 1;
    }
    format!(
        "{}, {:02} {} {year} {:02}:{:02}:{:02} UTC",
        names[days.rem_euclid(7) as usize],
        day + 1,
        months[month],
        rest / 3600,
        rest / 60 % 60,
        rest % 60
    )
}
