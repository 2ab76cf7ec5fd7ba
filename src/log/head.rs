//! A head: the first bytes of an input, which tell whether it is a log, of which form, and what its years can be told from.

use std::io::{self, Read};

use memchr::{memchr, memchr_iter, memmem};

use super::calendar::{self, Calendar, Year};
use super::json;
use super::prefix;
use super::rfc5424;
use super::stamp::{self, DAY, Stamp};
use super::unpack::Packing;

/// How much is looked into.
pub(crate) const LENGTH: usize = 64 << 10;

/// How many lines are asked for their form.
const FIRST_LINES: usize = 5;

/// How the lines of a log are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A line is stamp, host, program and message in one of many forms.
    Syslog,
    /// `<22>1 2025-… HOST APP PID MSGID SD MSG`.
    Rfc5424,
    /// One JSON object a line: `journalctl -o json`, docker, log services.
    Json,
    /// `journalctl -o export`.
    Export,
}

/// What the first lines tell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) form: Form,
    /// The stamp of the first line that has one.
    pub(crate) first: Option<Stamp>,
    /// The time of the first line, where Dovecot's session ids prove its year.
    pub(crate) proven: Option<i64>,
}

impl Head {
    /// Looks into the beginning of a text.
    ///
    /// # Errors
    /// Where it is no log.
    pub(crate) fn of(text: &[u8]) -> io::Result<Self> {
        let text = prefix::bare(text);
        check_is_text(text)?;
        let (first, proven) = dates(text);
        Ok(Self {
            form: form(text),
            first,
            proven,
        })
    }
}

/// Reads the first bytes. What was truncated while its writer went on begins with zero bytes; these are passed over.
///
/// # Errors
/// What the source says; `head` holds what came before. That it begins with more than `most` zero bytes.
pub(crate) fn read(mut source: impl Read, most: u64, head: &mut Vec<u8>) -> io::Result<()> {
    let mut zeros = 0;
    loop {
        let room = (LENGTH - head.len()) as u64;
        source.by_ref().take(room).read_to_end(head)?;
        let text = head.iter().position(|byte| *byte != 0);
        let text = text.unwrap_or(head.len());
        if text == 0 {
            return Ok(());
        }
        head.drain(..text);
        zeros += text as u64;
        if zeros > most {
            return Err(not_a_log("is not a text file"));
        }
    }
}

/// The beginning of the text. What cannot be unpacked is reported when it is read; here as much as there is does.
pub(crate) fn unpacked(packing: Packing, packed: impl Read) -> Vec<u8> {
    let mut head = Vec::new();
    let _partial = read(packing.unpack(packed), u64::MAX, &mut head);
    head
}

/// Looks into the beginning of what may have no end.
///
/// # Errors
/// Where it is noise, such as /dev/urandom gives.
pub(crate) fn check_is_no_noise(text: &[u8]) -> io::Result<()> {
    let strange = text
        .iter()
        .filter(|byte| byte.is_ascii_control() && !b"\t\n\r\x1b\0".contains(byte));
    if strange.count() > text.len() / 20 {
        return Err(not_a_log("is not a text file"));
    }
    Ok(())
}

