//! A line: how Dovecot's configuration reader cuts bytes into lines, joins them, and sorts them into forms.
//!
//! `read` beside this file gives it the lines of a file and what is still open of the ones before.
//! All of it follows config_parse_line in src/config/config-parser.c, which from 2.2 to 2.4 differs only where
//! [`Family`] is asked.

use std::ops::Range;

use super::Family;

/// What one physical line is, before it is joined with its neighbours. Ranges count from the start of the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Physical {
    /// Nothing but white space.
    Blank,
    /// A comment from its first visible character on.
    Comment,
    /// Text that goes on in the next line.
    Continued(Range<usize>),
    /// Text that ends here.
    Whole(Range<usize>),
}

/// A physical line and where a `#` cut it without white space before it, which the daemons warn of.
pub(super) struct Cut {
    pub(super) line: Physical,
    pub(super) ambiguous: Option<usize>,
}

/// Looks at one line, given without its line ending.
pub(super) fn physical(line: &[u8], family: Family) -> Cut {
    // The reader works on C strings, so that a NUL ends the line.
    let line = memchr::memchr(0, line).map_or(line, |nul| &line[..nul]);
    let start = skip_white(line, 0, family);
    let cut = |line| Cut {
        line,
        ambiguous: None,
    };
    match line.get(start) {
        None => return cut(Physical::Blank),
        Some(b'#') => return cut(Physical::Comment),
        Some(_) => {}
    }
    let comment = comment_start(line, start);
    let ambiguous =
        comment.filter(|&at| at > 0 && line.get(at - 1).is_some_and(|&c| !is_white(c, family)));
    let mut end = trim_end(line, start, comment.unwrap_or(line.len()), family);
    let continued = end > start && line[end - 1] == b'\\';
    if continued {
        end = trim_end(line, start, end - 1, family);
    }
    Cut {
        line: if continued {
            Physical::Continued(start..end)
        } else {
            Physical::Whole(start..end)
        },
        ambiguous,
    }
}

