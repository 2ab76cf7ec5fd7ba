//! The calibration: what a configuration says about the log, so that silence can be told from proof.
//!
//! It is a plain value; whoever has the configuration fills it in. `transport` applies it.

use std::net::IpAddr;

use bstr::{BString, ByteSlice};
use glob::Pattern;
use memchr::memmem;

use super::elements::{USER, is_about_tls};

/// What a configuration says about the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calibration {
    /// The names by which the log may call the configured host, such as `mail.example.org`; [`names_host`] knows which
    /// fit. Where the list is empty, the configuration counts for a log of one host only.
    pub hosts: Vec<BString>,
    /// What is known of the smtpd services, one entry for each name in the log.
    pub postfix: Vec<PostfixService>,
    /// What is known of the Dovecot login services.
    pub dovecot: Vec<LoginService>,
}

/// All smtpd services of master.cf that write under one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostfixService {
    /// `$syslog_name/process`: `postfix/submission/smtpd`.
    pub log_name: BString,
    /// Whether smtpd_tls_loglevel lets every TLS session of all of them be logged (1 or more, or a list with `summary`);
    /// none if unknown.
    pub tls_logged: Option<bool>,
    /// Whether they speak TLS from the first byte.
    pub wrapper: Wrapper,
    /// Where that is said: `main.cf:12:1: smtpd_tls_loglevel = 1`.
    pub because: String,
}

/// smtpd_tls_wrappermode of all services that share a name in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrapper {
    /// None of them is in wrapper mode.
    No,
    /// All of them are.
    Yes,
    /// Some are.
    Mixed,
    /// It depends on what no file tells.
    Unknown,
}

/// A login service of Dovecot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginService {
    /// The process: `imap-login`.
    pub log_name: BString,
    /// login_log_format_elements in force.
    pub elements: BString,
    /// login_log_format in force.
    pub format: BString,
    /// Where that is said.
    pub because: String,
}

impl LoginService {
    /// Whether a login under TLS shows it: one of `%c`, `%k`, `%{secured}`, `%{ssl_security}` is among the elements, in a
    /// shape in which its words can be told, and the elements are in the line at all (`%s`, `%{elements}`).
    pub fn shows_tls(&self) -> bool {
        self.tls_element()
            .is_some_and(|found| found.is_plain(&self.elements))
            && self.shows_elements()
    }

    /// Whether the TLS element stands between the name of the user and the client's address, so that a name may look like it.
    pub fn tls_beside_user(&self) -> bool {
        let at = |literal: &[u8]| memmem::find(&self.elements, literal);
        match (at(USER), self.tls_element(), at(b" rip=")) {
            (Some(user), Some(tls), Some(client)) => user < tls.start && tls.start < client,
            (_, _, _) => false,
        }
    }

    /// Whether a login shows its mechanism: `method=%m` or `method=%{mechanism}` is among the elements, and these are in the line.
    pub fn shows_method(&self) -> bool {
        let found = has(&self.elements, b"m", &[b"mech", b"mechanism"]);
        found.is_some_and(|found| found.literal(&self.elements) == b"method=")
            && self.shows_elements()
    }

    fn shows_elements(&self) -> bool {
        has(&self.format, b"s", &[b"elements"]).is_some()
    }

    fn tls_element(&self) -> Option<Variable> {
        has(&self.elements, b"ck", &[b"secured", b"ssl_security"])
    }
}

/// Whether a name is that of a host in a log. Syslog writes names in full or up to the first dot, so `mail` and
/// `mail.example.org` are one. With `*` or `?` it is a pattern.
pub fn names_host(name: &[u8], host: &[u8]) -> bool {
    let full = |name: &[u8]| name.contains(&b'.');
    if name.iter().any(|byte| matches!(byte, b'*' | b'?')) {
        let pattern = name.to_str().ok().and_then(|name| Pattern::new(name).ok());
        return pattern.is_some_and(|pattern| pattern.matches(&host.to_str_lossy()));
    }
    if full(name) == full(host) || is_address(name) || is_address(host) {
        return name.eq_ignore_ascii_case(host);
    }
    let short = |name: &[u8]| name.split_str(".").next().unwrap_or_default().to_vec();
    short(name).eq_ignore_ascii_case(&short(host))
}

/// A syslog server writes the address of a host whose name it does not find.
fn is_address(host: &[u8]) -> bool {
    host.to_str()
        .is_ok_and(|host| host.parse::<IpAddr>().is_ok())
}

/// A variable in a format.
#[derive(Clone, Copy, Debug)]
struct Variable {
    /// Where its `%` stands.
    start: usize,
    /// Where its letter stands, or its long name.
    name: usize,
    end: usize,
}

impl Variable {
    /// What stands before it in the same element.
    fn literal(self, format: &[u8]) -> &[u8] {
        let before = &format[..self.start];
        let blank = before.iter().rposition(|byte| *byte == b' ');
        &before[blank.map_or(0, |blank| blank + 1)..]
    }

