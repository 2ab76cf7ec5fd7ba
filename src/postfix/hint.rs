//! A hint: which releases can be meant by what a tree says.
//!
//! No file names the release (`mail_version` is built in), but some settings and some syntax exist only since one.

use super::Config;
use super::expand::compatibility_level;
use crate::version::{Range, Version};

/// Parameters whose presence in a packaged main.cf shows that the release knows them.
const SINCE: [(&str, Version); 6] = [
    ("meta_directory", Version::new(3, 0)),
    ("shlib_directory", Version::new(3, 0)),
    ("compatibility_level", Version::new(3, 0)),
    ("maillog_file", Version::new(3, 4)),
    ("smtpd_tls_chain_files", Version::new(3, 4)),
    ("tls_server_sni_maps", Version::new(3, 4)),
];

/// The releases that can be meant: from the newest feature that main.cf or master.cf uses on; open where nothing tells.
pub(super) fn of(config: &Config) -> Range {
    let mut from: Option<Version> = None;
    let mut at_least = |version: Version| from = from.max(Some(version));
    if let Some(main) = &config.main {
        for (name, version) in SINCE {
            if main.winner(name).is_some() {
                at_least(version);
            }
        }
        // 3.6 introduced dotted levels; a level never names a release to come (RELEASE_NOTES 3.6, compatibility_level(5)).
        if let Some(level) = main.winner("compatibility_level")
            && let Ok([major, minor, _]) = compatibility_level(&level.value)
            && major >= 3
        {
            at_least(Version::new(major, minor.max(6)));
        }
        for parameter in main.parameters() {
            let value = parameter.value.as_slice();
            if contains(value, b"level {") || contains(value, b"level{") {
                at_least(Version::new(3, 6));
            } else if contains(value, b"${{") || contains(value, b"?{") || contains(value, b"? {") {
                at_least(Version::new(3, 0));
            }
        }
    }
    for service in config.services() {
        if service.kind.text == "unix-dgram" {
            at_least(Version::new(3, 4));
        }
        if service.overrides.len() > service.options(Version::new(2, 11)).overrides.len()
            || service.options(Version::new(2, 11)).refused.len()
                > service.options(Version::new(3, 0)).refused.len()
        {
            at_least(Version::new(3, 0));
        }
    }
    Range { from, before: None }
}

fn contains(text: &[u8], needle: &[u8]) -> bool {
    memchr::memmem::find(text, needle).is_some()
}
