//! The mail programs in a log: what clients called themselves, joined with who logged in.
//!
//! A reading of its own, beside the scan: only those ask for it who want to find a client, few logs hold such lines, and what
//! joins them, the session of Dovecot and the queue id of Postfix, is of no use to anyone else.
//! Only the latest sessions and messages are remembered, so its memory does not grow with the log.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bstr::{BString, ByteSlice};
use hashbrown::HashMap;
use memchr::{memchr, memmem, memrchr};

use super::crew::Watch;
use super::elements::elements;
use super::head::Form;
use super::input::{Input, Named};
use super::json::Fields;
use super::login::{self, Said};
use super::prefix::{self, Line};
use super::read::{self, Chunks};
use super::smtpd;
use super::writer::Writer;
use super::{ScanError, rotation};
use crate::evidence::Programs;

/// How many sessions, and how many messages, are remembered.
const REMEMBERED: usize = 1 << 16;

/// What the lines that matter hold: the program, and what it is joined by.
const NEEDLES: [&[u8]; 4] = [b"ID sent: ", b": header ", b"sasl_username=", b"session=<"];

/// Reads the files among `inputs` for mail programs. A stream can be read once, and the scan has read it: it is passed over.
///
/// # Errors
/// One for each file that cannot be read.
pub fn programs(inputs: &[Named], watch: Option<&Arc<Watch>>) -> Result<Programs, Vec<ScanError>> {
    let watch = watch.map_or_else(Arc::default, Arc::clone);
    let mut sightings = Sightings::default();
    let mut errors = Vec::new();
    for named in rotation::files(inputs)? {
        let is_file = match &named {
            Named::Path(path) => path.is_file(),
            Named::Stdin | Named::Journal => false,
        };
        if is_file && let Err(why) = read(&named, &watch, &mut sightings) {
            errors.push(ScanError::input(&named, why));
        }
        if watch.stop.load(Ordering::Relaxed) {
            break;
        }
    }
    if errors.is_empty() {
        Ok(sightings.programs)
    } else {
        Err(errors)
    }
}

fn read(named: &Named, watch: &Arc<Watch>, sightings: &mut Sightings) -> io::Result<()> {
    let input = Input::open(named, None, watch)?;
    // The export form puts the fields of an entry on lines of their own.
    if input.head.form == Form::Export {
        return Ok(());
    }
    let finders = NEEDLES.map(memmem::Finder::new);
    let mut chunks = Chunks::new(input.text(0, watch)?, vec![0; read::CHUNK], false);
    // A file that cannot be unpacked to its end was reported by the scan.
    while let Ok(Some(chunk)) = chunks.next() {
        each_line(&chunk.bytes[..chunk.own], &finders, |line| {
            sightings.look(input.head.form, line);
        });
        if watch.stop.load(Ordering::Relaxed) {
            break;
        }
    }
    Ok(())
}

/// Calls `look` with each line that holds a needle.
fn each_line(lines: &[u8], finders: &[memmem::Finder<'_>; 4], mut look: impl FnMut(&[u8])) {
    let next = |finder: &memmem::Finder<'_>, from: usize| {
        let rest = lines.get(from..).unwrap_or_default();
        finder.find(rest).map_or(usize::MAX, |at| from + at)
    };
    let mut hits = [0; 4];
    for (hit, finder) in hits.iter_mut().zip(finders) {
        *hit = next(finder, 0);
    }
    while let Some(&hit) = hits.iter().min().filter(|hit| **hit < lines.len()) {
        let start = memrchr(b'\n', &lines[..hit]).map_or(0, |newline| newline + 1);
        let end = memchr(b'\n', &lines[hit..]).map_or(lines.len(), |newline| hit + newline);
        look(prefix::bare(&lines[start..end]));
        for (hit, finder) in hits.iter_mut().zip(finders) {
            if *hit < end {
                *hit = next(finder, end);
            }
        }
    }
}

