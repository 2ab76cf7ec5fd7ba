//! A session: what smtpd offers a client without TLS and what it accepts from it.
//!
//! The derivation follows smtpd/smtpd.c:pre_jail_init (2.8 and later; smtpd_service before it) and, for the mechanisms,
//! xsasl/xsasl_dovecot_server.c. Every line of the table was seen on live 3.5.25, 3.7.11, 3.10.13 and 3.11.7.

use bstr::ByteSlice;

use crate::postfix::{Fault, Service, Value, View, words};
use crate::surface::{Because, Endpoint, Exemption, ExemptionKind, TlsMode, Verdict};
use crate::version::Version;

use super::{Instance, relay, start, tls};

/// What the parameters of one service come to.
struct Policy {
    wrapper: bool,
    /// TLS is on offer.
    offers: bool,
    /// Every command waits for TLS.
    enforces: bool,
    /// SASL waits for TLS.
    auth_only: bool,
    because: Vec<Because>,
}

/// Judges one smtpd and writes the verdict into its endpoint.
pub(super) fn judge(
    instance: &Instance<'_>,
    service: &Service,
    down: Option<&start::Down>,
    endpoint: &mut Endpoint,
) {
    let own = start::of_service(instance, service);
    if let Some(down) = down.or(own.as_ref()) {
        endpoint.verdict = down.verdict();
        endpoint.because.extend(down.because.clone());
        return;
    }
    let view = instance.config.view(Some(service), instance.version);
    if let Err(fault) = judge_running(instance, &view, endpoint) {
        endpoint.because = vec![Because {
            setting: fault.name,
            value: fault.value,
            origin: fault.origin,
        }];
        endpoint.verdict = Verdict::Fails(fault.message);
    }
}

fn judge_running(
    instance: &Instance<'_>,
    view: &View<'_>,
    endpoint: &mut Endpoint,
) -> Result<(), Fault> {
    let (sasl, sasl_value) = view.flag("smtpd_sasl_auth_enable")?;
    let policy = policy(view)?;
    let works = tls::works(instance, view, policy.enforces, endpoint)?;
    let discards = discards(instance, view, endpoint)?;
    let starttls = policy.offers && !discards.starttls;
    endpoint.tls = if policy.wrapper {
        TlsMode::Implicit
    } else if starttls {
        TlsMode::StartTls
    } else {
        TlsMode::None
    };
    endpoint
        .because
        .push(because("smtpd_sasl_auth_enable", sasl_value));
    if !sasl {
        endpoint.verdict = Verdict::NoAuth;
        return Ok(());
    }
    endpoint.because.extend(policy.because.iter().cloned());
    let tls_value = view.value("smtpd_sasl_tls_security_options")?;
    let under_tls = Mechanisms::left(view, &tls_value)?;
    let plain_value = view.value("smtpd_sasl_security_options")?;
    let without_tls = Mechanisms::left(view, &plain_value)?;
    if !policy.auth_only && without_tls.is_empty() {
        endpoint.because = vec![because("smtpd_sasl_security_options", plain_value)];
        endpoint.verdict = Verdict::Fails("no SASL authentication mechanisms".to_owned());
        return Ok(());
    }
    if discards.auth {
        endpoint.because.insert(0, discards.because(view)?);
        endpoint.verdict = Verdict::NoAuth;
        return Ok(());
    }
    if let Some(verdict) = ignored_commands(view, endpoint)? {
        endpoint.verdict = verdict;
        return Ok(());
    }
    if let Some(why) = rejects_early(instance, view, policy.wrapper)? {
        endpoint.because.insert(0, why);
        endpoint.verdict = Verdict::LockedOut;
        return Ok(());
    }
    let tls_login = (policy.wrapper || starttls) && works.is_none() && !under_tls.is_empty();
    if !policy.auth_only {
        endpoint.verdict = if without_tls.password {
            Verdict::Cleartext
        } else {
            endpoint.assumed.push(
                "the authentication service offers a challenge mechanism such as CRAM-MD5"
                    .to_owned(),
            );
            endpoint
                .because
                .insert(0, because("smtpd_sasl_security_options", plain_value));
            Verdict::Challenge
        };
    } else if tls_login {
        endpoint.verdict = Verdict::TlsOnly;
        client_certificates(view, policy.enforces, endpoint)?;
    } else {
        if discards.starttls && !policy.wrapper {
            endpoint.because.push(discards.because(view)?);
        }
        if under_tls.is_empty() {
            endpoint
                .because
                .push(because("smtpd_sasl_tls_security_options", tls_value));
        }
        endpoint.because.extend(works);
        endpoint.verdict = Verdict::LockedOut;
    }
    Ok(())
}

