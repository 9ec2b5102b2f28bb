//! What a build says while it runs.

use serde::{Deserialize, Serialize};

/// The steps of a build, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// Base and artifacts are looked up, packages chosen.
    Resolve,
    /// Layers and packages are fetched and indexed.
    Fetch,
    /// The new file system is composed and its layers are written.
    Compose,
    /// Blobs, manifests and tags are written to the destination.
    Publish,
}

/// One event of a build's log; whoever receives it adds the time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Where in the build it happens.
    pub step: Step,
    /// The platform, where it happens for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// What happens, readable alone.
    pub message: String,
    /// How far a long part of the step is: done and total, in bytes where [`Event::is_bytes`], else in things.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<(u64, u64)>,
    /// Whether progress counts bytes.
    #[serde(default)]
    pub is_bytes: bool,
}

impl Event {
    /// Returns an event that says something.
    pub fn new(step: Step, message: impl Into<String>) -> Self {
        Self { step, platform: None, message: message.into(), progress: None, is_bytes: false }
    }

    /// Names the platform.
    #[must_use]
    pub fn on(mut self, platform: &temper_oci::Platform) -> Self {
        self.platform = Some(platform.to_string());
        self
    }

    /// Says how many bytes of how many are done.
    #[must_use]
    pub fn bytes(mut self, done: u64, total: u64) -> Self {
        self.progress = Some((done, total));
        self.is_bytes = true;
        self
    }

    /// Says how many things of how many are done.
    #[must_use]
    pub fn count(mut self, done: u64, total: u64) -> Self {
        self.progress = Some((done, total));
        self
    }
}

/// Receives events, from several threads at once.
pub trait Log: Send + Sync {
    /// Takes one event.
    fn event(&self, event: Event);
}

/// Drops every event.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Log for Silent {
    fn event(&self, _: Event) {}
}
