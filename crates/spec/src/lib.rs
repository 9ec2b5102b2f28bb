//! The documents people write: customizations and definitions of hardened images.
