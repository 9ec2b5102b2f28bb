//! Documents as people write them, read and printed through the crate's public face.

mod catalog;
mod customization;
mod definition;
mod rules;
mod scaffold;
mod schema;
mod yaml;
