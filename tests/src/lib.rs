//! What the end-to-end tests share: one world in one process, with faults.
