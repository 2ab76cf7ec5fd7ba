//! Clients that are turned away before they can log in.
//!
//! With `smtpd_delay_reject = no` the client restrictions are evaluated at the connection and the helo restrictions at EHLO:
//! after a rejection every command but QUIT is refused (smtpd/smtpd.c:smtpd_proto, access_denied; live, four releases).
//! With `yes`, the default, they wait for RCPT, and a password has been taken by then.

use crate::postfix::{Fault, View};
use crate::surface::Because;

use super::{Instance, because, relay};

/// Who is turned away.
pub(super) enum Early {
    Nobody,
    /// The client in question, or a client from outside that nothing permits.
    Everybody(Because),
    /// That depends on something no file here tells.
    Unknown(String, Because),
}

impl Early {
    pub(super) fn of(
        instance: &Instance<'_>,
        view: &View<'_>,
        wrapper: bool,
    ) -> Result<Self, Fault> {
        if view.flag("smtpd_delay_reject")?.0 {
            return Ok(Self::Nobody);
        }
        for name in ["smtpd_client_restrictions", "smtpd_helo_restrictions"] {
            let value = view.value(name)?;
            let mut words = value.words();
            let mut doubt = None;
            while let Some(word) = words.next() {
                let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
                if is("warn_if_reject") {
                    words.next();
                } else if is("permit") {
                    break;
                } else if is("permit_mynetworks") {
                    if let Some(client) = instance.question.client {
                        match relay::is_in_mynetworks(view, client.from) {
                            Some(true) => break,
                            Some(false) => {}
                            None => doubt = Some(client.from),
                        }
                    }
                } else if is("reject") || is("defer") || is("reject_plaintext_session") && !wrapper
                {
                    let because = because(name, &value);
                    return Ok(match doubt {
                        None => Self::Everybody(because),
                        Some(client) => Self::Unknown(
                            format!(
                                "whether {client} belongs to mynetworks, which no file here tells"
                            ),
                            because,
                        ),
                    });
                }
            }
        }
        Ok(Self::Nobody)
    }
}