    /// Whether its words on TLS can be told, as `elements` reads them: `%c`, `"%c"`, `[%c]`, or the same behind a key about TLS;
    /// no modifier but for case and for a width that leaves enough of them.
    fn is_plain(self, format: &[u8]) -> bool {
        let literal = self.literal(format);
        let key = literal.strip_suffix(b"\"").unwrap_or(literal);
        let fits = match key {
            b"" | b"[" => true,
            [key @ .., b'=', b'<'] | [key @ .., b'='] => is_about_tls(key),
            [..] => false,
        };
        let modifiers = &format[self.start + 1..self.name];
        let mut letters = modifiers.iter().filter(|byte| !matches!(byte, b'L' | b'U'));
        let wide = match (letters.next(), letters.next()) {
            (None, _) => true,
            (Some(width), None) => matches!(width, b'5'..=b'9'),
            (Some(_), Some(_)) => false,
        };
        let mut filters = format[self.name..self.end]
            .split(|byte| *byte == b'|')
            .skip(1);
        let readable = filters.all(|filter| {
            let filter = filter.trim_ascii();
            let filter = filter.strip_suffix(b"}").unwrap_or(filter).trim_ascii();
            filter == b"lower" || filter == b"upper"
        });
        let ends = format
            .get(self.end)
            .is_none_or(|byte| !byte.is_ascii_alphanumeric());
        fits && wide && readable && ends
    }
}

/// Where one of the variables stands in a format, by its letter (2.0 to 2.3) or its long name.
///
/// `%Lu` and `%5.10c` have modifiers before the letter (lib/var-expand.c, 2.3); 2.4 has `%{secured | upper}`.
fn has(format: &[u8], letters: &[u8], names: &[&[u8]]) -> Option<Variable> {
    memmem::find_iter(format, b"%").find_map(|start| {
        let rest = &format[start + 1..];
        let modifiers = rest
            .iter()
            .take_while(|byte| byte.is_ascii_digit() || b"LUEXRTMHN.-".contains(byte))
            .count();
        let name = start + 1 + modifiers;
        let end = match &rest[modifiers..] {
            [b'{', rest @ ..] => {
                let named = names.iter().any(|name| {
                    let after = rest.trim_ascii_start().strip_prefix(*name);
                    after.is_some_and(|after| {
                        after.first().is_none_or(|byte| b"} |:;".contains(byte))
                    })
                });
                let close = memchr::memchr(b'}', rest).map_or(rest.len(), |close| close + 1);
                named.then_some(name + 1 + close)?
            }
            [letter, ..] => letters.contains(letter).then_some(name + 1)?,
            [] => return None,
        };
        Some(Variable { start, name, end })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_have_short_and_full_names() {
        for (name, host, same) in [
            ("mail.example.org", "mail", true),
            ("mail", "Mail.example.org", true),
            ("mail.example.org", "mail.example.org", true),
            ("mail.example.org", "mail.example.net", false),
            ("mail", "mail2", false),
            ("192", "192.0.2.1", false),
            ("192.0.2.1", "192.0.2.1", true),
            ("mx*", "mx12", true),
            ("mx*", "mail", false),
            ("[", "mail", false),
        ] {
            assert_eq!(
                names_host(name.as_bytes(), host.as_bytes()),
                same,
                "{name} {host}"
            );
        }
    }

    #[test]
    fn formats_tell_whether_tls_shows() {
        for (elements, format, shows, early) in [
            (
                "user=<%u> method=%m rip=%r lip=%l mpid=%e %c session=<%{session}>",
                "%$: %s",
                true,
                false,
            ),
            (
                "user=<%{user}> method=%{mechanism} rip=%{remote_ip} lip=%{local_ip} mpid=%{mail_pid} %{secured} session=<%{session}>",
                "%{message}: %{elements}",
                true,
                false,
            ),
            ("user=<%u> %k method=%m rip=%r", "%$: %s", true, true),
            ("user=<%u> tls=%Uc rip=%r", "%$: %s", true, true),
            (
                "user=<%u> %{ssl_security | upper} rip=%{remote_ip}",
                "%{message}: %{elements}",
                true,
                true,
            ),
            ("%c user=<%u> method=%m rip=%r", "%$: %s", true, false),
            ("rip=%r user=<%u> method=%m [%c]", "%$: %s", true, false),
            ("user=<%u> method=%m rip=%r %5c", "%$: %s", true, false),
            (
                "user=<%u> method=%m rip=%r tls=\"%c\"",
                "%$: %s",
                true,
                false,
            ),
            // Words that nobody could tell any more.
            ("user=<%u> method=%m rip=%r %2c", "%$: %s", false, false),
            ("user=<%u> method=%m rip=%r %Hc", "%$: %s", false, false),
            ("user=<%u> method=%m rip=%r x%c", "%$: %s", false, false),
            (
                "user=<%{user}> rip=%{remote_ip} %{secured | sha1}",
                "%{message}: %{elements}",
                false,
                false,
            ),
            ("user=<%u> rip=%r conn:%c", "%$: %s", false, false),
            (
                "user=<%u> method=%m rip=%r transport=%c",
                "%$: %s",
                false,
                false,
            ),
            (
                "user=<%u> rip=%r session=<%{session}>%c",
                "%$: %s",
                false,
                false,
            ),
            ("user=<%u> method=%m rip=%r %04c", "%$: %s", false, false),
            ("user=<%u> %m rip=%r %c", "%$: %s", true, false),
            ("user=<%u> method=%m rip=%r", "%$: %s", false, false),
            ("user=<%u> rip=%r %c", "%$", false, false),
        ] {
            let service = LoginService {
                log_name: "imap-login".into(),
                elements: elements.into(),
                format: format.into(),
                because: String::new(),
            };
            assert_eq!(service.shows_tls(), shows, "{elements}");
            assert_eq!(service.tls_beside_user(), early, "{elements}");
            let method = elements.contains("method=") && format.contains("%");
            assert_eq!(
                service.shows_method(),
                method && format != "%$",
                "{elements}"
            );
        }
    }
}