fn because(setting: &str, value: Value) -> Because {
    Because {
        setting: setting.to_owned(),
        value: value.text,
        origin: value.origin,
    }
}

/// smtpd.c:pre_jail_init: wrapper mode and the level, and only where the level is empty the older booleans.
fn policy(view: &View<'_>) -> Result<Policy, Fault> {
    let (wrapper, wrapper_value) = view.flag("smtpd_tls_wrappermode")?;
    let (auth_only, auth_only_value) = view.flag("smtpd_tls_auth_only")?;
    let (use_tls, use_value) = view.flag("smtpd_use_tls")?;
    let (enforce_tls, enforce_value) = view.flag("smtpd_enforce_tls")?;
    let level = view.value("smtpd_tls_security_level")?;
    let by_level = if wrapper {
        None
    } else {
        level_of(view, &level)?
    };
    let (offers, enforces) = by_level.unwrap_or((use_tls || enforce_tls, enforce_tls));
    let mut reasons = Vec::new();
    if wrapper {
        reasons.push(because("smtpd_tls_wrappermode", wrapper_value));
    } else {
        reasons.push(because("smtpd_tls_auth_only", auth_only_value));
        reasons.push(because("smtpd_tls_security_level", level));
        if by_level.is_none() {
            if use_tls {
                reasons.push(because("smtpd_use_tls", use_value));
            }
            if enforce_tls {
                reasons.push(because("smtpd_enforce_tls", enforce_value));
            }
        }
    }
    Ok(Policy {
        wrapper,
        offers: offers || wrapper,
        enforces: enforces || wrapper,
        auth_only: auth_only || enforces || wrapper,
        because: reasons,
    })
}

/// (offers, enforces) by the level; none where it is empty, or, before 2.5, unknown.
fn level_of(view: &View<'_>, level: &Value) -> Result<Option<(bool, bool)>, Fault> {
    let word = level.text.to_ascii_lowercase();
    match word.as_slice() {
        b"" => Ok(None),
        b"none" => Ok(Some((false, false))),
        b"may" => Ok(Some((true, false))),
        b"encrypt" | b"verify" | b"secure" => Ok(Some((true, true))),
        b"fingerprint" if view.version() >= Version::new(2, 5) => Ok(Some((true, true))),
        // 2.3 and 2.4 warn and go by the booleans; later releases die (smtpd.c, "Invalid TLS level").
        _ if view.version() < Version::new(2, 5) => Ok(None),
        _ => Err(Fault {
            name: "smtpd_tls_security_level".to_owned(),
            message: format!("Invalid TLS level \"{}\"", level.text),
            value: level.text.clone(),
            origin: level.origin,
        }),
    }
}

/// What is left of the SASL mechanisms under some options. The service behind SASL is taken to offer PLAIN, LOGIN and
/// CRAM-MD5, as most do; no file of Postfix tells.
struct Mechanisms {
    /// PLAIN or LOGIN.
    password: bool,
    /// CRAM-MD5.
    challenge: bool,
}

impl Mechanisms {
    const fn is_empty(&self) -> bool {
        !self.password && !self.challenge
    }

    /// xsasl_dovecot_server.c and smtpd_sasl_mechanism_filter (3.6 and later).
    fn left(view: &View<'_>, options: &Value) -> Result<Self, Fault> {
        let mut left = Self {
            password: true,
            challenge: true,
        };
        for option in options.words() {
            match option.to_ascii_lowercase().as_slice() {
                b"noplaintext" => left.password = false,
                // CRAM-MD5 is open to dictionary and active attacks, PLAIN and LOGIN are not flagged so (live).
                b"nodictionary" | b"noactive" => left.challenge = false,
                b"noanonymous" => {}
                b"forward_secrecy" | b"mutual_auth" => {
                    left.password = false;
                    left.challenge = false;
                }
                _ => {
                    return Err(Fault {
                        name: "smtpd_sasl_security_options".to_owned(),
                        message: format!("unknown SASL security option \"{option}\""),
                        value: options.text.clone(),
                        origin: options.origin,
                    });
                }
            }
        }
        if view.version() >= Version::new(3, 6) {
            let filter = view.value("smtpd_sasl_mechanism_filter")?;
            left.password &= passes(&filter, "plain") || passes(&filter, "login");
            left.challenge &= passes(&filter, "cram-md5");
        }
        Ok(left)
    }
}

