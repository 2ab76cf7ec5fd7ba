//! What is in force for one client at one listener, and the verdict that follows.
//!
//! Sources: client_alloc and client_is_tls_enabled in src/login-common/client-common.c, client_check_plaintext_auth in
//! client-common-auth.c, sasl_server_auth_begin in sasl-server.c, login_settings_check in login-settings.c
//! (2.0.9, 2.2.36, 2.3.19.1, 2.4.1), and live on 2.3.13, 2.3.19.1, 2.4.1 and 2.4.5.

use std::net::IpAddr;

use bstr::ByteSlice;

use crate::dovecot::{Config, Family, Listener, Lookup, Net, Value, is_yes};
use crate::source::Origin;
use crate::surface::{Because, Verdict};
use crate::version::Version;

use super::facts::{Facts, Ssl};
use super::mechanism::Mechanisms;
use super::{Instance, because, fails, tls};

/// Who connects where.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) listener: &'a Listener,
    /// TLS comes before the first word.
    pub(super) implicit: bool,
    /// The client's address; none for one that no filter names.
    pub(super) remote: Option<IpAddr>,
    /// The server's address; none where it is not known.
    pub(super) local: Option<IpAddr>,
    /// Both are one.
    pub(super) same_host: bool,
    /// Whether the client is in a trusted network, where that is not to be found out from its address.
    pub(super) trusted: Option<bool>,
}

impl Place<'_> {
    /// What the login process asks for with the addresses of the client.
    pub(super) fn lookup(&self, config: &Config) -> Lookup<'_> {
        Lookup {
            protocol: Some(self.listener.login.protocol),
            service: (config.family == Family::V24).then_some(self.listener.service.as_str()),
            local: self.local,
            remote: self.remote,
            ..Lookup::default()
        }
    }
}

/// A verdict and what decided it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) verdict: Verdict,
    pub(super) because: Vec<Because>,
    /// STARTTLS is on offer.
    pub(super) starttls: bool,
    /// Why TLS cannot come about, where it is on offer.
    pub(super) tls_fault: Option<Because>,
    pub(super) assumed: Vec<String>,
}

impl Answer {
    fn new(verdict: Verdict, because: Vec<Because>, starttls: bool) -> Self {
        Self {
            verdict,
            because,
            starttls,
            tls_fault: None,
            assumed: Vec::new(),
        }
    }
}

/// The listener's own `ssl`, which 2.3 calls by the same name as that of the whole server.
fn of_listener(listener: &Listener) -> Because {
    Because {
        setting: "inet_listener_ssl".to_owned(),
        ..because(&listener.ssl)
    }
}

