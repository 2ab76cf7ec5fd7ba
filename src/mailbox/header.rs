//! A header block: who sent a message through this server, from where, and with what program.

use bstr::ByteSlice;
use memchr::{memchr, memmem};

use crate::evidence::Programs;

/// The fields that matter, unfolded.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    from: Vec<u8>,
    program: Vec<u8>,
    /// The hop at which the sender logged in.
    submission: Option<Submission>,
}

/// The `Received:` field of a hop with a login: `with ESMTPA` or `ESMTPSA` (RFC 3848).
#[derive(Debug, Default, PartialEq, Eq)]
struct Submission {
    /// `(Authenticated sender: anna)`, where smtpd_sasl_authenticated_header = yes.
    account: Option<Vec<u8>>,
    /// The client's address.
    client: Vec<u8>,
}

impl Header {
    /// Reads the lines of a block.
    pub(super) fn of(block: &[u8]) -> Self {
        let mut header = Self::default();
        let mut field: Vec<u8> = Vec::new();
        for line in block.lines() {
            if line
                .first()
                .is_some_and(|byte| matches!(byte, b' ' | b'\t'))
            {
                field.push(b' ');
                field.extend_from_slice(line.trim_ascii());
            } else {
                header.take(&field);
                field.clear();
                field.extend_from_slice(line);
            }
        }
        header.take(&field);
        header
    }

    /// Notes the program for the account: by the name it logged in with, else by its address, whole and without the domain.
    pub(super) fn note(&self, programs: &mut Programs) {
        if self.program.is_empty() {
            return;
        }
        let address = address(&self.from);
        let local = &address[..memchr(b'@', address).unwrap_or(address.len())];
        let login = self.submission.as_ref();
        let client: &[u8] = login.map_or(b"", |login| &login.client);
        let accounts = match login.and_then(|login| login.account.as_deref()) {
            Some(account) => vec![account],
            None if local == address => vec![address],
            None => vec![address, local],
        };
        for account in accounts.into_iter().filter(|account| !account.is_empty()) {
            programs.note(account, b"", &self.program);
            if !client.is_empty() {
                programs.note(account, client, &self.program);
            }
        }
    }

    fn take(&mut self, field: &[u8]) {
        let Some(colon) = memchr(b':', field) else {
            return;
        };
        let value = field[colon + 1..].trim_ascii();
        match field[..colon]
            .trim_ascii_end()
            .to_ascii_lowercase()
            .as_slice()
        {
            b"from" if self.from.is_empty() => self.from = value.to_vec(),
            b"user-agent" => self.program = value.to_vec(),
            b"x-mailer" if self.program.is_empty() => self.program = value.to_vec(),
            // Later hops stand above earlier ones, so the last is the one nearest to the sender.
            b"received" => self.submission = submission(value).or(self.submission.take()),
            _ => {}
        }
    }
}

/// `from laptop (pc.example.org [192.0.2.1]) (Authenticated sender: anna) by mail.example.org (Postfix) with ESMTPSA id …`
/// (smtpd/smtpd.c `common_pre_message_handling`).
fn submission(value: &[u8]) -> Option<Submission> {
    let with = [
        &b" with ESMTPA "[..],
        b" with ESMTPSA ",
        b" with UTF8SMTPA ",
        b" with UTF8SMTPSA ",
    ];
    with.iter()
        .find(|words| memmem::find(value, words).is_some())?;
    const WORDS: &[u8] = b"(Authenticated sender: ";
    let account = memmem::find(value, WORDS).and_then(|at| {
        let rest = &value[at + WORDS.len()..];
        Some(rest[..memchr(b')', rest)?].to_vec())
    });
    let client = memchr(b'[', value).and_then(|open| {
        let rest = &value[open + 1..];
        let address = &rest[..memchr(b']', rest)?];
        Some(address.strip_prefix(b"IPv6:").unwrap_or(address).to_vec())
    });
    Some(Submission {
        account,
        client: client.unwrap_or_default(),
    })
}

/// The address in `Anna <anna@example.org>`, `anna@example.org (Anna)` or `anna@example.org`.
fn address(from: &[u8]) -> &[u8] {
    if let Some(open) = memchr::memrchr(b'<', from)
        && let Some(length) = memchr(b'>', &from[open..])
    {
        return &from[open + 1..open + length];
    }
    let end = from.find_byteset(" (,").unwrap_or(from.len());
    &from[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hop_with_the_login_names_the_account() {
        let block = b"Received: from list.example.net (list.example.net [198.51.100.1])\r\n\tby mail.example.org (Postfix) with ESMTPS id 1\r\n\
Received: from laptop (pc.example.org [192.0.2.1])\n\t(using TLSv1.3)\n (Authenticated sender: anna)\n\tby mail.example.org (Postfix) with ESMTPSA id 4Xy12\n\
From: \"Anna, A.\" <anna.a@example.org>\nuser-agent : Mutt/2.2\nSubject: x\n";
        let mut programs = Programs::default();
        Header::of(block).note(&mut programs);
        let of = |account: &str, client: &str| {
            programs
                .of(account.into(), client.into())
                .map(|program| program.to_string())
        };
        assert_eq!(of("anna", "192.0.2.1").as_deref(), Some("Mutt/2.2"));
        assert_eq!(of("anna", "203.0.113.9").as_deref(), Some("Mutt/2.2"));
        assert_eq!(of("anna.a@example.org", ""), None);
    }

    #[test]
    fn odd_blocks_do_no_harm() {
        for block in [
            "",
            ":",
            "From",
            "From:",
            " x",
            "From: <",
            "Received: with ESMTPA (Authenticated sender: [",
            "X-Mailer:\nFrom: ,",
        ] {
            let mut programs = Programs::default();
            Header::of(block.as_bytes()).note(&mut programs);
            assert!(programs.is_empty(), "{block}");
        }
        assert_eq!(address(b"anna@example.org (Anna)"), b"anna@example.org");
        assert_eq!(address(b"anna@example.org"), b"anna@example.org");
    }
}
