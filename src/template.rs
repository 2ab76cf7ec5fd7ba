//! A template: a configuration that some other program fills in before a daemon reads it (Jinja, ERB, Go, Puppet).
//!
//! What a placeholder comes to is no file's to tell, and a statement decides whether the lines behind it are there at all.
//! Postfix has braces of its own, `${{a} == {b} ? {c} : {d}}`: `{{` behind a `$` is no placeholder.

use std::ops::Range;

use bstr::ByteSlice;

/// The endings that template files have behind the name of the file they make.
pub const ENDINGS: [&str; 7] = ["j2", "jinja2", "jinja", "erb", "epp", "tmpl", "tpl"];

/// The first placeholder in a value: `{{ x }}`, `{% if x %}…`, `<%= x %>`.
pub fn placeholder(text: &[u8]) -> Option<&[u8]> {
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
        _ => None,
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
    let marks = ["{%", "{{", "{#", "<%", "%{"];
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