/// What was seen so far.
#[derive(Default)]
struct Sightings {
    programs: Programs,
    /// By the session of Dovecot.
    sessions: Recent<Session>,
    /// By the queue id of Postfix: the account and the client's address.
    messages: Recent<(BString, BString)>,
}

/// What is known of a session: who, from where; and what the client called itself before it logged in.
#[derive(Default)]
struct Session {
    login: Option<(BString, BString)>,
    program: Option<BString>,
}

impl Sightings {
    fn look(&mut self, form: Form, line: &[u8]) {
        if form == Form::Json && line.first() == Some(&b'{') {
            if let Some(fields) = Fields::of_json(line) {
                match fields.line() {
                    Some(line) => self.server(&line),
                    None => self.other(&fields.program, &fields.message),
                }
            }
            return;
        }
        // The needle that finds the program's name, as `prefix::cut` wants it.
        let at = [&b"/smtpd["[..], b"/smtpd ", b"-login: "]
            .iter()
            .find_map(|needle| memmem::find(line, needle));
        if let Some(line) = at.and_then(|at| prefix::cut(line, at)) {
            self.server(&line);
        } else if let Some((program, message)) = cut(line) {
            self.other(program, message);
        }
    }

    /// A line of a login server.
    fn server(&mut self, line: &Line<'_>) {
        match line.writer {
            Writer::Smtpd => self.message(line.message),
            Writer::Login(_) => self.login(line.message),
        }
    }

    /// `4Xy12: client=host[192.0.2.1], sasl_method=PLAIN, sasl_username=anna`
    fn message(&mut self, message: &[u8]) {
        if let Some(smtpd::Said::Login(login)) = smtpd::understand(message)
            && let Some(colon) = memchr(b':', message)
        {
            let whose = (login.account.into(), login.peer.address.into());
            *self.messages.of(&message[..colon]) = whose;
        }
    }

    /// `ID sent: name=…: user=<>, rip=…, session=<…>` before the login, and the login itself.
    fn login(&mut self, message: &[u8]) {
        if let Some(said) = message.strip_prefix(b"ID sent: ") {
            let Some(end) = memmem::rfind(said, b": user=<") else {
                return;
            };
            let list = elements(&said[end + 2..]);
            if let Some(session) = list.map(|list| list.session).filter(|id| !id.is_empty()) {
                self.sessions.of(session).program = name_in_id(&said[..end]);
            }
            return;
        }
        let Some(Said::Login(list)) = login::understand(message) else {
            return;
        };
        let (Some(user), false) = (list.user, list.session.is_empty()) else {
            return;
        };
        let session = self.sessions.of(list.session);
        if let Some(program) = session.program.take() {
            self.programs.note(user, list.client, &program);
        }
        session.login = Some((user.into(), list.client.into()));
    }

    /// A line of another program: cleanup of Postfix, or an imap process.
    fn other(&mut self, program: &[u8], message: &[u8]) {
        if program.ends_with(b"/cleanup") {
            self.header(message);
            return;
        }
        // `imap(anna)<4711><SESSION>: ID sent: name=…`, after the word Dovecot's tag stands for.
        let Some(at) = memmem::find(message, b": ID sent: ") else {
            return;
        };
        let (process, said) = (&message[..at], &message[at + 11..]);
        let process = process.strip_suffix(b": Info").unwrap_or(process);
        let session = process
            .strip_suffix(b">")
            .and_then(|inner| Some(&inner[memrchr(b'<', inner)? + 1..]));
        if let (true, Some(session)) = (process.starts_with(b"imap("), session)
            && let Some((account, client)) = &self.sessions.of(session).login
            && let Some(name) = name_in_id(said)
        {
            self.programs.note(account, client, &name);
        }
    }

