//! A mail program: what the client of an account calls itself, from logs and from messages. Anybody can claim to be anything,
//! so it helps to find a device and proves nothing.

use std::collections::BTreeMap;

use bstr::{BStr, BString, ByteSlice};

/// The most programs that are kept for one account and client.
const MOST: usize = 8;
/// The longest name that is kept, in bytes.
const LONGEST: usize = 80;

/// The mail programs that were seen, by account and client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Programs {
    named: Seen,
    /// Of senders that may be somebody else of the same name, which count where there is nothing better.
    guessed: Seen,
    /// The names of HELO, which count where there is nothing better still.
    greeted: Seen,
}

/// How often each name was seen, by account and client.
type Seen = BTreeMap<(BString, BString), BTreeMap<BString, u64>>;

impl Programs {
    /// Notes that an account used a program from a client; an empty client stands for wherever it was.
    pub fn note(&mut self, account: &[u8], client: &[u8], program: &[u8]) {
        note(&mut self.named, account, client, program);
    }

    /// Notes that somebody who may be an account used a program, wherever that was.
    pub fn guess(&mut self, account: &[u8], program: &[u8]) {
        note(&mut self.guessed, account, b"", program);
    }

    /// Notes the name that the client of an account gave with HELO or EHLO.
    pub fn note_helo(&mut self, account: &[u8], client: &[u8], name: &[u8]) {
        note(&mut self.greeted, account, client, name);
    }

    /// Takes in what was seen elsewhere.
    pub fn join(&mut self, other: Self) {
        for (seen, more) in [
            (&mut self.named, other.named),
            (&mut self.guessed, other.guessed),
            (&mut self.greeted, other.greeted),
        ] {
            for (whose, names) in more {
                let seen = seen.entry(whose).or_default();
                for (name, times) in names {
                    *seen.entry(name).or_default() += times;
                }
            }
        }
    }

    /// The program that an account uses from this client, the most frequent one where there are several; else the one it
    /// uses wherever it is; else what somebody of that name uses, as `perhaps mutt`; else the client's name of HELO, as
    /// `HELO laser2`.
    pub fn of(&self, account: &BStr, client: &BStr) -> Option<BString> {
        let most = |seen: &Seen, client: &[u8]| {
            let names = seen.get(&(account.to_ascii_lowercase().into(), client.into()))?;
            let most = names
                .iter()
                .max_by(|a, b| a.1.cmp(b.1).then(b.0.cmp(a.0)))?;
            Some(most.0.clone())
        };
        most(&self.named, client)
            .or_else(|| most(&self.named, b""))
            .or_else(|| Some(format!("perhaps {}", most(&self.guessed, b"")?).into()))
            .or_else(|| Some(format!("HELO {}", most(&self.greeted, client)?).into()))
    }

    /// Whether none was seen.
    pub fn is_empty(&self) -> bool {
        self.named.is_empty() && self.guessed.is_empty() && self.greeted.is_empty()
    }
}

fn note(seen: &mut Seen, account: &[u8], client: &[u8], name: &[u8]) {
    let mut name = name.trim_ascii();
    if name.len() > LONGEST {
        // Not within a character.
        let end = (LONGEST - 3..=LONGEST)
            .rev()
            .find(|&end| name[end] & 0xc0 != 0x80);
        name = name[..end.unwrap_or(LONGEST)].trim_ascii_end();
    }
    if name.is_empty() {
        return;
    }
    // Letter case is nothing that two people would be told apart by.
    let account = account.to_ascii_lowercase();
    let seen = seen.entry((account.into(), client.into())).or_default();
    if seen.len() < MOST || seen.contains_key(name.as_bstr()) {
        *seen.entry(name.into()).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_program_counts() {
        let mut programs = Programs::default();
        programs.note(b"anna", b"192.0.2.1", b"Thunderbird 115");
        programs.note(b"anna", b"192.0.2.1", b" Outlook 16 ");
        programs.note(b"anna", b"192.0.2.1", b"Outlook 16");
        programs.note(b"anna", b"", b"mutt");
        programs.note(b"ben", b"192.0.2.1", b"  ");
        let of = |account: &str, client: &str| {
            let program = programs.of(account.into(), client.into());
            program.map(|program| program.to_string())
        };
        assert_eq!(of("anna", "192.0.2.1").as_deref(), Some("Outlook 16"));
        assert_eq!(of("anna", "192.0.2.9").as_deref(), Some("mutt"));
        assert_eq!(of("ben", "192.0.2.1"), None);
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        let mut programs = Programs::default();
        programs.note(b"anna", b"", "ü".repeat(100).as_bytes());
        let cut = programs
            .of("anna".into(), "".into())
            .map(|program| program.len());
        assert_eq!(cut, Some(80));
        programs.note(b"ben", b"", &[b'x'; 5000]);
        programs.note(b"eve", b"", &[0xbf; 5000]);
        let cut = programs
            .of("ben".into(), "".into())
            .map(|program| program.len());
        assert_eq!(cut, Some(80));
    }
}
