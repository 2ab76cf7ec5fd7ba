//! master.cf: the services that master runs, one a logical line.
//!
//! `line` beside this file gives the logical lines and `options` reads the arguments of a service.
//! Read in master/master_ent.c (get_master_ent): columns are cut at spaces, tabs and line ends, `-` stands for the default.

use bstr::{BStr, BString, ByteSlice};

use super::line::{self, Line, Piece};
use super::options::{Options, Override};
use crate::source::{FileId, Problem, Span};
use crate::template;
use crate::version::Version;

/// A master.cf.
#[derive(Debug)]
pub struct MasterCf {
    /// The file it was read from.
    pub file: FileId,
    /// Its parts in order; they tile the file.
    pub entries: Vec<Entry>,
    /// What is wrong with it, in order.
    pub problems: Vec<Problem>,
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
}

/// One column of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// As written; `-` stands for the default.
    pub text: BString,
    /// Where it stands.
    pub span: Span,
}

/// A service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// The first column: for `inet` a port or `host:port`, otherwise the name of a socket.
    pub name: Column,
    /// The type: `inet`, `unix`, `pass`, `fifo`, `unix-dgram`.
    pub kind: Column,
    /// Whether only Postfix may use it (`y` by default).
    pub private: Column,
    /// Whether it runs without privileges (`y` by default).
    pub unprivileged: Column,
    /// Whether it runs in a chroot (the default depends on the release and the compatibility level).
    pub chroot: Column,
    /// The wake-up time.
    pub wakeup: Column,
    /// How many processes there may be.
    pub process_limit: Column,
    /// The program.
    pub command: Column,
    /// Its arguments as releases from 3.0 on read them: a whole argument in braces has lost the braces.
    pub arguments: Vec<Column>,
    /// The `-o name=value` among the arguments, in order, as releases from 3.0 on read them.
    pub overrides: Vec<Override>,
    /// The whole logical line with its last newline, and with the comments inside it.
    pub span: Span,
    options: Options,
    /// What releases before 3.0, which know no braces, make of the arguments, where that is something else.
    options_before_braces: Option<Options>,
}

impl Service {
    /// The service as the project names it: `submission inet`.
    pub fn label(&self) -> String {
        format!("{} {}", self.name.text, self.kind.text)
    }

    /// The name of the program without its directory.
    pub fn program(&self) -> &BStr {
        let command = self.command.text.as_slice();
        command
            .rsplit(|&byte| byte == b'/')
            .next()
            .unwrap_or(command)
            .as_bstr()
    }

    /// The options as `version` reads them.
    pub fn options(&self, version: Version) -> &Options {
        match &self.options_before_braces {
            Some(options) if version < Version::new(3, 0) => options,
            Some(_) | None => &self.options,
        }
    }

    /// The `-o` of `name` that holds, as releases from 3.0 on read them: the last one.
    pub fn winner(&self, name: &str) -> Option<&Override> {
        self.overrides
            .iter()
            .rev()
            .find(|option| option.name == name.as_bytes())
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
                Piece::Line(line) => match service(&line) {
                    Ok(service) => {
                        // What a template becomes is no mistake yet.
                        let filled_in = template::placeholder(&line.text).is_some();
                        if !filled_in
                            && matches!(service.program().as_bytes(), b"smtpd" | b"postscreen")
                        {
                            problems.extend(service.options.problems());
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
        Self {
            file,
            entries,
            problems,
        }
    }

    /// All services, in order, also those that a later one of the same name replaces.
    pub fn services(&self) -> impl Iterator<Item = &Service> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Service(service) => Some(&**service),
            Entry::Broken { .. } | Entry::Ignored(_) => None,
        })
    }

    /// The first line that master refuses, and what it says.
    pub fn broken(&self) -> Option<(Span, &str)> {
        self.entries.iter().find_map(|entry| match entry {
            Entry::Broken { span, message } => Some((*span, message.as_str())),
            Entry::Service(_) | Entry::Ignored(_) => None,
        })
    }
}

/// What separates columns and arguments (`master_blanks` in master/master_ent.c).
pub(super) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Cuts a logical line into its columns.
///
/// # Errors
/// The place and the words of master's refusal.
fn service(line: &Line) -> Result<Service, (Span, String)> {
    let mut at = 0;
    let mut column = |field: &str, default: bool| {
        let blanks = line.text[at..]
            .iter()
            .take_while(|&&byte| is_blank(byte))
            .count();
        let start = at + blanks;
        let length = line.text[start..]
            .iter()
            .take_while(|&&byte| !is_blank(byte))
            .count();
        at = start + length;
        if length == 0 {
            return Err((line.span, format!("missing \"{field}\" field")));
        }
        let column = Column {
            text: line.text[start..at].into(),
            span: line.span_of(start, at),
        };
        if column.text == "-" && !default {
            return Err((
                column.span,
                format!("field \"{field}\" has no default value"),
            ));
        }
        Ok((column, at))
    };
    let refuse = |column: &Column, field: &str| {
        Err((
            column.span,
            format!("field \"{field}\": bad value: \"{}\"", column.text),
        ))
    };
    let (name, _) = column("service name", true)?;
    let (kind, _) = column("transport type", false)?;
    if !["inet", "unix", "fifo", "pass", "unix-dgram"].contains(&&*kind.text.to_str_lossy()) {
        return Err((kind.span, format!("bad transport type: {}", kind.text)));
    }
    let (private, _) = column("private", true)?;
    if kind.text == "inet" && (private.text == "-" || private.text == "y") {
        return Err((private.span, "inet service cannot be private".into()));
    }
    let (unprivileged, _) = column("unprivileged", true)?;
    let (chroot, _) = column("chroot", true)?;
    for (flag, field) in [
        (&private, "private"),
        (&unprivileged, "unprivileged"),
        (&chroot, "chroot"),
    ] {
        if !matches!(flag.text.as_slice(), b"-" | b"y" | b"n") {
            return refuse(flag, field);
        }
    }
    let (wakeup, _) = column("wakeup_time", true)?;
    let (process_limit, _) = column("max_proc", true)?;
    for (number, field) in [(&wakeup, "wakeup_time"), (&process_limit, "max_proc")] {
        if number.text != "-" && !number.text.first().is_some_and(u8::is_ascii_digit) {
            return refuse(number, field);
        }
    }
    let (command, end) = column("command", false)?;
    let arguments = super::options::split(line, end, true)
        .map_err(|(start, message)| (line.span_of(start, line.text.len()), message))?;
    let options = Options::read(line, &arguments);
    let options_before_braces = if line.text[end..].contains(&b'{') {
        super::options::split(line, end, false)
            .ok()
            .map(|arguments| Options::read(line, &arguments))
    } else {
        None
    };
    Ok(Service {
        name,
        kind,
        private,
        unprivileged,
        chroot,
        wakeup,
        process_limit,
        command,
        arguments: arguments
            .iter()
            .map(|argument| Column {
                text: line.text[argument.text.clone()].into(),
                span: line.span_of(argument.raw.start, argument.raw.end),
            })
            .collect(),
        overrides: options.overrides.clone(),
        span: line.span,
        options,
        options_before_braces,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{FileTree, Sources};

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
