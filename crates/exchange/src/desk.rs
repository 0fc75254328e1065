//! What is answered, by the first part of the path.

mod account;
mod control;
mod data;
mod orders;
mod positions;