fn not_a_log(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

fn check_is_text(text: &[u8]) -> io::Result<()> {
    let sample = &text[..text.len().min(4096)];
    if sample.starts_with(b"LPKSHHRH") {
        return Err(not_a_log(
            "is a journal file, not text; give the output of journalctl --file FILE -o json",
        ));
    }
    let line = &sample[..memchr(b'\n', sample).unwrap_or(sample.len())];
    if line.trim_ascii() == b"{" {
        return Err(not_a_log(
            "is JSON with entries of many lines; give that of journalctl -o json, or of jq -c .",
        ));
    }
    // `Sun 2026-03-01 07:00:00.000000 UTC [s=…;i=1;b=…;m=…;t=…;x=…]`
    if line.ends_with(b"]") && memmem::find(line, b" [s=").is_some() {
        return Err(not_a_log(
            "is the output of journalctl -o verbose; give that of journalctl -o json",
        ));
    }
    if sample.starts_with(b"\xff\xfe") || sample.starts_with(b"\xfe\xff") {
        return Err(not_a_log(
            "is UTF-16; give the output of iconv -f UTF-16 -t UTF-8",
        ));
    }
    // After a power loss a log may hold a run of zero bytes, but it also holds text.
    if memchr_iter(0, sample).count() > sample.len() / 4
        && memchr(b'\n', sample).is_none_or(|_| memmem::find(sample, b": ").is_none())
    {
        return Err(not_a_log("is not a text file"));
    }
    Ok(())
}

/// By the first lines: the very first may be cut, or a remark of journalctl. In the form of JSON other lines are read as well.
fn form(text: &[u8]) -> Form {
    if text.starts_with(b"__CURSOR=") || memmem::find(text, b"\n__CURSOR=").is_some() {
        return Form::Export;
    }
    let lines = text.split(|byte| *byte == b'\n').map(prefix::bare);
    let lines = lines.filter(|line| !line.trim_ascii().is_empty());
    let lines: Vec<&[u8]> = lines.take(FIRST_LINES).collect();
    let is_json = |line: &&[u8]| line.trim_ascii_start().starts_with(b"{");
    let is_rfc5424 = |line: &&[u8]| rfc5424::is_of(line);
    if lines.iter().any(is_json) {
        return Form::Json;
    }
    match &lines[..] {
        [first, ..] if is_rfc5424(first) => Form::Rfc5424,
        [_, others @ ..] if !others.is_empty() && others.iter().all(is_rfc5424) => Form::Rfc5424,
        _ => Form::Syslog,
    }
}

/// The stamp of a line in any form.
fn stamp_in(line: &[u8]) -> Option<Stamp> {
    let line = prefix::bare(line);
    if line.first() == Some(&b'{') {
        json::stamp_in(line)
    } else if let Some(micros) = line.strip_prefix(b"__REALTIME_TIMESTAMP=") {
        stamp::cut(&json::stamp_of_micros(micros)).map(|(stamp, _)| stamp)
    } else {
        prefix::any_stamp(line)
    }
}

/// The stamp of the last line that has one, as far as the end of the text tells.
///
/// # Errors
/// What the source says.
pub(crate) fn last_stamp(mut text: impl Read) -> io::Result<Option<Stamp>> {
    let mut tail = Vec::new();
    loop {
        let read = text.by_ref().take(LENGTH as u64).read_to_end(&mut tail)?;
        tail.drain(..tail.len().saturating_sub(LENGTH));
        if read == 0 {
            return Ok(tail.rsplit(|byte| *byte == b'\n').find_map(stamp_in));
        }
    }
}

/// The first stamp, and the time that a session id proves for a stamp without a year.
fn dates(text: &[u8]) -> (Option<Stamp>, Option<i64>) {
    let mut first = None;
    for line in text.split(|byte| *byte == b'\n') {
        let stamp = stamp_in(line);
        first = first.or(stamp);
        if let Some(stamp) = stamp
            && stamp.year.is_none()
            && memmem::find(line, b"-login: ").is_some()
            && let Some(at) = memmem::rfind(line, b", session=<")
            && let Some(moment) = calendar::of_session_id(&line[at + 11..], &stamp)
        {
            // The beginning of the file is at most a few weeks before, in the same year or the one before:
            // counted from the first stamp, a year is told as well.
            let proven = Calendar {
                year: Year::UpTo(moment + DAY),
                zone: None,
            };
            let start = first.and_then(|first| proven.time(&first));
            return (first, start.map(|time| time.clock));
        }
    }
    (first, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_line_that_is_cut_hides_no_form() {
        let rfc5424 = "<22>1 2026-11-04T08:00:01Z mail dovecot 7 - - imap-login: x\n";
        let json = "{\"MESSAGE\":\"x\"}\n";
        let bsd = "Nov  4 08:00:01 mail dovecot: imap-login: x\n";
        for (text, expected) in [
            (rfc5424.repeat(2), Form::Rfc5424),
            (rfc5424[6..].to_owned() + rfc5424, Form::Rfc5424),
            (rfc5424[30..].to_owned() + rfc5424, Form::Rfc5424),
            ("\n".to_owned() + rfc5424, Form::Rfc5424),
            (
                "-- Logs begin at Mon 2026-11-02 --\n".to_owned() + json,
                Form::Json,
            ),
            (json[5..].to_owned() + json, Form::Json),
            (bsd.to_owned() + json + bsd, Form::Json),
            (bsd.to_owned() + rfc5424 + bsd, Form::Syslog),
            (
                "<22>".to_owned() + bsd + rfc5424 + "<22>" + bsd,
                Form::Syslog,
            ),
            (bsd[9..].to_owned() + bsd, Form::Syslog),
            (String::new(), Form::Syslog),
        ] {
            assert_eq!(form(text.as_bytes()), expected, "{text}");
        }
    }
}
