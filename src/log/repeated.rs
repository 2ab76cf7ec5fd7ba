//! A repeated line: syslog daemons write it once, and then how often it came again.
//!
//! Only the lines right behind it say so, and those of its own host: where the logs of several come together, others may stand there.

use memchr::{memchr, memmem};

use super::prefix;

/// Nothing farther behind a line counts as its repetition, so that how a log is cut does not matter.
pub(crate) const LONGEST_REPEATED: usize = 4096;

const WORDS: &[u8] = b" last message repeated ";

/// How often the lines behind one of this host say that it was repeated; syslogd says so anew after a while.
/// Where less than [`LONGEST_REPEATED`] is behind it, that is all there is of the log.
#[inline]
pub(crate) fn times(behind: &[u8], host: &[u8]) -> u32 {
    let mut rest = &behind[..behind.len().min(LONGEST_REPEATED)];
    let whole = rest.len() < LONGEST_REPEATED;
    let (mut times, mut before) = (0_u32, &[][..]);
    loop {
        let end = match memchr(b'\n', rest) {
            None if whole => rest.len(),
            end => end.unwrap_or(0),
        };
        let line = without_return(&rest[..end]);
        match said(line) {
            Some((by, more)) if of(by, host) => {
                // Two rules of a syslog daemon that write into one file write this line twice too.
                if line != before {
                    times = times.saturating_add(more);
                }
                before = line;
                rest = rest.get(end + 1..).unwrap_or_default();
            }
            Some(_) | None => return times,
        }
    }
}

/// Whether a line says that the one before it was repeated.
pub(crate) fn is_said(line: &[u8]) -> bool {
    said(without_return(line)).is_some()
}

pub(crate) fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// `… HOST last message repeated 2 times`: what stands before these words, and 2.
fn said(line: &[u8]) -> Option<(&[u8], u32)> {
    // The words end the line but for a number: a longer line is another one.
    let from = line.len().saturating_sub(WORDS.len() + 16);
    let rest = line[from..].strip_suffix(b" times")?;
    let at = memmem::find(rest, WORDS)?;
    let number = prefix::digits(&rest[at + WORDS.len()..])?;
    Some((&line[..from + at], number))
}

/// Whether what stands before the words ends in this host. Where lines name none, they are all of one.
fn of(before: &[u8], host: &[u8]) -> bool {
    host.is_empty()
        || before
            .strip_suffix(host)
            .is_some_and(|rest| matches!(rest.last(), None | Some(b' ')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_right_behind_count() {
        for (behind, expected) in [
            ("Mar  1 08:00:00 h last message repeated 2 times\n", 2),
            ("Mar  1 08:00:00 h last message repeated 2 times\r\n", 2),
            ("Mar  1 08:00:00 h last message repeated 2 times", 2),
            ("h last message repeated 2 times", 2),
            (
                "Mar  1 08:00:00 h last message repeated 2 times\nMar  1 08:01:00 h last message repeated 3 times\nx",
                5,
            ),
            (
                "Mar  1 08:00:00 h last message repeated 2 times\nMar  1 08:00:00 h last message repeated 2 times\n",
                2,
            ),
            ("Mar  1 08:00:00 i last message repeated 2 times\n", 0),
            ("Mar  1 08:00:00 oh last message repeated 2 times\n", 0),
            (
                "Mar  1 08:00:00 h x\nMar  1 08:00:00 h last message repeated 2 times\n",
                0,
            ),
            ("Mar  1 08:00:00 h last message repeated 2 tim", 0),
            ("\n", 0),
            ("", 0),
        ] {
            assert_eq!(times(behind.as_bytes(), b"h"), expected, "{behind}");
        }
        let unnamed = b"last message repeated 2 times";
        assert_eq!(times(unnamed, b""), 0);
        assert_eq!(times(b"08:00 last message repeated 2 times\n", b""), 2);
    }
}
