//! The log: finds logins in mail logs, and whether they were under TLS.
pub(crate) mod login;
pub(crate) mod names;
pub(crate) mod prefix;
pub(crate) mod smtpd;
pub(crate) mod stamp;
