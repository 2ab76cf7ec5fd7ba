//! master.cf: the services that master runs, one a logical line.
//!
//! `line` beside this file gives the logical lines and `service` cuts one into the columns of a service.

use std::collections::HashMap;

use bstr::ByteSlice;

use super::line::{self, Piece};
use super::service::Service;
use crate::source::{FileId, Problem, Span};
use crate::template;

/// A master.cf.
#[derive(Debug)]
pub struct MasterCf {
    /// The file it was read from.
    pub file: FileId,
    /// Its parts in order; they tile the file.
    pub entries: Vec<Entry>,
    /// What is wrong with it, in order.
    pub problems: Vec<Problem>,
    /// The entries that are services of a name as it is shown, in order.
    named: HashMap<String, Vec<usize>>,
}

/// A part of master.cf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A service.
    Service(Box<Service>),
    /// A line that master refuses, which keeps all of Postfix from starting.
    Broken {
        /// The whole logical line.
        span: Span,
        /// What master says.
        message: String,
    },
    /// Blank lines, comments, and indented text that continues nothing.
    Ignored(Span),
}

impl Entry {
    /// The bytes it covers.
    pub const fn span(&self) -> Span {
        match self {
            Self::Service(service) => service.span,
            Self::Broken { span, .. } | Self::Ignored(span) => *span,
        }
    }

    /// The service that it is.
    fn service(&self) -> Option<&Service> {
        match self {
            Self::Service(service) => Some(service),
            Self::Broken { .. } | Self::Ignored(_) => None,
        }
    }
}

