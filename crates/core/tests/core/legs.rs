//! One leg.
