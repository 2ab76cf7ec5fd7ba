//! Redaction: accounts, addresses and names of clients replaced by pseudonyms, the same for the same in every report.
//!
//! A pseudonym is a keyed hash. Without a key of one's own, whoever guesses a name can see that he guessed right.
//! What the configuration says is left as it is.

use std::hash::Hasher;
use std::sync::Arc;

use bstr::ByteSlice;
use hashbrown::HashMap;
use siphasher::sip128::{Hasher128, SipHasher13};

use crate::evidence::{Evidence, Row, Text, Texts, Way};
use crate::impact::Preflight;

/// How names become pseudonyms.
#[derive(Clone, Debug)]
pub struct Redaction {
    key: [u8; 16],
}

impl Redaction {
    /// Pseudonyms under a secret; none is a secret that everybody knows.
    pub fn new(secret: Option<&[u8]>) -> Self {
        let mut hasher = SipHasher13::new();
        hasher.write(secret.unwrap_or_default());
        Self {
            key: hasher.finish128().as_bytes(),
        }
    }

    /// The pseudonym of a text: `account-5f3a09b2c1`.
    fn pseudonym(&self, kind: &str, text: &[u8]) -> String {
        let mut hasher = SipHasher13::new_with_key(&self.key);
        hasher.write(kind.as_bytes());
        hasher.write_u8(0);
        hasher.write(text);
        let bytes = hasher.finish128().as_bytes();
        let digits: String = bytes[..5]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!("{kind}-{digits}")
    }

    fn account(&self, account: &mut Option<Text>) {
        if let Some(name) = account {
            *name = self.pseudonym("account", name).into();
        }
    }

    fn client(&self, client: &mut Text) {
        if is_named(client) {
            *client = self.pseudonym("client", client).into();
        }
    }

    fn name(&self, name: &mut Option<Text>) {
        if let Some(name) = name {
            *name = self.pseudonym("name", name).into();
        }
    }

    /// Redacts what the logs prove.
    pub fn evidence(&self, evidence: &mut Evidence) {
        // The pseudonyms are kept together, as the names are.
        let mut pseudonyms = Pseudonyms::default();
        each_name(evidence, |kind, name| pseudonyms.note(self, kind, name));
        let (texts, numbers) = (Arc::new(pseudonyms.texts), pseudonyms.numbers);
        each_name(evidence, |kind, name| {
            if let Some(number) = numbers.get(&(kind, name.clone())) {
                *name = Text::of(Arc::clone(&texts), *number);
            }
        });
        let mut ways = HashMap::new();
        for row in evidence.rows.iter_mut().chain(&mut evidence.anonymous) {
            let way = ways.entry(Arc::clone(&row.way));
            let way = way.or_insert_with_key(|way| Arc::new(self.way(way)));
            row.way = Arc::clone(way);
        }
        // The order must not tell what the names no longer do.
        let key = |row: &Row| {
            (
                row.way.service.clone(),
                row.way.protocol,
                row.account.clone(),
                row.client.clone(),
            )
        };
        evidence.rows.sort_by_cached_key(key);
        evidence.anonymous.sort_by_cached_key(key);
        evidence.refused.sort_by_cached_key(|one| {
            (
                one.service.clone(),
                one.protocol,
                one.account.clone(),
                one.client.clone(),
            )
        });
    }

    fn way(&self, way: &Way) -> Way {
        let mut way = way.clone();
        if let Some(address) = &mut way.server_address {
            *address = self.pseudonym("server", address).into();
        }
        way
    }

    /// Redacts the answer of preflight.
    pub fn preflight(&self, preflight: &mut Preflight) {
        // Reasons name clients only where many accounts are behind one.
        for cause in &mut preflight.causes {
            let before = cause.words();
            if let Some(client) = &mut cause.client {
                self.client(client);
            }
            self.name(&mut cause.client_name);
            for reason in &mut preflight.reasons {
                *reason = reason.replace(&before, &cause.words());
            }
        }
        for one in &mut preflight.accounts {
            self.account(&mut one.account);
            for client in &mut one.clients {
                self.client(&mut client.client);
                self.name(&mut client.client_name);
                if let Some(program) = &mut client.mail_program
                    && let Some(host) = program.strip_prefix(b"HELO ")
                {
                    *program = format!("HELO {}", self.pseudonym("name", host)).into();
                }
            }
            one.clients.sort_by(|a, b| {
                (a.impact, &a.client, &a.service).cmp(&(b.impact, &b.client, &b.service))
            });
        }
        preflight.accounts.sort_by(|a, b| {
            (a.impact, &a.account, a.protocol).cmp(&(b.impact, &b.account, b.protocol))
        });
        for minimum in &mut preflight.minima {
            for older in minimum.breaks.iter_mut().chain(&mut minimum.already) {
                self.account(&mut older.account);
                self.client(&mut older.client);
            }
            minimum.breaks.sort();
            minimum.already.sort();
        }
        for words in preflight.unused.iter_mut().chain(&mut preflight.expired) {
            *words = self.pseudonym("accepted", words.as_bytes());
        }
    }
}

/// The pseudonyms of some names.
#[derive(Default)]
struct Pseudonyms {
    texts: Texts,
    /// Their numbers among these.
    numbers: HashMap<(&'static str, Text), u32>,
}

impl Pseudonyms {
    fn note(&mut self, redaction: &Redaction, kind: &'static str, name: &Text) {
        let Self { texts, numbers } = self;
        numbers.entry((kind, name.clone())).or_insert_with(|| {
            // There are no more of them than names, which have numbers of the same size.
            let number = u32::try_from(texts.len()).unwrap_or(u32::MAX);
            texts.push(redaction.pseudonym(kind, name).as_bytes());
            number
        });
    }
}

/// What the server wrote for want of an address stays.
fn is_named(client: &Text) -> bool {
    !matches!(client.as_bytes(), b"" | b"unknown")
}

/// Visits the names of accounts and clients, each with its kind.
fn each_name(evidence: &mut Evidence, mut visit: impl FnMut(&'static str, &mut Text)) {
    let mut both = |account: &mut Option<Text>, client: &mut Text| {
        if let Some(account) = account {
            visit("account", account);
        }
        if is_named(client) {
            visit("client", client);
        }
    };
    for refusal in &mut evidence.refused {
        both(&mut refusal.account, &mut refusal.client);
    }
    for row in evidence.rows.iter_mut().chain(&mut evidence.anonymous) {
        both(&mut row.account, &mut row.client);
    }
    for row in evidence.rows.iter_mut().chain(&mut evidence.anonymous) {
        if let Some(name) = &mut row.client_name {
            visit("name", name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pseudonyms_are_stable_and_depend_on_the_secret() {
        let open = Redaction::new(None);
        let anna = open.pseudonym("account", b"anna@example.org");
        assert_eq!(anna, open.pseudonym("account", b"anna@example.org"));
        assert_ne!(anna, open.pseudonym("account", b"ben@example.org"));
        assert_ne!(anna, open.pseudonym("client", b"anna@example.org"));
        let secret = Redaction::new(Some(b"secret"));
        assert_ne!(anna, secret.pseudonym("account", b"anna@example.org"));
        assert_eq!(anna.len(), "account-".len() + 10);
    }
}
