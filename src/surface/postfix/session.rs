//! A session: what smtpd offers a client without TLS and what it accepts from it.
//!
//! The derivation follows smtpd/smtpd.c:pre_jail_init and smtpd_proto (2.8 and later; smtpd_service before it).
//! `keyword` says what is withheld from whom, `early` who is turned away before a login, `tls` whether TLS can come about.
//! Every line of the table was seen on live 3.5.25, 3.7.11, 3.10.13 and 3.11.7.

use bstr::ByteSlice;

use crate::postfix::{Fault, Service, Value, View, quoted_words};
use crate::surface::sasl::{Mechanisms, Offered};
use crate::surface::{Because, Endpoint, Exemption, ExemptionKind, TlsMode, Verdict};
use crate::version::Version;

use super::early::Early;
use super::keyword::{Keywords, Withheld};
use super::policy::Policy;
use super::{Instance, because, relay, start, tls};

/// What the service behind SASL is taken to offer where nothing tells.
const USUAL: [&[u8]; 3] = [b"PLAIN", b"LOGIN", b"CRAM-MD5"];

/// Judges one smtpd and writes the verdict into its endpoint.
pub(super) fn judge(
    instance: &Instance<'_>,
    service: &Service,
    down: Option<&start::Down>,
    endpoint: &mut Endpoint,
) {
    let view = instance.config.view(Some(service), instance.version);
    let own = start::of_service(instance, &view, service);
    if let Some(down) = down.or(own.as_ref()) {
        endpoint.verdict = down.verdict();
        endpoint.because.extend(down.because.clone());
        return;
    }
    if let Err(fault) = judge_running(instance, &view, endpoint) {
        let down = start::Down::from(fault);
        endpoint.verdict = down.verdict();
        endpoint.because = down.because.into_iter().collect();
    }
}

fn judge_running(
    instance: &Instance<'_>,
    view: &View<'_>,
    endpoint: &mut Endpoint,
) -> Result<(), Fault> {
    let policy = Policy::of(view)?;
    let keywords = Keywords::of(instance, view)?;
    if view.version() < Version::new(2, 5) && policy.enforces && !tls::names_certificate(view)? {
        let because = policy.because.clone();
        endpoint.verdict = Verdict::Fails("No server certs available. TLS can't be enabled".into());
        endpoint.because = because;
        return Ok(());
    }
    let (withheld, doubt) = keywords.from(instance.question.client.map(|client| client.from));
    endpoint.tls = match (policy.wrapper, policy.offers && !withheld.starttls) {
        (true, _) => TlsMode::Implicit,
        (false, true) => TlsMode::StartTls,
        (false, false) => TlsMode::None,
    };
    let (sasl, sasl_value) = view.flag("smtpd_sasl_auth_enable")?;
    let sasl_value = because("smtpd_sasl_auth_enable", &sasl_value);
    if !sasl {
        endpoint.because.push(sasl_value);
        endpoint.verdict = Verdict::NoAuth;
        return Ok(());
    }
    if let Some(name) = relay::assumed_stop(view) {
        endpoint
            .assumed
            .push(format!("what a template puts into {name} stops relaying"));
    }
    let session = Session::of(instance, view, policy, endpoint)?;
    let (verdict, because) = session.verdict(withheld, &keywords);
    endpoint.verdict = verdict;
    endpoint.because = because;
    endpoint.tls_fault.clone_from(&session.tls_fault);
    endpoint.because.push(sasl_value);
    if let Some(why) = doubt {
        endpoint.because.insert(0, keywords.maps_because());
        endpoint.verdict = Verdict::Unknown(why);
    }
    session.exempt(instance, view, &keywords, endpoint)
}

/// One smtpd in which SASL is enabled, as far as it is the same for every client.
struct Session {
    policy: Policy,
    /// The mechanisms without TLS, or why there is none, with the setting that says so.
    without_tls: Offer,
    under_tls: Offer,
    /// Why TLS cannot come about.
    tls_fault: Option<Because>,
    /// `smtpd_noop_commands`, where AUTH or STARTTLS is among them.
    ignored: Option<(Ignored, Because)>,
    /// Why clients are turned away before they can log in.
    early: Early,
    /// `smtpd_command_filter`, which may do anything to a command.
    rewritten: Option<Because>,
}

/// A command that smtpd answers with 250 and does not carry out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ignored {
    Auth,
    StartTls,
}

/// The mechanisms of one phase.
struct Offer {
    mechanisms: Mechanisms,
    /// What smtpd dies of where there is no mechanism.
    message: String,
    because: Because,
}

