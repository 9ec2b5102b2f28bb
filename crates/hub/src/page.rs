//! Parts of lists.

/// Which part of a list is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Only what stands behind this.
    pub after: Option<String>,
    /// At most so much.
    pub limit: u32,
}

impl Page {
    /// The most that a page has.
    pub const LIMIT_MAX: u32 = 500;

    pub(crate) fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }
}

impl Default for Page {
    fn default() -> Self {
        Self { after: None, limit: 50 }
    }
}