    /// `4Xy12: info: header User-Agent: mutt from host[192.0.2.1]; from=<…> to=<…> proto=ESMTP helo=<laptop>`
    /// (cleanup/cleanup_message.c `cleanup_act_log`; INFO and WARN of header_checks(5)).
    fn header(&mut self, message: &[u8]) {
        let Some(colon) = memchr(b':', message) else {
            return;
        };
        let rest = &message[colon..];
        let said = [&b": info: header "[..], b": warning: header "]
            .iter()
            .find_map(|start| rest.strip_prefix(*start));
        let Some(said) = said else {
            return;
        };
        let end = memmem::rfind(said, b"; from=<").unwrap_or(said.len());
        let text = &said[..memmem::rfind(&said[..end], b" from ").unwrap_or(end)];
        let Some((account, client)) = self.messages.get(&message[..colon]) else {
            return;
        };
        let program = value_of(text, b"User-Agent:").or_else(|| value_of(text, b"X-Mailer:"));
        if let Some(program) = program {
            self.programs.note(account, client, program);
        } else if let Some(start) = memmem::rfind(said, b" helo=<")
            && let Some(length) = memchr(b'>', &said[start..])
        {
            let name = &said[start + 7..start + length.max(7)];
            self.programs.note_helo(account, client, name);
        }
    }
}

/// The value of a header field, in whatever case its name is.
fn value_of<'a>(text: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let start = text.get(..name.len())?;
    start
        .eq_ignore_ascii_case(name)
        .then(|| text[name.len()..].trim_ascii())
}

/// `name=Thunderbird, version=115.2, os=NIL` as `Thunderbird 115.2`. Values are not quoted (imap/imap-id.c `imap_id_args_get_log_reply`).
fn name_in_id(said: &[u8]) -> Option<BString> {
    let value = |key: &[u8]| {
        let start = if said.starts_with(key) {
            key.len()
        } else {
            let separated = [b", ", key].concat();
            memmem::find(said, &separated)? + separated.len()
        };
        let rest = &said[start..];
        let end = memmem::find(rest, b", ").unwrap_or(rest.len());
        Some(&rest[..end]).filter(|value| !value.is_empty() && *value != b"NIL")
    };
    let mut name = BString::from(value(b"name=")?);
    if let Some(version) = value(b"version=") {
        name.push(b' ');
        name.extend_from_slice(version);
    }
    Some(name)
}

/// The program and the message of a line that no login server wrote: `… host postfix/cleanup[4711]: …`, `… dovecot: imap(anna)<…`.
fn cut(line: &[u8]) -> Option<(&[u8], &[u8])> {
    if let Some(at) = memmem::find(line, b"/cleanup[") {
        let start = memrchr(b' ', &line[..at]).map_or(0, |blank| blank + 1);
        let end = at + memmem::find(&line[at..], b"]: ")?;
        return Some((&line[start..at + 8], &line[end + 3..]));
    }
    // A name may hold the words, so the first counts: what stands before is the server's.
    let start = memmem::find(line, b" imap(")? + 1;
    Some((b"imap", &line[start..]))
}

/// The latest entries of a map, the older ones forgotten.
struct Recent<T> {
    entries: HashMap<BString, T>,
    order: VecDeque<BString>,
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self {
            entries: HashMap::new(),
            order: VecDeque::new(),
        }
    }
}

impl<T: Default> Recent<T> {
    /// The entry of this name, made if need be.
    fn of(&mut self, name: &[u8]) -> &mut T {
        if !self.entries.contains_key(name.as_bstr()) {
            if self.order.len() >= REMEMBERED
                && let Some(oldest) = self.order.pop_front()
            {
                self.entries.remove(&oldest);
            }
            self.order.push_back(name.into());
        }
        self.entries.entry(name.into()).or_default()
    }

