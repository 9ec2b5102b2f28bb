//! The hub's operations and jobs over records of their own, with a registry, an archive and keys in memory.

#[expect(dead_code, reason = "shared with the tests of composition, which use more of it")]
#[path = "../../../compose/tests/compose/archive.rs"]
mod archive;
#[expect(dead_code, reason = "shared with the tests of composition, which use more of it")]
#[path = "../../../compose/tests/compose/base.rs"]
mod base;
#[expect(dead_code, reason = "shared with the tests of composition, which use more of it")]
#[path = "../../../compose/tests/compose/image.rs"]
mod image;
#[expect(dead_code, reason = "shared with the tests of composition, which use more of it")]
#[path = "../../../compose/tests/compose/memory.rs"]
mod memory;
#[expect(dead_code, reason = "shared with the tests of composition, which use more of it")]
#[path = "../../../compose/tests/compose/repository.rs"]
mod repository;
#[expect(dead_code, reason = "shared with the tests of composition, which use more of it")]
#[path = "../../../compose/tests/compose/signing.rs"]
mod signing;

mod secrets;
mod world;

mod builds;
mod customizations;
mod failpoints;
mod mirrors;
mod watch;
