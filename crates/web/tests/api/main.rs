//! The API over a hub whose records are real: who may what, and in which form it is said.

mod description;
mod fixture;
mod people;
mod repositories;
mod rights;
mod sessions;
mod tokens;
