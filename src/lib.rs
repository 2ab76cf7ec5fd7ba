//! plainsight: find who still logs in to the mail server in plain sight, and close it without breaking them.
//!
//! Data moves one way; a module imports only from what stands to its left:
//!
//! ```text
//! source · edit · patch · transaction · spelling · template · git · version · protocol · toml · certificate · root · project
//! bytes → postfix | dovecot → surface → trap → rule → finding · exception · fix ┐
//!                                                                               ├→ impact → report → command
//! bytes → log: chunks → events → segments → evidence ───────────────────────────┘
//! ```

pub mod certificate;
pub mod command;
pub mod dovecot;
pub mod edit;
pub mod evidence;
pub mod exception;
pub mod finding;
pub mod fix;
pub mod git;
pub mod impact;
pub mod log;
pub mod mailbox;
mod parallel;
pub mod patch;
pub mod postfix;
pub mod project;
#[cfg(test)]
#[path = "../tests/properties/mod.rs"]
mod properties;
pub mod protocol;
pub mod report;
pub mod rhythm;
pub mod root;
pub mod rule;
pub mod source;
pub mod spelling;
pub mod surface;
pub mod template;
pub mod tls;
pub mod toml;
pub mod transaction;
pub mod trap;
pub mod version;
