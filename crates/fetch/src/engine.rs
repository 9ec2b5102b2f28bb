//! What composition asks of the network: package archives, and registries as sources and destinations.
//!
//! Composition waits for its answers, so each call blocks the calling thread until the runtime has it.

mod archive;
mod registry;

pub use archive::{ArchiveAdapter, Clock};
pub use registry::{RegistryDestination, RegistryImage};

use temper_compose::External;

/// Makes a failure of composition from one of this crate: its message and hint, the rest as cause.
fn external<E>(context: String, error: E, hint: Option<String>) -> External
where
    E: std::error::Error + Send + Sync + 'static,
{
    External::new(context, error).with_hint(hint)
}
