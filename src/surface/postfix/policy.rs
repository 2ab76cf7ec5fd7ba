//! The TLS policy of one smtpd: what its parameters come to (smtpd/smtpd.c:pre_jail_init, 2.8 and later).

use bstr::ByteSlice;

use crate::postfix::{Fault, Value, View};
use crate::surface::Because;
use crate::version::Version;

use super::because;

/// What the parameters of one service come to.
pub(super) struct Policy {
    /// TLS begins before the first word.
    pub(super) wrapper: bool,
    /// TLS is on offer.
    pub(super) offers: bool,
    /// Every command waits for TLS.
    pub(super) enforces: bool,
    /// SASL waits for TLS.
    pub(super) auth_only: bool,
    /// The settings that say so.
    pub(super) because: Vec<Because>,
}

impl Policy {
    /// Wrapper mode and the level, and only where the level is empty the older booleans.
    pub(super) fn of(view: &View<'_>) -> Result<Self, Fault> {
        let (wrapper, wrapper_value) = view.flag("smtpd_tls_wrappermode")?;
        let (auth_only, auth_only_value) = view.flag("smtpd_tls_auth_only")?;
        let (use_tls, use_value) = view.flag("smtpd_use_tls")?;
        let (enforce_tls, enforce_value) = view.flag("smtpd_enforce_tls")?;
        let level = view.value("smtpd_tls_security_level")?;
        let by_level = if wrapper {
            None
        } else {
            level_of(view, &level)?
        };
        let (offers, enforces) = by_level.unwrap_or((use_tls || enforce_tls, enforce_tls));
        let mut reasons = Vec::new();
        if wrapper {
            reasons.push(because("smtpd_tls_wrappermode", &wrapper_value));
        } else {
            reasons.push(because("smtpd_tls_auth_only", &auth_only_value));
            reasons.push(because("smtpd_tls_security_level", &level));
            if by_level.is_none() && use_tls {
                reasons.push(because("smtpd_use_tls", &use_value));
            }
            if by_level.is_none() && enforce_tls {
                reasons.push(because("smtpd_enforce_tls", &enforce_value));
            }
            if enforces && !auth_only {
                // What alone keeps clear-text logins away comes first.
                reasons.rotate_left(1);
            }
        }
        Ok(Self {
            wrapper,
            offers: offers || wrapper,
            enforces: enforces || wrapper,
            auth_only: auth_only || enforces || wrapper,
            because: reasons,
        })
    }
}

/// (offers, enforces) by the level; none where it is empty, or, before 2.5, unknown.
fn level_of(view: &View<'_>, level: &Value) -> Result<Option<(bool, bool)>, Fault> {
    let word = level.text.to_ascii_lowercase();
    match word.as_slice() {
        b"" => Ok(None),
        b"none" => Ok(Some((false, false))),
        b"may" => Ok(Some((true, false))),
        b"encrypt" | b"verify" | b"secure" => Ok(Some((true, true))),
        b"fingerprint" if view.version() >= Version::new(2, 5) => Ok(Some((true, true))),
        // 2.3 and 2.4 warn and go by the booleans; later releases die (smtpd.c, "Invalid TLS level").
        _ if view.version() < Version::new(2, 5) => Ok(None),
        _ => Err(Fault {
            name: "smtpd_tls_security_level".to_owned(),
            message: format!("Invalid TLS level \"{}\"", level.text.as_bstr()),
            value: level.text.clone(),
            origin: level.origin,
            unknown: false,
        }),
    }
}
