//! The documents people write: customizations and definitions of hardened images.
//!
//! A format crate: it knows texts; it must not know networks, host paths, environment, or clocks.

pub mod customization;
mod parsed;
mod problem;
mod read;
pub mod yaml;

pub use customization::Customization;
pub use parsed::Parsed;
pub use problem::{Problem, Problems};
