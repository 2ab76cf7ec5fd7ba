//! A header block: who sent a message through this server, from where, and with what program.

use bstr::ByteSlice;
use memchr::{memchr, memmem};

use super::owner::Owner;
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
    /// The server, by the name it gives itself.
    host: Vec<u8>,
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

    /// Notes the program for the account: by the name it logged in with at this server, else by its address, whole and, where
    /// its domain is one of the server's, without the domain.
    pub(super) fn note(&self, owner: &Owner, programs: &mut Programs) {
        if self.program.is_empty() {
            return;
        }
        let program = &self.program;
        let login = self.submission.as_ref();
        // At another server anybody logs in by any name.
        let login = login.map(|login| (login, owner.is_host(&login.host)));
        let mut note = |account: &[u8]| {
            programs.note(account, b"", program);
            if let Some((login, Some(true))) = login
                && !login.client.is_empty()
            {
                programs.note(account, &login.client, program);
            }
        };
        match login {
            Some((login, Some(true))) if login.account.is_some() => {
                if let Some(account) = &login.account {
                    note(account);
                }
                return;
            }
            Some((login, None)) if login.account.is_some() => {
                if let Some(account) = &login.account {
                    programs.guess(account, program);
                }
                return;
            }
            Some(_) | None => {}
        }
        let address = address(&self.from);
        let at = memchr::memrchr(b'@', address);
        let (local, domain) = at.map_or((address, &b""[..]), |at| {
            (&address[..at], &address[at + 1..])
        });
        if local.is_empty() {
            return;
        }
        match owner.has_domain(domain) {
            // Mail that was written on the server itself has no domain.
            _ if at.is_none() => note(address),
            Some(true) => {
                note(address);
                note(local);
            }
            Some(false) => {}
            None => {
                note(address);
                programs.guess(local, program);
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
    let host = memmem::find(value, b" by ").map(|by| {
        let rest = &value[by + 4..];
        rest[..rest.find_byteset(b" ;").unwrap_or(rest.len())].to_vec()
    });
    Some(Submission {
        host: host.unwrap_or_default(),
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

    /// A server that calls itself mail.example.org and has accounts of example.org, and perhaps of other domains.
    fn owner(has_more_domains: bool) -> Owner {
        Owner {
            hosts: vec!["mail.example.org".into()],
            domains: vec!["example.org".into()],
            has_more_domains,
        }
    }

    fn seen(block: &str, owner: &Owner) -> impl Fn(&str, &str) -> Option<String> + use<> {
        let mut programs = Programs::default();
        Header::of(block.as_bytes()).note(owner, &mut programs);
        move |account, client| {
            let program = programs.of(account.into(), client.into());
            program.map(|program| program.to_string())
        }
    }

    const SENT: &str = "Received: from list.example.net (list.example.net [198.51.100.1])\r\n\tby mail.example.org (Postfix) with ESMTPS id 1\r\n\
Received: from laptop (pc.example.org [192.0.2.1])\n\t(using TLSv1.3)\n (Authenticated sender: anna)\n\tby mail.example.org (Postfix) with ESMTPSA id 4Xy12\n\
From: \"Anna, A.\" <anna.a@example.org>\nuser-agent : Mutt/2.2\nSubject: x\n";

    #[test]
    fn the_hop_with_the_login_names_the_account() {
        let of = seen(SENT, &owner(false));
        assert_eq!(of("anna", "192.0.2.1").as_deref(), Some("Mutt/2.2"));
        assert_eq!(of("Anna", "203.0.113.9").as_deref(), Some("Mutt/2.2"));
        assert_eq!(of("anna.a@example.org", ""), None);
        // Nobody knows whether mail.example.org is this server.
        let of = seen(SENT, &Owner::default());
        assert_eq!(of("anna", "192.0.2.1").as_deref(), Some("perhaps Mutt/2.2"));
    }

    #[test]
    fn a_stranger_lends_its_program_to_nobody() {
        let elsewhere = SENT.replace(
            "by mail.example.org (Postfix) with ESMTPSA",
            "by smtp.example.net (Postfix) with ESMTPSA",
        );
        let elsewhere = elsewhere.replace("anna.a@example.org", "anna@example.net");
        assert_eq!(seen(&elsewhere, &owner(false))("anna", ""), None);
        let of = seen(&elsewhere, &owner(true));
        assert_eq!(of("anna", "").as_deref(), Some("perhaps Mutt/2.2"));
        assert_eq!(
            of("anna@example.net", "192.0.2.1").as_deref(),
            Some("Mutt/2.2")
        );
    }

    #[test]
    fn what_lies_among_sent_mail_has_an_address_alone() {
        let sent = "From: anna@Example.ORG\nX-Mailer: Laser 2\n";
        for account in ["anna", "anna@example.org"] {
            let of = seen(sent, &owner(false));
            assert_eq!(of(account, "").as_deref(), Some("Laser 2"), "{account}");
        }
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
            Header::of(block.as_bytes()).note(&Owner::default(), &mut programs);
            assert!(programs.is_empty(), "{block}");
        }
        assert_eq!(address(b"anna@example.org (Anna)"), b"anna@example.org");
        assert_eq!(address(b"anna@example.org"), b"anna@example.org");
    }
}
