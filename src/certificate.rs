//! A certificate and its key, judged as the servers and their clients would judge them.

/// What to make of the certificate and key files that a configuration names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What a file that is not there means.
    pub missing: Missing,
    /// The time to judge expiry by, in seconds since 1970 UTC.
    pub now: i64,
}

/// What a file that is not there means. A file that is there is always judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// It is taken for good, and the endpoint says so under `assumed`: checkouts rarely hold keys.
    Assume,
    /// It is missing on the server.
    Fault,
}
