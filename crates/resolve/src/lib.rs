//! Chooses the packages to install as apt would, and explains what cannot be satisfied.