impl MasterCf {
    /// Reads a master.cf; what master refuses becomes an [`Entry::Broken`] and a problem.
    pub fn parse(file: FileId, bytes: &[u8]) -> Self {
        let mut problems = Vec::new();
        let mut entries = Vec::new();
        for piece in line::read(file, bytes, &mut problems) {
            entries.push(match piece {
                Piece::Ignored(span) => Entry::Ignored(span),
                Piece::Line(line) if template::line(&line.text).is_some() => {
                    Entry::Ignored(line.span)
                }
                Piece::Line(line) => match Service::read(&line) {
                    Ok(service) => {
                        // What a template becomes is no mistake yet.
                        let filled_in = template::placeholder(&line.text).is_some();
                        if !filled_in
                            && matches!(service.program().as_bytes(), b"smtpd" | b"postscreen")
                        {
                            problems.extend(service.problems());
                        }
                        Entry::Service(Box::new(service))
                    }
                    Err((span, message)) => {
                        if template::placeholder(&line.text).is_none() {
                            problems.push(Problem {
                                span,
                                message: format!("{message}, so master does not start"),
                            });
                        }
                        Entry::Broken {
                            span: line.span,
                            message,
                        }
                    }
                },
            });
        }
        problems.sort();
        let mut named: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, entry) in entries.iter().enumerate() {
            if let Entry::Service(service) = entry {
                named
                    .entry(service.name.text.to_string())
                    .or_default()
                    .push(at);
            }
        }
        Self {
            file,
            entries,
            problems,
            named,
        }
    }

    /// All services, in order, also those that a later one of the same name replaces.
    pub fn services(&self) -> impl Iterator<Item = &Service> {
        self.entries.iter().filter_map(Entry::service)
    }

    /// The services whose name is shown so, in order; a search through all of them would take too long where there are thousands.
    pub fn services_named(&self, name: &str) -> impl DoubleEndedIterator<Item = &Service> {
        let places = self.named.get(name).into_iter().flatten();
        places.filter_map(|&at| self.entries.get(at)?.service())
    }

    /// The first line that master refuses, and what it says.
    pub fn broken(&self) -> Option<(Span, &str)> {
        self.entries.iter().find_map(|entry| match entry {
            Entry::Broken { span, message } => Some((*span, message.as_str())),
            Entry::Service(_) | Entry::Ignored(_) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{FileTree, Sources};
    use crate::version::Version;

    fn read(text: &str) -> MasterCf {
        let mut sources = Sources::new(FileTree::default());
        let file = sources.add("/etc/postfix/master.cf", text.into());
        MasterCf::parse(file, text.as_bytes())
    }

    /// What the daemon sees of each form, live on 3.7.11 and 3.10.13.
    #[test]
    fn overrides_are_read_as_the_daemon_reads_them() {
        for (arguments, expected) in [
            ("-o a=b", &[("a", "b")][..]),
            ("-o { a = b c }", &[("a", "b c")]),
            ("-o {a=b}", &[("a", "b")]),
            (
                "-oa=b -osyslog_name=postfix/x",
                &[("a", "b"), ("syslog_name", "postfix/x")],
            ),
            ("-o{a=b}", &[("{a", "b}")]),
            ("-o\n  a=b", &[("a", "b")]),
            ("-vo a=b -v -o c=d", &[("a", "b"), ("c", "d")]),
            ("-o a={yes}", &[("a", "{yes}")]),
            ("-o \"a=yes\"", &[("\"a", "yes\"")]),
            ("-o a=", &[("a", "")]),
            ("\n# -o x=y\n#-o z=y\n  -o a=b", &[("a", "b")]),
        ] {
            let master = read(&format!("smtp inet n - n - - smtpd {arguments}\n"));
            let service = master.services().next().expect("one service");
            let found: Vec<(String, String)> = service
                .overrides
                .iter()
                .map(|o| (o.name.to_string(), o.value.to_string()))
                .collect();
            let expected: Vec<(String, String)> = expected
                .iter()
                .map(|(n, v)| ((*n).into(), (*v).into()))
                .collect();
            assert_eq!(found, expected, "{arguments}");
            assert_eq!(
                service.options(Version::new(3, 10)).refused,
                [],
                "{arguments}"
            );
        }
    }

    #[test]
    fn the_daemon_refuses_stray_words() {
        for arguments in [
            "-o a = b",
            "-o a=b # x",
            "-- -o a=b",
            "-o =b",
            "-o",
            "-q",
            "x",
        ] {
            let master = read(&format!("smtp inet n - n - - smtpd {arguments}\n"));
            let service = master.services().next().expect("one service");
            assert_ne!(
                service.options(Version::new(3, 10)).refused,
                [],
                "{arguments}"
            );
        }
    }

    #[test]
    fn before_3_0_there_are_no_braces() {
        let master = read("smtp inet n - n - - smtpd -o {a=b}\n");
        let service = master.services().next().expect("one service");
        let old = service.options(Version::new(2, 11));
        assert_eq!(old.overrides[0].name, "{a");
        assert_eq!(
            service.winner("a").map(|o| o.value.clone()),
            Some("b".into())
        );
    }

    #[test]
    fn master_refuses_bad_columns() {
        for (line, message) in [
            ("smtp inet n - n - -", "missing \"command\" field"),
            (
                "smtp inet - - n - - smtpd",
                "inet service cannot be private",
            ),
            ("smtp INET n - n - - smtpd", "bad transport type: INET"),
            (
                "smtp inet n yes n - - smtpd",
                "field \"unprivileged\": bad value: \"yes\"",
            ),
            (
                "smtp inet n - n x - smtpd",
                "field \"wakeup_time\": bad value: \"x\"",
            ),
            (
                "smtp inet n - n - - smtpd -o {a=b",
                "missing '}' in \"{a=b\"",
            ),
        ] {
            let master = read(line);
            assert_eq!(master.broken().map(|(_, m)| m), Some(message), "{line}");
        }
    }

    #[test]
    fn spans_cover_an_override_with_its_option() {
        let text = "smtp inet n - n - - smtpd\n  -o a=b\n  -o { c = d e }\n";
        let master = read(text);
        let service = master.services().next().expect("one service");
        let cut = |span: Span| &text[span.start..span.end];
        let [a, c] = &service.overrides[..] else {
            unreachable!("two overrides")
        };
        assert_eq!(
            (cut(a.span), cut(a.name_span), cut(a.value_span)),
            ("-o a=b", "a", "b")
        );
        assert_eq!(
            (cut(c.span), cut(c.name_span), cut(c.value_span)),
            ("-o { c = d e }", "c", "d e")
        );
    }
}
