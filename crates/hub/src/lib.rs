//! The hub: organizations, mirrors, customizations, builds and the watch, as operations and jobs.
//!
//! It decides who may do what, and in which order things happen that outlive a request. It must not know HTTP or SQL:
//! doors call its operations, `store` keeps its records, and what it needs of the world stands in [`HubConfig`].

mod caller;
mod error;
mod hub;
mod images;
mod queue;
mod worker;

pub use caller::{Caller, Scope};
pub use error::HubError;
pub use hub::{Clock, Hub, HubConfig, Random};
pub use images::{Images, Signers};
pub use queue::Queue;
pub use worker::{Handler, HandlerFuture, Lease, Outcome, Worker, WorkerOptions};
