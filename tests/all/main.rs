//! The end-to-end tests, in one binary: whole life, redelivery, crash, faults, wire examples, tidy.
