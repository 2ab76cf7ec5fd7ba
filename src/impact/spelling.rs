//! The spelling of accounts: whether `Anna` and `anna` are one.
//!
//! Dovecot's auth_username_format puts names in lower case by default, before anybody looks at the password, and hands Postfix
//! the name that came of it (live, 2.3.19.1 with Postfix 3.7.11, 2.4.1 with 3.10.13). What is refused before that, and logs of
//! another time, have names as they were typed.

use std::borrow::Cow;

use crate::dovecot::Lookup;
use crate::evidence::{Evidence, Text};
use crate::project::Acceptance;
use crate::protocol::Protocol;
use crate::surface::server::Surface;

/// Where names count as one in whatever letter case.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spelling {
    dovecot: bool,
    postfix: bool,
}

impl Spelling {
    /// As the server has it.
    pub(super) fn of(server: &Surface) -> Self {
        let dovecot = server.dovecot.as_ref().is_some_and(|config| {
            let format = config.effective("auth_username_format", &Lookup::default());
            puts_in_lower_case(&format.text)
        });
        let asks_dovecot = server.postfix.as_ref().is_some_and(|config| {
            let view = config.view(None, server.postfix_version());
            view.value("smtpd_sasl_type")
                .is_ok_and(|value| value.is("dovecot"))
        });
        Self {
            dovecot,
            postfix: dovecot && asks_dovecot,
        }
    }

    /// The evidence with every account under its one name.
    pub(super) fn joined<'a>(self, evidence: Cow<'a, Evidence>) -> Cow<'a, Evidence> {
        let rows = evidence
            .rows
            .iter()
            .map(|row| (row.way.protocol, &row.account));
        let refused = evidence.refused.iter();
        let mut all = rows.chain(refused.map(|one| (one.protocol, &one.account)));
        if !all.any(|(protocol, account)| self.other(protocol, account).is_some()) {
            return evidence;
        }
        let mut evidence = evidence.into_owned();
        for row in &mut evidence.rows {
            if let Some(name) = self.other(row.way.protocol, &row.account) {
                row.account = Some(name);
            }
        }
        for one in &mut evidence.refused {
            if let Some(name) = self.other(one.protocol, &one.account) {
                one.account = Some(name);
            }
        }
        Cow::Owned(evidence)
    }

    /// The acceptances, of which those that name an account name it as it is known here as well.
    pub(super) fn accepted(self, acceptances: &[Acceptance]) -> Vec<Acceptance> {
        let mut acceptances = acceptances.to_vec();
        if self.dovecot {
            for account in acceptances
                .iter_mut()
                .filter_map(|one| one.account.as_mut())
            {
                account.make_ascii_lowercase();
            }
        }
        acceptances
    }

    /// The name under which an account is known, where the log has another.
    fn other(self, protocol: Protocol, account: &Option<Text>) -> Option<Text> {
        let counts = match protocol {
            Protocol::Smtp => self.postfix,
            Protocol::Imap | Protocol::Pop3 | Protocol::Sieve | Protocol::Submission => {
                self.dovecot
            }
        };
        let account = account.as_ref().filter(|_| counts)?;
        let has_capitals = account.iter().any(u8::is_ascii_uppercase);
        has_capitals.then(|| Text::from(&*account.to_ascii_lowercase()))
    }
}

/// `%Lu` of 2.3, `%{user | lower}` of 2.4, and the like.
fn puts_in_lower_case(format: &[u8]) -> bool {
    let format = String::from_utf8_lossy(format);
    let modified = format
        .split('%')
        .skip(1)
        .any(|rest| rest.starts_with(['L']));
    modified || format.contains("| lower") || format.contains("|lower")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_tell() {
        for (format, lower) in [
            ("%Lu", true),
            ("%Ln", true),
            ("%u", false),
            ("", false),
            ("%{user | lower}", true),
            ("%{user|lower}", true),
            ("%{user}", false),
            ("%{user | username | lower}", true),
        ] {
            assert_eq!(puts_in_lower_case(format.as_bytes()), lower, "{format}");
        }
    }
}