impl Session {
    fn of(
        instance: &Instance<'_>,
        view: &View<'_>,
        policy: Policy,
        endpoint: &mut Endpoint,
    ) -> Result<Self, Fault> {
        let offered = match &instance.question.sasl {
            Some(known) if view.value("smtpd_sasl_type")?.is("dovecot") => Some(known),
            Some(_) | None => None,
        };
        let without_tls = Offer::of(view, "smtpd_sasl_security_options", offered)?;
        let under_tls = Offer::of(view, "smtpd_sasl_tls_security_options", offered)?;
        if offered.is_none()
            && !policy.auth_only
            && !without_tls.mechanisms.is_empty()
            && !without_tls.mechanisms.sends_secret()
        {
            endpoint.assumed.push(
                "the authentication service offers a challenge mechanism such as CRAM-MD5".into(),
            );
        }
        let tls_fault = if policy.offers {
            tls::fault(instance, view, policy.enforces, endpoint)?
        } else {
            None
        };
        // smtpd_tls_req_ccert acts only where TLS is enforced: without a certificate of its own a client is sent away (live).
        if policy.enforces && view.flag("smtpd_tls_req_ccert")?.0 {
            endpoint.assumed.push(
                "clients have a certificate of their own, which smtpd_tls_req_ccert demands".into(),
            );
        }
        let filter = view.value("smtpd_command_filter")?;
        Ok(Self {
            ignored: ignored_command(view)?,
            early: Early::of(instance, view, policy.wrapper)?,
            rewritten: (!filter.text.is_empty()).then(|| because("smtpd_command_filter", &filter)),
            policy,
            without_tls,
            under_tls,
            tls_fault,
        })
    }

    /// What a client finds from which these keywords are withheld, and why.
    fn verdict(&self, withheld: Withheld, keywords: &Keywords) -> (Verdict, Vec<Because>) {
        let first = if self.policy.wrapper {
            Some(&self.under_tls)
        } else {
            (!self.policy.auth_only).then_some(&self.without_tls)
        };
        let tls_is_up = !self.policy.wrapper || self.tls_fault.is_none();
        if let Some(offer) = first.filter(|offer| offer.mechanisms.is_empty() && tls_is_up) {
            // smtpd_sasl_glue.c:smtpd_sasl_activate is fatal, whatever the client goes on to say.
            return (
                Verdict::Fails(offer.message.clone()),
                vec![offer.because.clone()],
            );
        }
        if withheld.auth {
            return (Verdict::NoAuth, vec![keywords.because()]);
        }
        if let Some((Ignored::Auth, because)) = &self.ignored {
            return (Verdict::NoAuth, vec![because.clone()]);
        }
        match &self.early {
            Early::Nobody => {}
            Early::Everybody(because) => return (Verdict::LockedOut, vec![because.clone()]),
            Early::Unknown(why, because) => {
                return (Verdict::Unknown(why.clone()), vec![because.clone()]);
            }
        }
        let mut reasons = self.policy.because.clone();
        let verdict = if self.policy.auth_only {
            let fault = self.no_tls(withheld, keywords);
            let locked_out = fault.is_some();
            reasons.splice(0..0, fault.flatten());
            if locked_out {
                Verdict::LockedOut
            } else {
                Verdict::TlsOnly
            }
        } else if self.without_tls.mechanisms.sends_secret() {
            Verdict::Cleartext
        } else {
            reasons.push(self.without_tls.because.clone());
            Verdict::Challenge
        };
        if let Some(because) = &self.rewritten {
            reasons.insert(0, because.clone());
            let why = format!("smtpd_command_filter ({}) may rewrite AUTH", because.value);
            return (Verdict::Unknown(why), reasons);
        }
        (verdict, reasons)
    }

    /// Why nobody can log in under TLS; the reason is empty where the policy already tells.
    fn no_tls(&self, withheld: Withheld, keywords: &Keywords) -> Option<Option<Because>> {
        if !self.policy.offers {
            return Some(None);
        }
        if !self.policy.wrapper && withheld.starttls {
            return Some(Some(keywords.because()));
        }
        if !self.policy.wrapper
            && let Some((Ignored::StartTls, because)) = &self.ignored
        {
            return Some(Some(because.clone()));
        }
        if let Some(fault) = &self.tls_fault {
            return Some(Some(fault.clone()));
        }
        self.under_tls
            .mechanisms
            .is_empty()
            .then(|| Some(self.under_tls.because.clone()))
    }

