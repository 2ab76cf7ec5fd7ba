//! A service: one logical line of master.cf, in its columns.
//!
//! `options` beside this file reads its arguments.
//! Read in master/master_ent.c (get_master_ent): columns are cut at spaces, tabs and line ends, `-` stands for the default.

use bstr::{BStr, BString, ByteSlice};

use super::line::Line;
use super::options::{self, Options, Override};
use crate::source::{Problem, Span};
use crate::version::Version;

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
    /// Cuts a logical line into its columns.
    ///
    /// # Errors
    /// The place and the words of master's refusal.
    pub(super) fn read(line: &Line) -> Result<Self, (Span, String)> {
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
        let arguments = options::split(line, end, true)
            .map_err(|(start, message)| (line.span_of(start, line.text.len()), message))?;
        let options = Options::read(line, &arguments);
        let options_before_braces = if line.text[end..].contains(&b'{') {
            options::split(line, end, false)
                .ok()
                .map(|arguments| Options::read(line, &arguments))
        } else {
            None
        };
        Ok(Self {
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

    /// What smtpd refuses among its arguments.
    pub(super) fn problems(&self) -> impl Iterator<Item = Problem> {
        self.options.problems()
    }

    /// The `-o` of `name` that holds, as releases from 3.0 on read them: the last one.
    pub fn winner(&self, name: &str) -> Option<&Override> {
        self.overrides
            .iter()
            .rev()
            .find(|option| option.name == name.as_bytes())
    }
}

/// What separates columns and arguments (`master_blanks` in master/master_ent.c).
pub(super) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}
