//! How a plan ended.
