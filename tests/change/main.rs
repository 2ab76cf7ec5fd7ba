//! The change: what `diff` lets the user say about it, and how `apply` makes it and takes it back.

#![cfg(unix)]

#[path = "../shared/mod.rs"]
mod shared;

mod apply;
mod wish;