/// Where an unquoted `#` stands. A quote anywhere opens a run up to its like, and one that never closes hides all
/// that follows: in `login_greeting = Dovecot's box # hi` nothing is a comment (live, 2.3.19.1).
fn comment_start(line: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    while let Some(&c) = line.get(at) {
        match c {
            b'#' => return Some(at),
            b'\'' | b'"' => {
                at += 1;
                while line.get(at).is_some_and(|&inner| inner != c) {
                    if line[at] == b'\\' && at + 1 < line.len() {
                        at += 1;
                    }
                    at += 1;
                }
                if at >= line.len() {
                    return None;
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// What a whole line says. Ranges count from the start of the joined text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `key = value`
    Setting {
        key: Range<usize>,
        value: Range<usize>,
        kind: ValueKind,
    },
    /// `key {` or `key name {`
    Open {
        key: Range<usize>,
        name: Range<usize>,
        quoted: bool,
    },
    /// `group @label name {` (2.4)
    Group {
        label: Range<usize>,
        name: Range<usize>,
    },
    /// `}`
    Close,
    /// `!include pattern` or `!include_try pattern`
    Include { pattern: Range<usize>, try_: bool },
    /// What the daemon answers.
    Wrong(&'static str),
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// As it is.
    Plain,
    /// Between quotes of one kind; inside of them a backslash makes the next byte literal.
    Quoted,
    /// `<path`: what the file holds.
    File,
    /// With a `$` in it, and not quoted.
    Variable,
    /// `<<MARK`: the lines that follow, up to one that is the mark (2.4.5; before it a file by the name `<MARK`).
    Heredoc,
}

/// Sorts a whole line, given without white space at both ends.
pub(super) fn form(text: &[u8], family: Family) -> Form {
    let (key, mut at) = key(text, family);
    // A key is cut off at its first white space; what follows decides.
    at = skip_white(text, at, family);
    match &text[key.clone()] {
        b"!include" => {
            return Form::Include {
                pattern: at..text.len(),
                try_: false,
            };
        }
        b"!include_try" => {
            return Form::Include {
                pattern: at..text.len(),
                try_: true,
            };
        }
        _ => {}
    }
    match text.get(at) {
        Some(b'=') => return setting(text, key, skip_white(text, at + 1, family), family),
        None if &text[key.clone()] == b"}" => return Form::Close,
        Some(_) | None => {}
    }
    let (form, brace) = match text.get(at) {
        Some(b'{') => {
            let name = at..at;
            let quoted = false;
            (Form::Open { key, name, quoted }, at)
        }
        Some(_) | None if family == Family::V24 && &text[key.clone()] == b"group" => {
            let label = at..word_end(text, at, family);
            let at = skip_white(text, label.end, family);
            if at == text.len() {
                return Form::Wrong("Expecting group name");
            }
            let name = at..word_end(text, at, family);
            let brace = skip_white(text, name.end, family);
            (Form::Group { label, name }, brace)
        }
        Some(b'"') => {
            let close = memchr::memchr(b'"', &text[at + 1..]).map(|found| at + 1 + found);
            let Some(close) = close else {
                return Form::Wrong("Expecting '{'");
            };
            let name = at + 1..close;
            let quoted = true;
            (
                Form::Open { key, name, quoted },
                skip_white(text, close + 1, family),
            )
        }
        Some(_) | None => {
            let name = at..word_end(text, at, family);
            let brace = skip_white(text, name.end, family);
            let quoted = false;
            (Form::Open { key, name, quoted }, brace)
        }
    };
    match text.get(brace) {
        Some(b'{') if brace + 1 == text.len() => form,
        Some(b'{') => Form::Wrong("Garbage after '{'"),
        Some(_) | None => Form::Wrong("Expecting '{'"),
    }
}

/// The key at the start and where it ends. Only 2.4 knows keys in quotes.
fn key(text: &[u8], family: Family) -> (Range<usize>, usize) {
    if family == Family::V24 && text.first() == Some(&b'"') {
        let mut at = 1;
        while let Some(&c) = text.get(at) {
            match c {
                b'\\' if at + 1 < text.len() => at += 2,
                b'"' => return (1..at, at + 1),
                _ => at += 1,
            }
        }
        return (1..text.len(), text.len());
    }
    let end = text
        .iter()
        .position(|&c| c == b'=' || is_white(c, family))
        .unwrap_or(text.len());
    (0..end, end)
}

fn setting(text: &[u8], key: Range<usize>, at: usize, family: Family) -> Form {
    let value = &text[at..];
    let (value, kind) = match value {
        // White space alone is no mark.
        [b'<', b'<', ..]
            if family == Family::V24 && skip_white(text, at + 2, family) < text.len() =>
        {
            (at..text.len(), ValueKind::Heredoc)
        }
        [b'<', ..] => (
            skip_white(text, at + 1, family)..text.len(),
            ValueKind::File,
        ),
        [quote @ (b'\'' | b'"'), rest @ ..] => match rest {
            // A lone quote is an empty value.
            [] => (text.len()..text.len(), ValueKind::Quoted),
            [.., last] if last == quote => (at + 1..text.len() - 1, ValueKind::Quoted),
            [..] => (at..text.len(), ValueKind::Plain),
        },
        _ if memchr::memchr(b'$', value).is_some() => (at..text.len(), ValueKind::Variable),
        _ => (at..text.len(), ValueKind::Plain),
    };
    Form::Setting { key, value, kind }
}

/// Takes the backslashes out of a quoted text (str_unescape in src/lib/strescape.c).
pub(super) fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(&c) = bytes.next() {
        match c {
            b'\\' => out.extend(bytes.next()),
            _ => out.push(c),
        }
    }
    out
}

/// White space is blank and tab up to 2.3 (IS_WHITE in config-parser.h), all that isspace(3) knows in 2.4 (i_isspace).
pub(super) const fn is_white(c: u8, family: Family) -> bool {
    match family {
        Family::V23 => matches!(c, b' ' | b'\t'),
        Family::V24 => matches!(c, b' ' | b'\t'..=b'\r'),
    }
}

pub(super) fn skip_white(text: &[u8], mut at: usize, family: Family) -> usize {
    while text.get(at).is_some_and(|&c| is_white(c, family)) {
        at += 1;
    }
    at
}

fn word_end(text: &[u8], mut at: usize, family: Family) -> usize {
    while text.get(at).is_some_and(|&c| !is_white(c, family)) {
        at += 1;
    }
    at
}

fn trim_end(text: &[u8], start: usize, mut end: usize, family: Family) -> usize {
    while end > start && is_white(text[end - 1], family) {
        end -= 1;
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(line: &[u8], family: Family) -> &[u8] {
        match physical(line, family).line {
            Physical::Whole(range) => &line[range],
            Physical::Blank | Physical::Comment | Physical::Continued(_) => b"",
        }
    }

    #[test]
    fn a_comment_starts_where_no_quote_is_open() {
        for (line, text) in [
            ("ssl = yes # c", "ssl = yes"),
            (
                "  mail_location = maildir:~/M#x",
                "mail_location = maildir:~/M",
            ),
            (
                "login_greeting = Dovecot's box # hi",
                "login_greeting = Dovecot's box # hi",
            ),
            ("a = 'x # y' # z", "a = 'x # y'"),
            (r#"a = "x\" # y" # z"#, r#"a = "x\" # y""#),
            ("# c", ""),
            ("a = b \0 c", "a = b"),
        ] {
            assert_eq!(
                whole(line.as_bytes(), Family::V23),
                text.as_bytes(),
                "{line}"
            );
        }
        assert_eq!(physical(b"a = b#c", Family::V23).ambiguous, Some(5));
        assert_eq!(physical(b"a = b #c", Family::V23).ambiguous, None);
    }

    #[test]
    fn a_comment_is_cut_before_a_continuation_is_seen() {
        let continued = |line: &[u8]| match physical(line, Family::V23).line {
            Physical::Continued(range) => Some(line[range].to_vec()),
            Physical::Blank | Physical::Comment | Physical::Whole(_) => None,
        };
        assert_eq!(continued(b"x = y  \\"), Some(b"x = y".to_vec()));
        assert_eq!(continued(b"x = y \\ "), Some(b"x = y".to_vec()));
        assert_eq!(continued(b"\\"), Some(Vec::new()));
        assert_eq!(continued(b"x = y # note \\"), None);
        assert_eq!(continued(b"# x \\"), None);
    }

    #[test]
    fn forms() {
        let show = |text: &str, family| match form(text.as_bytes(), family) {
            Form::Setting { key, value, kind } => {
                format!("{}|{}|{kind:?}", &text[key], &text[value])
            }
            Form::Open { key, name, .. } => format!("{} [{}]", &text[key], &text[name]),
            Form::Group { label, name } => format!("group {} {}", &text[label], &text[name]),
            Form::Close => "close".into(),
            Form::Include { pattern, try_ } => format!("include {} {try_}", &text[pattern]),
            Form::Wrong(why) => why.into(),
        };
        for (text, expected) in [
            ("ssl=no", "ssl|no|Plain"),
            ("ssl =", "ssl||Plain"),
            ("ssl = \"no\"", "ssl|no|Quoted"),
            ("a = \"", "a||Quoted"),
            ("a = \"b\" c", "a|\"b\" c|Plain"),
            ("a = \"b\"x", "a|\"b\"x|Plain"),
            ("ssl_cert = < /etc/c.pem", "ssl_cert|/etc/c.pem|File"),
            (
                "protocols = $protocols imap",
                "protocols|$protocols imap|Variable",
            ),
            ("a = '$x'", "a|$x|Quoted"),
            ("protocol imap {", "protocol [imap]"),
            ("plugin {", "plugin []"),
            ("local_name \"a b\" {", "local_name [a b]"),
            ("protocol imap { ssl = no }", "Garbage after '{'"),
            ("protocol imap{", "Expecting '{'"),
            ("protocol imap", "Expecting '{'"),
            ("protocol \"imap", "Expecting '{'"),
            ("ssl no", "Expecting '{'"),
            ("{", "Expecting '{'"),
            ("", "Expecting '{'"),
            ("}", "close"),
            ("} x", "Expecting '{'"),
            ("!include conf.d/*.conf", "include conf.d/*.conf false"),
            ("!include_try local.conf", "include local.conf true"),
        ] {
            assert_eq!(show(text, Family::V23), expected, "{text}");
        }
        assert_eq!(
            show("\"ssl\" = required", Family::V24),
            "ssl|required|Plain"
        );
        assert_eq!(show("group @tls req {", Family::V24), "group @tls req");
        assert_eq!(show("group @tls", Family::V24), "Expecting group name");
        assert_eq!(show("ssl\u{b}= no", Family::V24), "ssl|no|Plain");
        assert_eq!(show("a = <<E D", Family::V23), "a|<E D|File");
        assert_eq!(show("a = <<E D", Family::V24), "a|<<E D|Heredoc");
        assert_eq!(show("a = << $E", Family::V24), "a|<< $E|Heredoc");
        assert_eq!(show("a = <<", Family::V24), "a|<|File");
        assert_eq!(show("a = < <E", Family::V24), "a|<E|File");
        assert_eq!(show("a = \"<<E\"", Family::V24), "a|<<E|Quoted");
    }
}