impl Instance<'_> {
    /// What the client at this place can do.
    pub(super) fn judge(&self, at: &Place<'_>) -> Answer {
        let config = self.config;
        let lookup = at.lookup(config);
        if let Some(conflict) = config.conflict(&lookup) {
            let assignment = &config.assignments[conflict.assignment];
            let mut answer = fails(
                format!(
                    "the connection dies: conflict in setting {} of two blocks that both match",
                    conflict.setting
                ),
                &conflict.setting,
                &assignment.text,
                Origin::File(assignment.value_span),
            );
            if let Some(other) = config.assignments.get(conflict.other) {
                answer.because.push(Because {
                    setting: other.key.to_string(),
                    value: other.text.clone(),
                    origin: Origin::File(other.value_span),
                });
            }
            return answer;
        }
        if at.listener.runs_as_root {
            // The master starts such a process as root, which it refuses (live, 2.3.19.1).
            return fails(
                "This process must not be run as root: the service has no user".into(),
                "user",
                b"",
                at.listener.port.origin,
            );
        }
        let facts = Facts::of(config, at);
        if let Some(answer) = self.bad_network(at, &facts) {
            return answer;
        }
        if let Some(answer) = self.contradiction(at, &facts) {
            return answer;
        }
        if at.listener.haproxy.is_yes() == Some(true)
            && let Some(answer) = self.no_proxy(at)
        {
            return answer;
        }
        let tls = tls::usable(
            self,
            &Lookup {
                ssl_server: true,
                ..lookup
            },
        );
        let clear = allows_cleartext(&facts.cleartext);
        let mut answer = self.decide(at, &facts, Ssl::of(&facts.ssl), clear, &tls);
        if at.implicit || answer.starttls {
            answer.tls_fault = tls.because().into_iter().next();
        }
        // What no file tells may be any word, also one that the server refuses to start with: an environment variable
        // that is not set is empty (live, 2.3.19.1). So not even its own host can be sure of anything.
        if let Some(unknown) = &at.listener.ssl.unknown {
            answer.because.insert(0, of_listener(at.listener));
            answer.verdict = Verdict::Unknown(unknown.clone());
            return answer;
        }
        if let Some(unknown) = facts
            .ssl
            .unknown
            .as_ref()
            .or(facts.cleartext.unknown.as_ref())
        {
            answer.verdict = Verdict::Unknown(unknown.clone());
            return answer;
        }
        if let Some(unknown) = &facts.mechanisms.unknown
            && !at.implicit
            && answer.verdict != Verdict::TlsOnly
        {
            answer.verdict = Verdict::Unknown(unknown.clone());
        }
        answer
    }

    /// 2.4 refuses `ssl = required` beside allowed clear text: for the service at its start, for the client as it comes
    /// (login_settings_check).
    fn contradiction(&self, at: &Place<'_>, facts: &Facts) -> Option<Answer> {
        if self.config.family == Family::V23 {
            return None;
        }
        let check = |ssl: &Value, clear: &Value| {
            (ssl.text == "required" && clear.is_yes() == Some(true)).then(|| {
                let mut answer = fails(
                    "auth_allow_cleartext=yes has no effect with ssl=required".into(),
                    &clear.setting,
                    &clear.text,
                    clear.origin,
                );
                answer.because.push(because(ssl));
                answer
            })
        };
        let lookup = Lookup {
            local: None,
            remote: None,
            ..at.lookup(self.config)
        };
        let ssl = self.config.effective("ssl", &lookup);
        let clear = self.config.effective("auth_allow_cleartext", &lookup);
        check(&ssl, &clear).or_else(|| check(&facts.plain_ssl, &facts.cleartext))
    }

    /// A word in the trusted networks that is no network: 2.4 stops reading there, 2.3 crashes for each client that none
    /// of the networks before it holds (live, 2.3.13 and 2.3.19.1: client_is_trusted logs before there is a log).
    fn bad_network(&self, at: &Place<'_>, facts: &Facts) -> Option<Answer> {
        let crashes = self.config.family == Family::V23 && self.version >= Version::new(2, 3);
        if !crashes || at.trusted.is_some() || facts.trusted.unknown.is_some() {
            return None;
        }
        for word in facts
            .trusted
            .text
            .split(|c| b" ,".contains(c))
            .filter(|word| !word.is_empty())
        {
            let net = Net::parse(word.as_bstr());
            if net.range.is_none() {
                let message = format!(
                    "the login process crashes: login_trusted_networks: Invalid network '{}'",
                    net.text
                );
                return Some(fails(
                    message,
                    &facts.trusted.setting,
                    &facts.trusted.text,
                    facts.trusted.origin,
                ));
            }
            if at.remote.is_some_and(|remote| net.contains(remote)) {
                return None;
            }
        }
        None
    }

    /// A proxy that is not named as trusted is refused (live, 2.4.1).
    fn no_proxy(&self, at: &Place<'_>) -> Option<Answer> {
        let trusted = self
            .config
            .effective("haproxy_trusted_networks", &Lookup::default());
        if trusted.text.is_empty() && trusted.unknown.is_none() {
            let because = vec![because(&at.listener.haproxy), because(&trusted)];
            return Some(Answer::new(Verdict::NoAuth, because, false));
        }
        None
    }

    fn decide(
        &self,
        at: &Place<'_>,
        facts: &Facts,
        ssl: Ssl,
        clear: bool,
        tls: &tls::Usable,
    ) -> Answer {
        let offered = facts.process_ssl.text != "no" && ssl != Ssl::No;
        let works = tls.works() && if at.implicit { ssl != Ssl::No } else { offered };
        let mut because_of = vec![because(&facts.ssl)];
        let mechanisms = Mechanisms::of(&facts.mechanisms.text, at.listener.login.protocol);
        let only_external = mechanisms.external && !mechanisms.plaintext && !mechanisms.challenge;
        let wants_certificate = facts.client_certificate.is_yes() == Some(true);
        let unasked = (wants_certificate || only_external)
            && facts.requests_certificate.is_yes() != Some(true);
        let with_tls = works && !unasked;
        let finish = |verdict: Verdict, because: Vec<Because>| {
            let mut answer = Answer::new(verdict, because, offered && !at.implicit);
            if with_tls {
                answer.assumed.extend(tls.assumed().map(Into::into));
            }
            answer
        };
        let shut = |mut because_of: Vec<Because>| {
            if !with_tls {
                because_of.extend(tls.because());
                if !at.implicit && facts.process_ssl != facts.ssl && facts.process_ssl.text == "no"
                {
                    because_of.push(because(&facts.process_ssl));
                }
            }
            if unasked {
                because_of.push(because(&facts.requests_certificate));
            }
            finish(
                if with_tls {
                    Verdict::TlsOnly
                } else {
                    Verdict::LockedOut
                },
                because_of,
            )
        };
        if wants_certificate {
            because_of.insert(0, because(&facts.client_certificate));
            return shut(because_of);
        }
        if at.implicit {
            because_of.insert(0, of_listener(at.listener));
            return shut(because_of);
        }
        let secured = self.secured(at, facts, ssl, &mut because_of);
        let open = if secured {
            true
        } else if ssl == Ssl::Required {
            false
        } else {
            because_of.insert(0, because(&facts.cleartext));
            clear
        };
        let verdict = match (secured || ssl != Ssl::Required, open) {
            (_, true) if mechanisms.plaintext => Verdict::Cleartext,
            (true, _) if mechanisms.challenge => Verdict::Challenge,
            (_, _) => return shut(because_of),
        };
        because_of.push(because(&facts.mechanisms));
        let mut answer = finish(verdict, because_of);
        if ssl == Ssl::Required
            && self.config.family == Family::V24
            && facts.cleartext.is_yes() == Some(true)
        {
            answer.assumed.push(CRASH.into());
        }
        answer
    }

    /// Whether Dovecot takes the connection for secured although it has no TLS.
    fn secured(
        &self,
        at: &Place<'_>,
        facts: &Facts,
        ssl: Ssl,
        because_of: &mut Vec<Because>,
    ) -> bool {
        let proxied = at.listener.haproxy.is_yes() == Some(true);
        let trusted = at.trusted.unwrap_or_else(|| {
            at.remote
                .is_some_and(|remote| is_trusted(&facts.trusted.text, remote))
        });
        match self.config.family {
            Family::V23 => {
                if trusted {
                    because_of.insert(0, because(&facts.trusted));
                }
                trusted || at.same_host && !proxied
            }
            Family::V24 => {
                if proxied && ssl != Ssl::Required {
                    because_of.insert(0, because(&at.listener.haproxy));
                    return true;
                }
                if trusted && ssl != Ssl::Required && !proxied {
                    because_of.insert(0, because(&facts.trusted));
                    return true;
                }
                at.same_host
            }
        }
    }
}

/// `ssl_server { ssl = required }` beside allowed clear text: an assertion of the login process fails (live, 2.4.1).
const CRASH: &str = "clients that use LOGIN or USER instead of SASL are dropped, since ssl_server { ssl = required } meets auth_allow_cleartext = yes";

/// Whether a password may be sent without TLS, as the setting of the family says it.
fn allows_cleartext(value: &Value) -> bool {
    is_yes(&value.newest())
}

/// Whether an address lies in one of the networks; the daemon stops at the first that is none.
pub(super) fn is_trusted(networks: &[u8], address: IpAddr) -> bool {
    networks
        .split(|c| b" ,".contains(c))
        .filter(|part| !part.is_empty())
        .map(|part| Net::parse(part.as_bstr()))
        .take_while(|net| net.range.is_some())
        .any(|net| net.contains(address))
}
