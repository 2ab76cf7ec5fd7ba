//! The log: finds logins in mail logs, and whether they were under TLS.
