//! The REST API over the hub.
//!
//! A door: it knows HTTP and who asks; what is done, the hub's operations do.
