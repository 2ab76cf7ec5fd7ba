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
pub struct Programs(BTreeMap<(BString, BString), BTreeMap<BString, u64>>);

impl Programs {
    /// Notes that an account used a program from a client; an empty client stands for wherever it was.
    pub fn note(&mut self, account: &[u8], client: &[u8], program: &[u8]) {
        let mut program = program.trim_ascii();
        if program.len() > LONGEST {
            // Not within a character.
            let end = (LONGEST - 3..=LONGEST)
                .rev()
                .find(|&end| program[end] & 0xc0 != 0x80);
            program = program[..end.unwrap_or(LONGEST)].trim_ascii_end();
        }
        if program.is_empty() {
            return;
        }
        let seen = self.0.entry((account.into(), client.into())).or_default();
        if seen.len() < MOST || seen.contains_key(program.as_bstr()) {
            *seen.entry(program.into()).or_default() += 1;
        }
    }

    /// Takes in what was seen elsewhere.
    pub fn join(&mut self, other: Self) {
        for (whose, programs) in other.0 {
            let seen = self.0.entry(whose).or_default();
            for (program, times) in programs {
                *seen.entry(program).or_default() += times;
            }
        }
    }

    /// The program that an account uses from this client, the most frequent one where there are several; else the one it
    /// uses wherever it is.
    pub fn of(&self, account: &BStr, client: &BStr) -> Option<&BStr> {
        let at = |client: &[u8]| self.0.get(&(account.into(), client.into()));
        let programs = at(client).or_else(|| at(b""))?;
        let most = programs
            .iter()
            .max_by(|a, b| a.1.cmp(b.1).then(b.0.cmp(a.0)))?;
        Some(most.0.as_bstr())
    }

    /// Whether none was seen.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
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
            programs
                .of(account.into(), client.into())
                .map(ToString::to_string)
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
