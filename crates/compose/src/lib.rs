//! The one conductor: from document to resolution, plan, image, and publication.
//!
//! An engine crate: it may use the formats and the other engines, and declares as traits what it needs of the world.
//! It must not know HTTP, SQL, configuration files, environment, or clocks; it starts no process.

pub mod archive;
mod assemble;
pub mod attachments;
pub mod blob_store;
mod build_key;
mod choice;
pub mod command;
pub mod composer;
mod composition;
pub mod composition_record;
mod config;
mod distribution;
pub mod environment;
pub mod error;
pub mod event;
pub mod finding;
mod hints;
pub mod image;
pub mod inputs;
mod kept_inputs;
mod layer_store;
mod layers;
mod packages;
pub mod plan;
mod plan_platform;
mod platforms;
pub mod publish;
pub mod recipe;
pub mod recorded;
pub mod reproduce;
pub mod statements;
mod time;
pub mod verify;

pub use archive::{Archive, PackageFile, PackageSource, Snapshot};
pub use attachments::Attachments;
pub use blob_store::{BlobStore, BlobWriter, Cache};
pub use command::Effective;
pub use composer::{AutomaticIds, Composer, Planned, Request};
pub use composition_record::CompositionRecord;
pub use error::{ComposeError, External};
pub use event::{Event, Log, Silent, Step};
pub use finding::{Finding, Findings};
pub use image::{Image, ImageSource};
pub use inputs::Inputs;
pub use kept_inputs::{KEPT_INPUTS, KeptInputs, input_roots};
pub use plan::{Plan, PlatformPlan, Setting};
pub use publish::{Attestation, BuiltImage, BuiltManifest, Destination, OpenBlob, list_referrers, publish};
pub use recipe::Recipe;
pub use recorded::{RecordedChoice, recorded_ids};
pub use statements::{BuildContext, BuildKind, Statements};
