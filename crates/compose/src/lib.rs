//! The one conductor: from document to resolution, plan, image, and publication.
