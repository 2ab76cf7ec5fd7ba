//! The configuration of one Postfix instance: main.cf and master.cf, lossless.
//!
//! This module knows the two formats and how values come about; it knows nothing about TLS policy.
//! `surface::postfix` to the right judges what it means.

use std::path::Path;

use crate::source::{Problem, Sources};

/// One configuration directory.
#[derive(Debug, Default)]
pub struct Config {
    /// What is wrong with the files, in their order.
    pub problems: Vec<Problem>,
}

impl Config {
    /// Reads main.cf and master.cf of `directory` (a daemon path such as `/etc/postfix`), as far as they are there.
    pub fn load(_sources: &mut Sources, _directory: &Path) -> Self {
        Self::default()
    }
}

/// The releases that can read this configuration, as far as it shows.
pub fn version_hint(_config: &Config) -> crate::version::Range {
    crate::version::Range::ANY
}
