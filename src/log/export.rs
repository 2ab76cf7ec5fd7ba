//! The journal's export format: entries of `FIELD=value` lines, parted by an empty line.
//!
//! A value that is not text stands as `FIELD`, a length of 64 bits, and the bytes
//! (systemd, "Journal Export Formats").

use std::io::{self, BufRead, BufReader, Read};

use super::event::Batch;
use super::events::Events;
use super::json::{Fields, stamp_of_micros};

/// No field that matters is longer.
const LONGEST: usize = 64 << 10;

/// Takes every entry into the segment of `events`.
///
/// # Errors
/// What the source says; the entries before are taken.
pub(crate) fn scan(events: &mut Events<'_>, source: impl Read) -> io::Result<()> {
    let mut source = BufReader::with_capacity(256 << 10, source);
    let mut fields = Fields::default();
    let mut message_line = 0;
    let mut lines = 0;
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut source)
            .take(LONGEST as u64)
            .read_until(b'\n', &mut line)?;
        if read == 0 || line == b"\n" {
            take(events, &fields, message_line);
            fields = Fields::default();
            events.segment.read_lines(lines + u64::from(read > 0));
            lines = 0;
            if read == 0 {
                return Ok(());
            }
            continue;
        }
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        if let Some(equal) = memchr::memchr(b'=', text) {
            set(&mut fields, &text[..equal], &text[equal + 1..]);
            if text.starts_with(b"MESSAGE=") {
                message_line = lines;
            }
        } else {
            let mut length = [0; 8];
            source.read_exact(&mut length)?;
            let length = u64::from_le_bytes(length);
            let mut value = Vec::new();
            (&mut source)
                .take(length.min(LONGEST as u64))
                .read_to_end(&mut value)?;
            skip(&mut source, length.saturating_sub(value.len() as u64) + 1)?;
            if text == b"MESSAGE" {
                message_line = lines;
            }
            set(&mut fields, text, &value);
        }
        lines += 1;
    }
}

fn skip(source: &mut impl BufRead, bytes: u64) -> io::Result<()> {
    io::copy(&mut source.take(bytes), &mut io::sink()).map(drop)
}

fn set(fields: &mut Fields<'_>, name: &[u8], value: &[u8]) {
    match name {
        b"MESSAGE" => fields.message = value.to_vec().into(),
        b"SYSLOG_IDENTIFIER" => fields.program = value.to_vec().into(),
        b"_PID" => fields.pid = super::prefix::digits(value),
        b"SYSLOG_PID" => fields.pid = fields.pid.or_else(|| super::prefix::digits(value)),
        b"_HOSTNAME" => fields.host = value.to_vec().into(),
        b"__REALTIME_TIMESTAMP" => fields.stamp = stamp_of_micros(value),
        _ => {}
    }
}

fn take(events: &mut Events<'_>, fields: &Fields<'_>, line: u64) {
    events.cover_stamp(&fields.stamp);
    if let Some(cut) = fields.line() {
        let mut understood = Batch::default();
        events.understand(&cut, None, line, 1, &mut understood);
        events.take_all(&mut understood);
    }
}
