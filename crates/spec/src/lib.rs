//! The documents people write: customizations, definitions of hardened images, and the accounts of a server.
//!
//! A format crate: it knows texts; it must not know networks, host paths, environment, or clocks.

pub mod accounts;
pub mod customization;
pub mod definition;
mod parsed;
mod problem;
mod read;
pub mod scaffold;
pub mod schema;
pub mod yaml;

pub use customization::Customization;
pub use definition::Definition;
pub use parsed::Parsed;
pub use problem::{Problem, Problems};
