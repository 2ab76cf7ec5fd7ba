//! A template: a configuration that some other program fills in before a daemon reads it (Jinja, ERB, Go, Puppet, and
//! scripts that replace `@x@` or `__X__`).
//!
//! What a placeholder comes to is no file's to tell, and a statement decides whether the lines behind it are there at all.
//! Postfix has braces of its own, `${{a} == {b} ? {c} : {d}}`: `{{` behind a `$` is no placeholder.

use std::ops::Range;

use bstr::ByteSlice;

/// The endings that template files have behind the name of the file they make.
pub const ENDINGS: [&str; 8] = ["j2", "jinja2", "jinja", "erb", "epp", "tmpl", "tpl", "in"];

/// A placeholder in a value: the first `{{ x }}`, `{% if x %}…`, `<%= x %>`, else the first `@x@` or `__X__`.
pub fn placeholder(text: &[u8]) -> Option<&[u8]> {
    in_brackets(text).or_else(|| word(text))
}

fn in_brackets(text: &[u8]) -> Option<&[u8]> {
    let mut at = 0;
    while let Some(found) = text[at..].find_byteset(b"{<") {
        let start = at + found;
        let rest = &text[start..];
        let behind_dollar = start > 0 && text[start - 1] == b'$';
        let close = match rest.get(..2) {
            Some(b"{{") if !behind_dollar => Some(&b"}}"[..]),
            Some(b"{%") => Some(&b"%}"[..]),
            Some(b"{#") => Some(&b"#}"[..]),
            // `user=<%u>` in a log format of Dovecot is none.
            Some(b"<%") if matches!(rest.get(2), Some(b'=' | b'-' | b'#' | b' ' | b'\t')) => {
                Some(&b"%>"[..])
            }
            Some(_) | None => None,
        };
        if let Some(close) = close {
            let length = rest.find(close).map_or(rest.len(), |end| end + close.len());
            return Some(&rest[..length]);
        }
        at = start + 1;
        if behind_dollar && rest.starts_with(b"{{") {
            at += 1;
        }
    }
    None
}

/// `@x@` of configure scripts and `__X__` of shell scripts that replace it, where it is a word by itself: in the middle of
/// one it may be an address or a name like any other.
fn word(text: &[u8]) -> Option<&[u8]> {
    let is_mark = |word: &&[u8]| {
        let cut = |mark: &[u8]| word.strip_prefix(mark)?.strip_suffix(mark);
        let letters = |name: &[u8], is_letter: fn(&u8) -> bool| {
            name.first().is_some_and(is_letter)
                && name
                    .iter()
                    .all(|byte| is_letter(byte) || byte.is_ascii_digit() || *byte == b'_')
        };
        cut(b"@").is_some_and(|name| letters(name, u8::is_ascii_alphabetic))
            || cut(b"__").is_some_and(|name| letters(name, u8::is_ascii_uppercase))
    };
    if !text.contains(&b'@') && !text.contains_str("__") {
        return None;
    }
    text.split(|byte| b" \t\r\n,=:;{}<\"'".contains(byte))
        .find(is_mark)
}

/// `%{x}`, as Puppet and Hiera have it; to Dovecot it means something of its own.
pub fn variable(text: &[u8]) -> Option<&[u8]> {
    let start = text.find(b"%{")?;
    let rest = &text[start..];
    let length = rest.find_byte(b'}').map_or(rest.len(), |end| end + 1);
    Some(&rest[..length])
}

/// What a line of a template is that no daemon ever sees as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// It decides about other lines, or becomes lines that nobody knows.
    Statement,
    /// It becomes nothing, or a comment.
    Comment,
}

/// What a line is, if it is one of a template alone.
pub fn line(text: &[u8]) -> Option<Line> {
    let text = text.trim_ascii();
    let closed = |close: &[u8]| text.ends_with(close);
    match text.get(..2)? {
        b"{#" if closed(b"#}") => Some(Line::Comment),
        b"{%" | b"{#" => Some(Line::Statement),
        // `{{ ansible_managed | comment }}` heads most templates of Ansible.
        b"{{" if closed(b"}}") && text.contains_str("ansible_managed") => Some(Line::Comment),
        b"{{" => Some(Line::Statement),
        b"<%" if is_comment_of_erb(text) && closed(b"%>") => Some(Line::Comment),
        b"<%" if text.starts_with(b"<%-") && text.contains_str("| ") && closed(b"| -%>") => {
            // The parameters of an EPP template.
            Some(Line::Comment)
        }
        b"<%" if !text.starts_with(b"<%u") => Some(Line::Statement),
        // `%{ if tls ~}` of Terraform; neither server has a line that begins so.
        b"%{" => Some(Line::Statement),
        // What stands alone on a line becomes lines.
        _ => (word(text) == Some(text)).then_some(Line::Statement),
    }
}

