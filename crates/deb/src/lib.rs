//! Debian versions, relations, control files, signed indexes, package files, and package databases.
