//! Builders for fake packages, archives, images, and trees.
