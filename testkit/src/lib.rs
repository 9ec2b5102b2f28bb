//! Builders for fake packages, archives, images, and trees.

#[cfg(feature = "archive")]
pub mod archive;
pub mod compression;
pub mod database;
pub mod deb;
pub mod elf;
pub mod image;
pub mod pem;
pub mod tree_dump;

pub use compression::Compression;
pub use deb::Deb;