    /// Writes down the clients for whom something else holds.
    fn exempt(
        &self,
        instance: &Instance<'_>,
        view: &View<'_>,
        keywords: &Keywords,
        endpoint: &mut Endpoint,
    ) -> Result<(), Fault> {
        if instance.question.client.is_none() {
            for (network, withheld) in keywords.groups() {
                let (verdict, _) = self.verdict(withheld, keywords);
                if verdict.word() != endpoint.verdict.word() {
                    endpoint.exemptions.push(Exemption {
                        kind: ExemptionKind::Filter,
                        network: Some(network),
                        detail: format!(
                            "smtpd_discard_ehlo_keyword_address_maps withholds other keywords from them: {}",
                            verdict.word()
                        ),
                        origin: Some(keywords.maps_because().origin),
                    });
                }
            }
        }
        let proxied = view.value("smtpd_upstream_proxy_protocol")?;
        let behind_postscreen = view
            .service()
            .is_some_and(|service| service.kind.text == "pass");
        if !proxied.text.is_empty() && !behind_postscreen {
            endpoint.exemptions.push(Exemption {
                kind: ExemptionKind::HaProxy,
                network: None,
                detail: format!(
                    "clients come through a proxy that speaks {}; TLS that ends there is clear text to smtpd",
                    proxied.text
                ),
                origin: Some(proxied.origin),
            });
        }
        let trusted = view.value("smtpd_authorized_xclient_hosts")?;
        if !trusted.text.is_empty() {
            endpoint.exemptions.push(Exemption {
                kind: ExemptionKind::HaProxy,
                network: Some(trusted.text.to_string()),
                detail: "these hosts may name another client and its login with XCLIENT, which works only where smtpd takes AUTH from them".into(),
                origin: Some(trusted.origin),
            });
        }
        Ok(())
    }
}

impl Offer {
    /// What options and mechanism filter leave of the mechanisms.
    fn of(view: &View<'_>, options: &str, offered: Option<&Offered>) -> Result<Self, Fault> {
        let value = view.value(options)?;
        let usual = Mechanisms::named(USUAL);
        let all = offered.map_or(usual, |offered| offered.mechanisms);
        let left = match all.under(value.words().map(|word| word.as_bytes())) {
            Ok(left) => left,
            Err(word) => {
                return Ok(Self {
                    mechanisms: Mechanisms::NONE,
                    message: format!("unknown {options} value \"{}\"", word.as_bstr()),
                    because: because(options, &value),
                });
            }
        };
        if view.version() >= Version::new(3, 6) && !left.is_empty() {
            // The filter decides what is announced, and smtpd dies where that is nothing; what it hides can be used all the
            // same (smtpd_sasl_glue.c hands every name on; live 3.7.11, 3.10.13).
            let filter = view.value("smtpd_sasl_mechanism_filter")?;
            if left.filtered(|name| passes(&filter, name)).is_empty() {
                return Ok(Self {
                    mechanisms: Mechanisms::NONE,
                    message: "smtpd_sasl_mechanism_filter discards all mechanisms".into(),
                    because: because("smtpd_sasl_mechanism_filter", &filter),
                });
            }
        }
        // Where no password was on offer to begin with, it is not the options that keep passwords out.
        let decider = offered.filter(|offered| !offered.mechanisms.sends_secret());
        Ok(Self {
            mechanisms: left,
            message: "no SASL authentication mechanisms".into(),
            because: decider.map_or_else(
                || because(options, &value),
                |offered| offered.because.clone(),
            ),
        })
    }
}

/// Whether a mechanism passes the filter: the first pattern that matches decides, in any case (util/match_list.c).
/// A table or file is taken to name it.
fn passes(filter: &Value, mechanism: &str) -> bool {
    for pattern in quoted_words(&filter.text) {
        let bare = pattern.trim_start_with(|c| c == '!');
        let inside = (pattern.len() - bare.len()).is_multiple_of(2);
        if bare.eq_ignore_ascii_case(mechanism.as_bytes())
            || bare.contains(&b':')
            || bare.starts_with(b"/")
        {
            return inside;
        }
    }
    false
}

/// AUTH or STARTTLS among `smtpd_noop_commands`, in any case: answered 250, with no effect (smtpd.c:smtpd_proto; live).
fn ignored_command(view: &View<'_>) -> Result<Option<(Ignored, Because)>, Fault> {
    let commands = view.value("smtpd_noop_commands")?;
    let has = |name: &[u8]| commands.words().any(|word| word.eq_ignore_ascii_case(name));
    let ignored = if has(b"AUTH") {
        Some(Ignored::Auth)
    } else if has(b"STARTTLS") {
        Some(Ignored::StartTls)
    } else {
        None
    };
    Ok(ignored.map(|ignored| (ignored, because("smtpd_noop_commands", &commands))))
}
