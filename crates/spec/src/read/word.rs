//! Closed sets of words: an enum that reads, prints and describes itself.

/// Declares an enum whose values are written as words.
macro_rules! word {
    (
        $(#[doc = $documentation:literal])*
        $visibility:vis enum $name:ident {
            $($(#[doc = $value_documentation:literal])* $value:ident = $word:literal,)*
        }
    ) => {
        $(#[doc = $documentation])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        $visibility enum $name {
            $($(#[doc = $value_documentation])* #[serde(rename = $word)] $value,)*
        }

        impl $name {
            const WORDS: &'static [(&'static str, Self)] = &[$(($word, Self::$value)),*];
        }

        impl $crate::read::Read for $name {
            type Checked = Self;

            fn checked(&self) -> Option<&Self> {
                Some(self)
            }

            fn read(
                node: &$crate::yaml::Node,
                at: &$crate::read::At<'_>,
                report: &mut $crate::read::Report,
            ) -> Option<Self> {
                let text = $crate::read::text(node, at, report)?;
                let found = Self::WORDS.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
                if found.is_none() {
                    let words: Vec<String> = Self::WORDS.iter().map(|(word, _)| format!("`{word}`")).collect();
                    report.problem(at, format!("`{text}` is none of {}", words.join(", ")));
                }
                found
            }

            fn schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let words: Vec<&str> = Self::WORDS.iter().map(|(word, _)| *word).collect();
                schemars::json_schema!({ "enum": words })
            }
        }
    };
}
pub(crate) use word;
