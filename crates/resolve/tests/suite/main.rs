//! Tests of the choice of packages: scenarios written as data, and properties of any archive.

mod properties;
mod scenario;
mod stanza;
