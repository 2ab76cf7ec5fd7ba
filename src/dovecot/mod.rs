//! The configuration of one Dovecot instance: dovecot.conf and all that it includes, lossless.
//!
//! This module knows the language and how values come about in every scope; it knows nothing about TLS policy.
//! `surface::dovecot` to the right judges what it means.

use std::path::Path;

use crate::source::{Problem, Sources};

/// One dovecot.conf with its includes.
#[derive(Debug, Default)]
pub struct Config {
    /// What is wrong with the files, in reading order.
    pub problems: Vec<Problem>,
}

impl Config {
    /// Reads `file` (a daemon path such as `/etc/dovecot/dovecot.conf`) and what it includes.
    pub fn load(_sources: &mut Sources, _file: &Path) -> Self {
        Self::default()
    }
}

/// The releases that can read this configuration, as far as it shows.
pub fn version_hint(_config: &Config) -> crate::version::Range {
    crate::version::Range::ANY
}