/// `<%# x %>`, and what Ruby itself takes for a comment: `<%- # x -%>`.
fn is_comment_of_erb(text: &[u8]) -> bool {
    let code = text.strip_prefix(b"<%").unwrap_or(text);
    let code = code.strip_prefix(b"-").unwrap_or(code);
    code.trim_ascii_start().starts_with(b"#")
}

/// The first statement among the lines of a file.
pub fn statement(bytes: &[u8]) -> Option<Range<usize>> {
    let marks = ["{%", "{{", "{#", "<%", "%{", "@", "__"];
    if !marks.iter().any(|mark| bytes.contains_str(mark)) {
        return None;
    }
    let mut at = 0;
    for physical in bytes.split_inclusive(|&byte| byte == b'\n') {
        if line(physical) == Some(Line::Statement) {
            let indent = physical.len() - physical.trim_ascii_start().len();
            let length = physical.trim_ascii().len();
            return Some(at + indent..at + indent + length);
        }
        at += physical.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_told_from_the_daemons_own_braces() {
        for (text, found) in [
            ("{{ level }}", Some("{{ level }}")),
            ("/etc/ssl/{{ host }}.pem", Some("{{ host }}")),
            ("{% if a %}yes{% endif %}", Some("{% if a %}")),
            ("<%= @level -%> x", Some("<%= @level -%>")),
            ("{{ open", Some("{{ open")),
            ("${{$compatibility_level} < {1} ? {no} : {yes}}", None),
            ("user=<%u> method=%m %c session=<%{session}>", None),
            (
                "check_policy_service { inet:127.0.0.1:10023, timeout = 10s }",
                None,
            ),
            ("${{{a}} == {b}}", None),
            ("@TLS_LEVEL@", Some("@TLS_LEVEL@")),
            ("-o smtpd_tls_auth_only=__STRICT__", Some("__STRICT__")),
            ("plain, @more@", Some("@more@")),
            ("a@b@c @ @@ @example.org @9@ @example.org@", None),
            ("__init__ ____ __9__ _A_ __A _HOST__", None),
            ("/etc/ssl/__HOST__.pem x@HOST@", None),
        ] {
            let placeholder =
                placeholder(text.as_bytes()).map(|one| one.to_str_lossy().into_owned());
            assert_eq!(placeholder.as_deref(), found, "{text}");
        }
        assert_eq!(variable(b"a %{hiera('x')} b"), Some(&b"%{hiera('x')}"[..]));
    }

    #[test]
    fn a_line_is_a_statement_or_becomes_nothing() {
        for (text, found) in [
            ("  {% if tls %}\n", Some(Line::Statement)),
            ("{{ extra_settings }}", Some(Line::Statement)),
            ("<% @lines.each do |one| -%>", Some(Line::Statement)),
            ("{{#if tls}}", Some(Line::Statement)),
            ("{{ ansible_managed | comment }}", Some(Line::Comment)),
            ("{# for the mail team #}", Some(Line::Comment)),
            ("<%# made by Puppet -%>", Some(Line::Comment)),
            ("<%- # made by Puppet -%>", Some(Line::Comment)),
            ("%{ if strict ~}", Some(Line::Statement)),
            ("  @EXTRA@\n", Some(Line::Statement)),
            ("__EXTRA__", Some(Line::Statement)),
            ("@group = yes", None),
            ("# {{ ansible_managed }}", None),
            ("smtpd_tls_auth_only = {{ yes }}", None),
        ] {
            assert_eq!(line(text.as_bytes()), found, "{text}");
        }
        let text = b"a = b\n# {% x %}\n  {% if c %}\nd = e\n";
        assert_eq!(
            statement(text).map(|range| &text[range]),
            Some(&b"{% if c %}"[..])
        );
    }
}
