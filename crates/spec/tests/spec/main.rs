//! Documents as people write them, read and printed through the crate's public face.

mod customization;
mod yaml;
