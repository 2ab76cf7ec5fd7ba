//! The calibration: what a configuration says about the log, so that silence can be told from proof.
//!
//! It is a plain value; whoever has the configuration fills it in. `transport` applies it.

use bstr::BString;
use memchr::memmem;

/// What a configuration says about the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calibration {
    /// The names by which the configured host may call itself in the log, such as `mail.example.org`; a log has it
    /// in full or up to the first dot. Where the list is empty, the configuration counts for a log of one host only.
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
    /// Whether smtpd_tls_loglevel lets every TLS session be logged (1 or more, or a list with `summary`); none if unknown
    /// or if services that share the name differ.
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
    /// Whether a login under TLS shows it: one of `%c`, `%k`, `%{secured}`, `%{ssl_security}` is among the elements,
    /// and the elements are in the line at all (`%s`, `%{elements}`).
    pub fn shows_tls(&self) -> bool {
        self.tls_element().is_some() && has(&self.format, b"s", &[b"elements"]).is_some()
    }

    /// Whether the TLS element stands left of the client's address.
    pub fn tls_before_client(&self) -> bool {
        let client = has(
            &self.elements,
            b"r",
            &[b"rip", b"remote_ip", b"real_rip", b"real_remote_ip"],
        );
        matches!((self.tls_element(), client), (Some(tls), Some(client)) if tls < client)
    }

    /// Whether a login shows its mechanism: `%m` or `%{mechanism}` is among the elements, and these are in the line.
    pub fn shows_method(&self) -> bool {
        has(&self.elements, b"m", &[b"mech", b"mechanism"]).is_some()
            && has(&self.format, b"s", &[b"elements"]).is_some()
    }

    fn tls_element(&self) -> Option<usize> {
        has(&self.elements, b"ck", &[b"secured", b"ssl_security"])
    }
}

/// Where one of the variables stands in a format, by its letter (2.0 to 2.3) or its long name.
///
/// `%Lu` and `%5.10c` have modifiers before the letter (lib/var-expand.c, 2.3); 2.4 has `%{secured | upper}`.
fn has(format: &[u8], letters: &[u8], names: &[&[u8]]) -> Option<usize> {
    memmem::find_iter(format, b"%").find(|&at| {
        let rest = &format[at + 1..];
        let modifiers = rest
            .iter()
            .take_while(|byte| byte.is_ascii_digit() || b"LUEXRTMHN.-".contains(byte))
            .count();
        match &rest[modifiers..] {
            [b'{', rest @ ..] => names.iter().any(|name| {
                rest.trim_ascii_start()
                    .strip_prefix(*name)
                    .is_some_and(|after| after.first().is_none_or(|byte| b"} |:;".contains(byte)))
            }),
            [letter, ..] => letters.contains(letter),
            [] => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(service.tls_before_client(), early, "{elements}");
            let method = elements.contains("method=") && format.contains("%");
            assert_eq!(
                service.shows_method(),
                method && format != "%$",
                "{elements}"
            );
        }
    }
}
