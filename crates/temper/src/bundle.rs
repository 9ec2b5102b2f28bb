//! Bundles: a layout with images, everything that is signed about them, public keys, and on request what they were
//! made of.
//!
//! Each image is an entry whose name is its whole reference. What is attached has the names that it has in a registry:
//! legacy tags and the fallback tag. Keys and packages are artifacts of their own.

mod archive;
mod contents;
mod origin;
mod proof;
mod transfer;

pub(crate) use archive::{Scratch, pack, unpack};
pub(crate) use contents::{add_keys, add_packages, keys_of, take_packages};
pub(crate) use origin::Origin;
pub(crate) use proof::{Expected, Proved, Strangers, keys, prove};
pub(crate) use transfer::copy;