/// Whether a mechanism passes the filter: the first pattern that matches decides, in any case (util/string_list.c).
/// A table other than `static:` is taken not to name it.
fn passes(filter: &Value, mechanism: &str) -> bool {
    for pattern in filter.words() {
        let (negated, pattern) = match pattern.strip_prefix(b"!") {
            Some(rest) => (true, rest),
            None => (false, pattern.as_bytes()),
        };
        if pattern.eq_ignore_ascii_case(mechanism.as_bytes()) || pattern.starts_with(b"static:") {
            return !negated;
        }
    }
    false
}

/// The EHLO keywords that are withheld from the client in question.
struct Discards {
    auth: bool,
    starttls: bool,
}

impl Discards {
    fn because(&self, view: &View<'_>) -> Result<Because, Fault> {
        let value = view.value("smtpd_discard_ehlo_keywords")?;
        Ok(because("smtpd_discard_ehlo_keywords", value))
    }
}

/// smtpd_discard_ehlo_keywords, in any case; the commands behind them are refused as well (smtpd.c, live).
fn discards(
    instance: &Instance<'_>,
    view: &View<'_>,
    endpoint: &mut Endpoint,
) -> Result<Discards, Fault> {
    let maps = view.value("smtpd_discard_ehlo_keyword_address_maps")?;
    let mut keywords = view.value("smtpd_discard_ehlo_keywords")?.text;
    if !maps.text.is_empty() {
        match super::table::look_up(instance, &maps.text) {
            Some(found) => {
                if let Some(hit) = found {
                    keywords = hit;
                }
            }
            None => endpoint.exemptions.push(Exemption {
                kind: ExemptionKind::Filter,
                network: Some(maps.text.to_string()),
                detail: "clients in this table may be offered AUTH or STARTTLS otherwise, and it cannot be read here"
                    .to_owned(),
                origin: Some(maps.origin),
            }),
        }
    }
    let has =
        |keyword: &str| words(&keywords).any(|word| word.eq_ignore_ascii_case(keyword.as_bytes()));
    Ok(Discards {
        auth: has("auth"),
        starttls: has("starttls"),
    })
}

/// smtpd_noop_commands may swallow AUTH (answered 250, live); smtpd_command_filter may rewrite anything (2.7 and later).
fn ignored_commands(view: &View<'_>, endpoint: &mut Endpoint) -> Result<Option<Verdict>, Fault> {
    let noop = view.value("smtpd_noop_commands")?;
    if noop.words().any(|word| word.eq_ignore_ascii_case(b"AUTH")) {
        endpoint
            .because
            .insert(0, because("smtpd_noop_commands", noop));
        return Ok(Some(Verdict::NoAuth));
    }
    let filter = view.value("smtpd_command_filter")?;
    if !filter.text.is_empty() {
        let why = format!("smtpd_command_filter ({}) may rewrite AUTH", filter.text);
        endpoint
            .because
            .insert(0, because("smtpd_command_filter", filter));
        return Ok(Some(Verdict::Unknown(why)));
    }
    Ok(None)
}

/// With smtpd_delay_reject = no the client and helo restrictions are evaluated before AUTH can be sent, and with them
/// `reject` and, without TLS, `reject_plaintext_session` shut the client out (smtpd_check.c; live, four releases).
fn rejects_early(
    instance: &Instance<'_>,
    view: &View<'_>,
    wrapper: bool,
) -> Result<Option<Because>, Fault> {
    if view.flag("smtpd_delay_reject")?.0 {
        return Ok(None);
    }
    for name in ["smtpd_client_restrictions", "smtpd_helo_restrictions"] {
        let value = view.value(name)?;
        for word in value.words() {
            let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
            let inside = is("permit_mynetworks")
                && instance
                    .question
                    .client
                    .is_some_and(|client| relay::is_in_mynetworks(view, client.from) == Some(true));
            if is("permit") || inside {
                break;
            }
            if is("reject") || is("defer") || is("reject_plaintext_session") && !wrapper {
                return Ok(Some(because(name, value.clone())));
            }
        }
    }
    Ok(None)
}

/// smtpd_tls_req_ccert acts only where TLS is enforced: without a certificate of its own a client is sent away (live).
fn client_certificates(
    view: &View<'_>,
    enforces: bool,
    endpoint: &mut Endpoint,
) -> Result<(), Fault> {
    let (required, _) = view.flag("smtpd_tls_req_ccert")?;
    if required && enforces {
        endpoint.assumed.push(
            "clients have a certificate of their own, which smtpd_tls_req_ccert demands".to_owned(),
        );
    }
    Ok(())
}
