//! Fake Debian archives: suites with pools and signed indexes, and a server that can misbehave.
//!
//! ```no_run
//! use temper_testkit::archive::{FakeArchive, Suite};
//! use temper_testkit::Deb;
//!
//! let archive = FakeArchive::new()
//!     .suite("debian", &Suite::new("trixie").package(Deb::new("hello", "1.0")))
//!     .suite("debian-security", &Suite::new("trixie-security"));
//! let server = archive.serve();
//! println!("{}", server.uri("debian"));
//! ```

mod key;
mod server;
mod suite;

use std::collections::BTreeMap;

pub use self::key::TestKey;
pub use self::server::{Fault, Request, Server};
pub use self::suite::{DATE, Suite, VALID_UNTIL};

/// Some suites below some roots, signed by one key.
pub struct FakeArchive {
    key: TestKey,
    files: BTreeMap<String, Vec<u8>>,
}

impl FakeArchive {
    /// Starts an archive with a new key.
    #[expect(clippy::new_without_default, reason = "a new key is no default value")]
    pub fn new() -> Self {
        Self::signed_by(TestKey::generate())
    }

    /// Starts an archive with a given key, for a later state of another one.
    pub fn signed_by(key: TestKey) -> Self {
        Self { key, files: BTreeMap::new() }
    }

    /// Adds a suite with its pool below `root`, `debian` or `debian-security`.
    #[must_use]
    pub fn suite(mut self, root: &str, suite: &Suite) -> Self {
        let files = suite.build(&self.key);
        self.files.extend(files.into_iter().map(|(path, content)| (format!("{root}/{path}"), content)));
        self
    }

    /// The key that signs the archive.
    pub fn key(&self) -> &TestKey {
        &self.key
    }

    /// Every file by path.
    pub fn files(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.files
    }

    /// Serves the files over HTTP on a free local port until the server is dropped.
    pub fn serve(&self) -> Server {
        Server::start(self.files.clone())
    }
}
