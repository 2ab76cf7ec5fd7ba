//! main.cf: settings of the form `name = value`, the last of one name holding.
//!
//! `line` beside this file gives the logical lines, `view` what a value comes to for one service.

use bstr::{BString, ByteSlice};
use hashbrown::HashMap;
use memchr::memchr;

use super::line::{self, Line, Piece, is_space, trimmed_length};
use crate::source::{FileId, Problem, Span};
use crate::template;

/// A main.cf.
#[derive(Debug)]
pub struct MainCf {
    /// The file it was read from.
    pub file: FileId,
    /// Its parts in order; they tile the file.
    pub entries: Vec<Entry>,
    /// What is wrong with it, in order.
    pub problems: Vec<Problem>,
    /// The last definition of each name.
    winners: HashMap<BString, usize>,
}

/// A part of main.cf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A setting.
    Parameter(Parameter),
    /// A line without `=` or without a name, of which every program of Postfix dies.
    Broken {
        /// The whole logical line.
        span: Span,
        /// What the programs say.
        message: String,
    },
    /// Blank lines, comments, and indented text that continues nothing.
    Ignored(Span),
}

impl Entry {
    /// The bytes it covers.
    pub const fn span(&self) -> Span {
        match self {
            Self::Parameter(parameter) => parameter.span,
            Self::Broken { span, .. } | Self::Ignored(span) => *span,
        }
    }
}

/// A setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: BString,
    /// Where the name stands.
    pub name_span: Span,
    /// Its value as Postfix joins it from its lines, before `$` expansion.
    pub value: BString,
    /// From the first to the last byte of the value, across lines; between two bytes where the value is empty.
    pub value_span: Span,
    /// The whole logical line with its last newline, and with the comments inside it.
    pub span: Span,
}

/// A setting that is commented out: `#name = value` on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommentedOut {
    /// The name behind the `#`.
    pub name: BString,
    /// The value on that line.
    pub value: BString,
    /// The physical line without its newline.
    pub span: Span,
}

impl MainCf {
    /// Reads a main.cf; what cannot be understood becomes a [`Entry::Broken`] and a problem.
    pub fn parse(file: FileId, bytes: &[u8]) -> Self {
        let mut problems = Vec::new();
        if bytes.starts_with(b"\xef\xbb\xbf") {
            problems.push(Problem {
                span: Span::new(file, 0, 3),
                message: "a byte-order mark stands here, and Postfix takes it for part of the first name or comment".into(),
            });
        }
        let mut winners: HashMap<BString, usize> = HashMap::new();
        let mut entries: Vec<Entry> = Vec::new();
        for piece in line::read(file, bytes, &mut problems) {
            let entry = match piece {
                Piece::Ignored(span) => Entry::Ignored(span),
                Piece::Line(line) => match template::line(&line.text) {
                    Some(_) => Entry::Ignored(line.span),
                    None => setting(&line),
                },
            };
            match &entry {
                Entry::Parameter(parameter) => {
                    winners.insert(parameter.name.clone(), entries.len());
                }
                Entry::Broken { span, message } => problems.push(Problem {
                    span: *span,
                    message: format!("{message}, and every program of Postfix dies of it"),
                }),
                Entry::Ignored(_) => {}
            }
            entries.push(entry);
        }
        problems.sort();
        Self {
            file,
            entries,
            problems,
            winners,
        }
    }

    /// The definition of `name` that holds: the last one.
    pub fn winner(&self, name: impl AsRef<[u8]>) -> Option<&Parameter> {
        match self
            .entries
            .get(*self.winners.get(name.as_ref().as_bstr())?)?
        {
            Entry::Parameter(parameter) => Some(parameter),
            Entry::Broken { .. } | Entry::Ignored(_) => None,
        }
    }

    /// All settings, in order, also those that a later one of the same name defeats.
    pub fn parameters(&self) -> impl Iterator<Item = &Parameter> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Parameter(parameter) => Some(parameter),
            Entry::Broken { .. } | Entry::Ignored(_) => None,
        })
    }

    /// The names that are set, in no order.
    pub(super) fn names(&self) -> impl Iterator<Item = &BString> {
        self.winners.keys()
    }

    /// All definitions of `name`, in order.
    pub fn definitions<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Parameter> {
        self.parameters()
            .filter(move |parameter| parameter.name == name.as_bytes())
    }

    /// The first line of which every program dies, and what it says.
    pub fn broken(&self) -> Option<(Span, &str)> {
        self.entries.iter().find_map(|entry| match entry {
            Entry::Broken { span, message } => Some((*span, message.as_str())),
            Entry::Parameter(_) | Entry::Ignored(_) => None,
        })
    }

    /// The settings of `name` that are commented out (`#name = value`), in order; `bytes` are those of the file.
    /// Comments inside a logical line are not searched: uncommenting there would cut the setting around them in two.
    pub fn commented_out(&self, bytes: &[u8], name: &str) -> Vec<CommentedOut> {
        let mut found = Vec::new();
        for entry in &self.entries {
            let Entry::Ignored(span) = entry else {
                continue;
            };
            let mut at = span.start;
            for physical in bytes[span.start..span.end].split_inclusive(|&byte| byte == b'\n') {
                let text = physical.strip_suffix(b"\n").unwrap_or(physical);
                let text = text.strip_suffix(b"\r").unwrap_or(text);
                let marks = text
                    .iter()
                    .take_while(|&&byte| byte == b'#' || is_space(byte))
                    .count();
                let inside = &text[marks..];
                if let Some((key, value)) = name_and_value(inside)
                    && inside[key.clone()] == *name.as_bytes()
                    && line::trim(text).first() == Some(&b'#')
                {
                    found.push(CommentedOut {
                        name: inside[key].into(),
                        value: inside[value].into(),
                        span: Span::new(span.file, at, at + text.len()),
                    });
                }
                at += physical.len();
            }
        }
        found
    }
}

