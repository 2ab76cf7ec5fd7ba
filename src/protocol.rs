//! A protocol: what a client speaks to log in. Configurations open endpoints for it, and logs tell of logins over it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is spoken at an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// SMTP as Postfix speaks it, on whatever port.
    Smtp,
    /// IMAP.
    Imap,
    /// POP3.
    Pop3,
    /// ManageSieve.
    Sieve,
    /// Dovecot's own submission service.
    Submission,
}

impl Protocol {
    /// All of them, in the order of their numbers.
    pub(crate) const ALL: [Self; 5] = [
        Self::Smtp,
        Self::Imap,
        Self::Pop3,
        Self::Sieve,
        Self::Submission,
    ];

    /// Its number, from 0.
    pub(crate) const fn number(self) -> usize {
        match self {
            Self::Smtp => 0,
            Self::Imap => 1,
            Self::Pop3 => 2,
            Self::Sieve => 3,
            Self::Submission => 4,
        }
    }

    /// The word for it in every output.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Smtp => "smtp",
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
            Self::Sieve => "sieve",
            Self::Submission => "submission",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_stand_in_the_order_of_their_numbers() {
        let numbers = Protocol::ALL.map(Protocol::number);
        assert_eq!(numbers, std::array::from_fn(|number| number));
    }
}
