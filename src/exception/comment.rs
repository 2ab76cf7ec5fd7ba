//! A comment that excepts what stands below it: `# plainsight: ignore[RULE, …] REASON until=DATE` on a line of its own.

use bstr::ByteSlice;
use jiff::civil::Date;

use crate::finding::{Finding, Place};
use crate::postfix::MasterEntry;
use crate::source::{FileId, Span};
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
        let mut at = 0;
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            if let Some(text) = marked(line) {
                comments.push(comment(surface, Span::new(file, at, at + line.len()), text));
            }
            at += line.len();
        }
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

fn comment(surface: &Surface, line: Span, text: &[u8]) -> Comment {
    let sources = &surface.sources;
    let indent = sources.text(line).len() - sources.text(line).trim_ascii_start().len();
    let length = sources.text(line).trim_ascii().len();
    let start = line.start + indent;
    let span = Span::new(line.file, start, start + length);
    let covered = line_below(surface, line.file, line.end).map(|below| entry_at(surface, below));
    let (covered, service) = covered.map_or((None, None), |(span, service)| (Some(span), service));
    Comment {
        span,
        place: Place::of(sources, span),
        said: said(&text.to_str_lossy()),
        covered,
        service,
    }
}

/// The next line that is neither blank nor a comment.
fn line_below(surface: &Surface, file: FileId, from: usize) -> Option<Span> {
    let mut at = from;
    let bytes = surface.sources.bytes(file);
    for line in bytes[from..].split_inclusive(|&byte| byte == b'\n') {
        let text = line.trim_ascii();
        if !text.is_empty() && !text.starts_with(b"#") {
            return Some(Span::new(file, at, at + line.len()));
        }
        at += line.len();
    }
    None
}

/// The setting or service that begins with this line, with the service's name; else the line alone.
fn entry_at(surface: &Surface, line: Span) -> (Span, Option<String>) {
    let begins = |span: Span| span.file == line.file && span.start == line.start;
    if let Some(config) = &surface.postfix {
        for entry in config.master.iter().flat_map(|master| &master.entries) {
            if begins(entry.span()) {
                let service = match entry {
                    MasterEntry::Service(service) => Some(service.label()),
                    MasterEntry::Broken { .. } | MasterEntry::Ignored(_) => None,
                };
                return (entry.span(), service);
            }
        }
        for entry in config.main.iter().flat_map(|main| &main.entries) {
            if begins(entry.span()) {
                return (entry.span(), None);
            }
        }
    }
    let files = surface.dovecot.iter().flat_map(|config| &config.files);
    let mut entries = files.flat_map(|file| &file.entries);
    let entry = entries.find(|entry| begins(entry.span));
    (entry.map_or(line, |entry| entry.span), None)
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
