//! A comment that excepts what stands below it: `# plainsight: ignore[RULE, …] REASON until=DATE` on a line of its own.

use bstr::ByteSlice;
use jiff::civil::Date;

use crate::finding::{Finding, Place};
use crate::postfix::{MainEntry, MasterEntry};
use crate::source::Span;
use crate::surface::server::Surface;
use crate::toml::day;

/// What begins such a comment, behind its `#`.
const MARK: &[u8] = b"plainsight:";

/// One such comment.
#[derive(Debug)]
pub(super) struct Comment {
    /// The comment.
    pub(super) span: Span,
    /// Its place, to show.
    pub(super) place: Place,
    /// What it says, or why that cannot be understood.
    pub(super) said: Result<Said, String>,
    /// The text it speaks of: the setting, service or line below it.
    covered: Option<Span>,
    /// The service that this text is, as endpoints name it.
    service: Option<String>,
}

/// What a comment says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) rules: Vec<String>,
    pub(super) reason: String,
    pub(super) until: Option<Date>,
}

impl Comment {
    /// Whether a finding stands in the text below it, or is about the service that this text is.
    pub(super) fn covers(&self, finding: &Finding) -> bool {
        let stands_in = self.covered.zip(finding.span).is_some_and(|(text, place)| {
            text.file == place.file && text.start <= place.start && place.start < text.end
        });
        let is_about = self.service.as_ref().is_some_and(|service| {
            let endpoint = finding.endpoint.as_ref();
            endpoint.is_some_and(|id| id.starts_with(&format!("postfix:{service}:")))
        });
        stands_in || is_about
    }
}

/// Every such comment in the files of a server, in reading order.
pub(super) fn find(surface: &Surface) -> Vec<Comment> {
    let mut comments = Vec::new();
    for file in surface.sources.ids() {
        let bytes = surface.sources.bytes(file);
        if !bytes.contains_str(MARK) {
            continue;
        }
        let first = comments.len();
        // From the last line to the first, so that what stands below each is known.
        let (mut end, mut below) = (bytes.len(), None);
        for line in bytes.split_inclusive(|&byte| byte == b'\n').rev() {
            let span = Span::new(file, end - line.len(), end);
            end = span.start;
            if let Some(text) = marked(line) {
                comments.push(comment(surface, span, text, below));
            } else if !matches!(line.trim_ascii().first(), None | Some(b'#')) {
                below = Some(span);
            }
        }
        comments[first..].reverse();
    }
    comments
}

/// What follows the mark of a comment line.
fn marked(line: &[u8]) -> Option<&[u8]> {
    let line = line.trim_ascii();
    if !line.starts_with(b"#") {
        return None;
    }
    line.trim_start_with(|c| c == '#')
        .trim_ascii_start()
        .strip_prefix(MARK)
}

/// The comment on `line`; `below` is the next line that is neither blank nor a comment.
fn comment(surface: &Surface, line: Span, text: &[u8], below: Option<Span>) -> Comment {
    let sources = &surface.sources;
    let indent = sources.text(line).len() - sources.text(line).trim_ascii_start().len();
    let length = sources.text(line).trim_ascii().len();
    let start = line.start + indent;
    let span = Span::new(line.file, start, start + length);
    let covered = below.map(|below| entry_at(surface, below));
    let (covered, service) = covered.map_or((None, None), |(span, service)| (Some(span), service));
    Comment {
        span,
        place: Place::of(sources, span),
        said: said(&text.to_str_lossy()),
        covered,
        service,
    }
}

/// The setting or service that begins with this line, with the service's name; else the line alone.
fn entry_at(surface: &Surface, line: Span) -> (Span, Option<String>) {
    if let Some(config) = &surface.postfix {
        let master = config.master.iter();
        let mut service = master.filter_map(|one| begins_at(&one.entries, line, MasterEntry::span));
        if let Some(entry) = service.next() {
            let service = match entry {
                MasterEntry::Service(service) => Some(service.label()),
                MasterEntry::Broken { .. } | MasterEntry::Ignored(_) => None,
            };
            return (entry.span(), service);
        }
        let main = config.main.iter();
        let mut setting = main.filter_map(|one| begins_at(&one.entries, line, MainEntry::span));
        if let Some(entry) = setting.next() {
            return (entry.span(), None);
        }
    }
    let files = surface.dovecot.iter().flat_map(|config| &config.files);
    let mut entries = files.filter_map(|file| begins_at(&file.entries, line, |one| one.span));
    (entries.next().map_or(line, |entry| entry.span), None)
}