/// Cuts a logical line at its `=` (util/split_nameval.c).
fn setting(line: &Line) -> Entry {
    let Some((name, value)) = name_and_value(&line.text) else {
        let shown = &line.text[..line.text.len().min(60)];
        let message = if line.text.first() == Some(&b'=') {
            "missing attribute name"
        } else {
            "missing '=' after attribute name"
        };
        return Entry::Broken {
            span: line.span,
            message: format!("{message}: \"{}\"", shown.as_bstr()),
        };
    };
    Entry::Parameter(Parameter {
        name: line.text[name.clone()].into(),
        name_span: line.span_of(name.start, name.end),
        value: line.text[value.clone()].into(),
        value_span: line.span_of(value.start, value.end),
        span: line.span,
    })
}

/// Where name and value lie in `name = value`; none where one of the two is missing its due (util/split_nameval.c).
pub(super) fn name_and_value(
    text: &[u8],
) -> Option<(std::ops::Range<usize>, std::ops::Range<usize>)> {
    let equals = memchr(b'=', text)?;
    let start = text.iter().take_while(|&&byte| is_space(byte)).count();
    let name = start..start + trimmed_length(text.get(start..equals)?);
    if name.is_empty() || text[name.clone()].iter().any(|&byte| is_space(byte)) {
        return None;
    }
    let behind = equals + 1;
    let length = trimmed_length(&text[behind..]);
    let from = behind
        + text[behind..behind + length]
            .iter()
            .take_while(|&&byte| is_space(byte))
            .count();
    Some((name, from..behind + length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{FileTree, Sources};

    fn read(text: &[u8]) -> MainCf {
        let mut sources = Sources::new(FileTree::default());
        let file = sources.add("/etc/postfix/main.cf", text.to_vec());
        MainCf::parse(file, text)
    }

    fn values(text: &[u8]) -> Vec<(String, String)> {
        read(text)
            .parameters()
            .map(|p| (p.name.to_string(), p.value.to_string()))
            .collect()
    }

    /// Expected values from `postconf -n` of 3.7.11 and from util/readlline.c.
    #[test]
    fn joins_lines_as_the_daemons_do() {
        for (text, expected) in [
            (&b"a = no\n   yes\n"[..], &[("a", "no   yes")][..]),
            (
                b"a = b\n# c\n\n \t\n  d\ne = f",
                &[("a", "b  d"), ("e", "f")],
            ),
            (b"a = b\n#c\nd = e\n", &[("a", "b"), ("d", "e")]),
            (b"a = b\n\x0cc = d\n", &[("a", "b\u{c}c = d")]),
            (b"a = b # c\n", &[("a", "b # c")]),
            (b"a = b \\\nc = d\n", &[("a", "b \\"), ("c", "d")]),
            (b"a = b\r\n\r\nc = d\r\n", &[("a", "b"), ("c", "d")]),
            (b"a = b\0c\n d\ne = f\n", &[("a", "b"), ("e", "f")]),
            (b"a =\nb = =c=\n", &[("a", ""), ("b", "=c=")]),
            (b"\xa0a = b\n", &[("\u{fffd}a", "b")]),
            (b"  a = b\nc = d\n", &[("c", "d")]),
        ] {
            let expected: Vec<(String, String)> = expected
                .iter()
                .map(|(n, v)| ((*n).into(), (*v).into()))
                .collect();
            assert_eq!(values(text), expected, "{}", text.as_bstr());
        }
    }

    #[test]
    fn spans_reach_across_continued_lines() {
        let text = b"#x\na =  one\n# c\n  two \nb=\n";
        let main = read(text);
        let a = main.winner("a").expect("a is set");
        assert_eq!(&text[a.span.start..a.span.end], b"a =  one\n# c\n  two \n");
        assert_eq!(
            &text[a.value_span.start..a.value_span.end],
            b"one\n# c\n  two"
        );
        let b = main.winner("b").expect("b is set");
        assert_eq!((b.value_span.start, b.value_span.end), (25, 25));
    }

    #[test]
    fn the_last_definition_holds_and_broken_lines_are_all_told() {
        let main = read(b"a = 1\nnonsense\na = 2\n= 3\n");
        assert_eq!(
            main.winner("a").map(|p| p.value.to_string()),
            Some("2".into())
        );
        assert_eq!(main.definitions("a").count(), 2);
        let problems: Vec<&str> = main.problems.iter().map(|p| p.message.as_str()).collect();
        assert_eq!(
            problems,
            [
                "missing '=' after attribute name: \"nonsense\", and every program of Postfix dies of it",
                "missing attribute name: \"= 3\", and every program of Postfix dies of it"
            ]
        );
    }

    #[test]
    fn settings_that_are_commented_out_are_found() {
        let text = b"# smtpd_tls_auth_only tells\n#smtpd_tls_auth_only = yes\r\nx = y\n # smtpd_tls_auth_only=no\n  z\n";
        let main = read(text);
        let found = main.commented_out(text, "smtpd_tls_auth_only");
        assert_eq!(found.len(), 1, "a comment inside a setting is left alone");
        assert_eq!(found[0].value, "yes");
        assert_eq!(
            &text[found[0].span.start..found[0].span.end],
            b"#smtpd_tls_auth_only = yes"
        );
    }
}
