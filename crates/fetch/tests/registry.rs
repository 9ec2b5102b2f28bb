//! The registry client against the embedded registry, and against the quirks of others.

#[path = "registry/fixture.rs"]
mod fixture;

#[path = "registry/attachments.rs"]
mod attachments;
#[path = "registry/authentication.rs"]
mod authentication;
#[path = "registry/products.rs"]
mod products;
#[path = "registry/pull.rs"]
mod pull;
#[path = "registry/push.rs"]
mod push;
#[path = "registry/quirks.rs"]
mod quirks;
#[path = "registry/surroundings.rs"]
mod surroundings;
