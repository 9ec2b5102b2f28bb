//! Lists in parts: `?after=&limit=` → `{items, next}`.

use serde::{Deserialize, Serialize};
use temper_hub::Page;
use utoipa::{IntoParams, ToSchema};

use crate::problem::ApiError;

/// Which part of a list is wanted.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// Only what stands behind this: `next` of the part before.
    after: Option<String>,
    /// At most so many items, 1 to 500 [default: 50].
    limit: Option<u32>,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Listed<T> {
    /// The items, in the order of the list.
    pub items: Vec<T>,
    /// What to ask for as `after`; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl Wanted {
    /// Returns what a route asks for that has more than pages in its query.
    pub(crate) fn new(after: Option<String>, limit: Option<u32>) -> Self {
        Self { after, limit }
    }

    /// Returns the page that the hub is asked for: one item more than wanted, which tells whether there is more.
    pub(crate) fn page(&self) -> Result<Page, ApiError> {
        let limit = self.limit.unwrap_or(Page::default().limit);
        if !(1..=Page::LIMIT_MAX).contains(&limit) {
            return Err(ApiError::request(format!(
                "`limit` is {limit}, and goes from 1 to {}",
                Page::LIMIT_MAX
            )));
        }
        Ok(Page { after: self.after.clone().filter(|after| !after.is_empty()), limit: limit + 1 })
    }
}

impl<T> Listed<T> {
    /// Returns the answer for what the hub found for a page; `key` is what the list is sorted by.
    pub(crate) fn of<F>(
        mut found: Vec<F>,
        page: &Page,
        key: impl Fn(&F) -> String,
        item: impl FnMut(F) -> T,
    ) -> Self {
        let limit = page.limit.saturating_sub(1) as usize;
        let is_last = found.len() <= limit;
        found.truncate(limit);
        let next = found.last().map(key).filter(|_| !is_last);
        Self { items: found.into_iter().map(item).collect(), next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_says_where_the_next_begins() {
        let page = Wanted { after: None, limit: Some(2) }.page().expect("is a page");
        let of = |found: &[&str]| {
            let found = found.iter().map(|text| (*text).to_owned()).collect();
            Listed::of(found, &page, String::clone, |text| text)
        };
        assert_eq!(of(&["a", "b", "c"]).next.as_deref(), Some("b"));
        assert_eq!(of(&["a", "b", "c"]).items, ["a", "b"]);
        assert_eq!(of(&["a", "b"]).next, None);
        for limit in [0, 501] {
            assert!(Wanted { after: None, limit: Some(limit) }.page().is_err(), "{limit}");
        }
    }
}
