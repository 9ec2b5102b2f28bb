//! The server by its answers: requests go to the router in process.

#[path = "server/fixture.rs"]
mod fixture;

#[path = "server/blobs.rs"]
mod blobs;
#[path = "server/bounds.rs"]
mod bounds;
#[path = "server/catalog.rs"]
mod catalog;
#[path = "server/changes.rs"]
mod changes;
#[path = "server/crowds.rs"]
mod crowds;
#[path = "server/damage.rs"]
mod damage;
#[path = "server/hostile.rs"]
mod hostile;
#[path = "server/manifests.rs"]
mod manifests;
#[path = "server/people.rs"]
mod people;
#[path = "server/quotas.rs"]
mod quotas;
#[path = "server/serving.rs"]
mod serving;
#[path = "server/slow.rs"]
mod slow;
#[path = "server/storage.rs"]
mod storage;
#[path = "server/tls.rs"]
mod tls;
#[path = "server/uploads.rs"]
mod uploads;