/// The entry that begins where a line does, of entries that tile a file.
fn begins_at<E>(entries: &[E], line: Span, span: impl Fn(&E) -> Span) -> Option<&E> {
    let at = entries.partition_point(|entry| span(entry).start < line.start);
    let entry = entries.get(at)?;
    let found = span(entry);
    (found.file == line.file && found.start == line.start).then_some(entry)
}

/// Reads ` ignore[RULE, …] REASON until=DATE`.
fn said(text: &str) -> Result<Said, String> {
    const FORM: &str = "write \"# plainsight: ignore[RULE] REASON until=YEAR-MONTH-DAY\"";
    let text = text.trim();
    let Some(rest) = text.strip_prefix("ignore") else {
        return Err(format!(
            "\"{text}\" is nothing that plainsight knows; {FORM}"
        ));
    };
    let inside = rest.trim_start().strip_prefix('[');
    let Some((rules, rest)) = inside.and_then(|rest| rest.split_once(']')) else {
        return Err(format!("the rule in brackets is missing; {FORM}"));
    };
    let rules: Vec<String> = rules
        .split(',')
        .map(|rule| rule.trim().to_owned())
        .filter(|rule| !rule.is_empty())
        .collect();
    if rules.is_empty() {
        return Err(format!("the rule in brackets is missing; {FORM}"));
    }
    let mut until = None;
    let mut reason: Vec<&str> = Vec::new();
    for word in rest.split_whitespace() {
        match word.strip_prefix("until=") {
            Some(date) => {
                let date = day(date).ok_or_else(|| format!("\"{word}\" is no day; {FORM}"))?;
                until = Some(date);
            }
            None => reason.push(word),
        }
    }
    if reason.is_empty() {
        return Err(format!("the reason is missing; {FORM}"));
    }
    // Somebody believes that this ends: "until 2027-05-01", "until: 2027-05-01".
    let mut pairs = reason.windows(2);
    if let Some([word, date]) = pairs.find(|pair| {
        pair[0].trim_end_matches([':', '=']) == "until"
            && pair[1].starts_with(|c: char| c.is_ascii_digit())
    }) {
        return Err(format!("\"{word} {date}\" is no last day; {FORM}"));
    }
    Ok(Said {
        rules,
        reason: reason.join(" "),
        until,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_names_rules_a_reason_and_a_day() {
        assert_eq!(
            said(" ignore[locked-out, undecided] moves in May until=2027-05-01"),
            Ok(Said {
                rules: vec!["locked-out".to_owned(), "undecided".to_owned()],
                reason: "moves in May".to_owned(),
                until: day("2027-05-01"),
            })
        );
        for (text, why) in [
            ("ignore[locked-out]", "the reason is missing"),
            (
                "ignore locked-out because",
                "the rule in brackets is missing",
            ),
            ("ignore[ , ] because", "the rule in brackets is missing"),
            (
                "ignore[locked-out] soon until=May",
                "\"until=May\" is no day",
            ),
            (
                "ignore[locked-out] soon until 2027-05-01",
                "\"until 2027-05-01\" is no last day",
            ),
            (
                "ignore[locked-out] soon until: 2027-05-01",
                "\"until: 2027-05-01\" is no last day",
            ),
            ("disable", "\"disable\" is nothing"),
        ] {
            let error = said(text).expect_err("it is wrong");
            assert!(error.starts_with(why), "{text}: {error}");
        }
    }

    #[test]
    fn only_comments_are_looked_at() {
        assert_eq!(marked(b"  ## plainsight: x \r\n"), Some(&b" x"[..]));
        assert_eq!(marked(b"a = # plainsight: x\n"), None);
        assert_eq!(marked(b"# see plainsight: x\n"), None);
    }
}
