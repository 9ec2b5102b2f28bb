//! JSON Schemas of the documents, made from the types that read them.
//!
//! An editor that knows the schema completes keys and shows their documentation. The schema accepts the same
//! keys as the parser; rules across fields are the parser's alone.

use schemars::SchemaGenerator;
use serde_json::Value;

use crate::{accounts, customization, definition};

/// Returns the schema of a customization.
pub fn customization() -> Value {
    titled::<customization::Document>("Customization")
}

/// Returns the schema of an accounts file.
pub fn accounts() -> Value {
    titled::<accounts::Accounts>("Accounts")
}

/// Returns the schema of a definition.
pub fn definition() -> Value {
    titled::<definition::Document>("Definition")
}

fn titled<T: schemars::JsonSchema>(title: &str) -> Value {
    let mut schema = SchemaGenerator::default().into_root_schema_for::<T>();
    schema.insert("title".to_owned(), title.into());
    schema.to_value()
}