    fn get(&self, name: &[u8]) -> Option<&T> {
        self.entries.get(name.as_bstr())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(lines: &str) -> Programs {
        let mut sightings = Sightings::default();
        let finders = NEEDLES.map(memmem::Finder::new);
        each_line(lines.as_bytes(), &finders, |line| {
            sightings.look(Form::Syslog, line);
        });
        sightings.programs
    }

    fn of(programs: &Programs, account: &str, client: &str) -> Option<String> {
        programs
            .of(account.into(), client.into())
            .map(|program| program.to_string())
    }

    /// In the shapes of Postfix 3.7.11 and Dovecot 2.3.19.1 (live; 3.10 writes the same, 2.4 logs an ID only when debugging).
    #[test]
    fn programs_are_joined_by_queue_id_and_session() {
        let programs = seen("\
Nov  1 07:00:07 mail postfix/smtpd[5]: 4Xy12: client=pc[192.0.2.1], sasl_method=PLAIN, sasl_username=anna
Nov  1 07:00:07 mail postfix/cleanup[6]: 4Xy12: info: header User-Agent: Mutt/2.2 from pc[192.0.2.1]; from=<a@example.org> to=<b@example.org> proto=ESMTP helo=<pc>
Nov  1 07:00:08 mail postfix/smtpd[5]: 4Xy13: client=lp[192.0.2.5], sasl_method=LOGIN, sasl_username=printer
Nov  1 07:00:08 mail postfix/cleanup[6]: 4Xy13: warning: header Subject: scan from lp[192.0.2.5]; from=<p@example.org> to=<b@example.org> proto=ESMTP helo=<laser2>
Nov  1 07:00:09 mail postfix/cleanup[6]: 9Zz99: info: header X-Mailer: other from x[192.0.2.9]; from=<> to=<> proto=ESMTP helo=<x>
Nov  1 07:01:00 mail dovecot: imap-login: ID sent: name=Thunderbird, version=115.2, os=NIL: user=<>, rip=192.0.2.7, lip=192.0.2.10, session=<abc>
Nov  1 07:01:01 mail dovecot: imap-login: Login: user=<ben>, method=PLAIN, rip=192.0.2.7, lip=192.0.2.10, mpid=9, session=<abc>
Nov  1 07:01:02 mail dovecot: imap-login: Login: user=<dora>, method=PLAIN, rip=192.0.2.8, lip=192.0.2.10, mpid=10, session=<def>
Nov  1 07:01:02 mail dovecot: imap(dora)<10><def>: ID sent: name=iPhone Mail, version=20H19
");
        assert_eq!(
            of(&programs, "anna", "192.0.2.1").as_deref(),
            Some("Mutt/2.2")
        );
        assert_eq!(
            of(&programs, "printer", "192.0.2.5").as_deref(),
            Some("HELO laser2")
        );
        assert_eq!(
            of(&programs, "ben", "192.0.2.7").as_deref(),
            Some("Thunderbird 115.2")
        );
        assert_eq!(
            of(&programs, "dora", "192.0.2.8").as_deref(),
            Some("iPhone Mail 20H19")
        );
        assert_eq!(of(&programs, "dora", "192.0.2.1"), None);
    }

    #[test]
    fn only_the_latest_are_remembered() {
        let mut recent: Recent<u8> = Recent::default();
        for number in 0..REMEMBERED + 10 {
            *recent.of(number.to_string().as_bytes()) = 1;
        }
        assert_eq!(recent.entries.len(), REMEMBERED);
        assert_eq!(recent.get(b"9"), None);
        assert_eq!(recent.get(b"10"), Some(&1));
    }

    #[test]
    fn odd_lines_do_no_harm() {
        for line in [
            "ID sent: ",
            ": header ",
            "session=<",
            "x/cleanup[",
            "postfix/cleanup[1]: : header x",
            "dovecot: imap(<>: ID sent: name=",
            "imap-login: ID sent: : user=<",
            "a/cleanup[1]: Q: info: header ",
            "mail imap(: ID sent: ",
        ] {
            let _ = seen(line);
        }
    }
}
