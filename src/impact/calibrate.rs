//! The calibration: what the configuration says about the log, so that silence about TLS can be told from proof.

use std::collections::BTreeMap;
use std::path::Path;

use bstr::{BString, ByteSlice};

use crate::dovecot::{self, Lookup, Section};
use crate::log::{Calibration, LoginService, PostfixService, Wrapper};
use crate::postfix::{View, words};
use crate::source::{Origin, Sources};
use crate::surface::server::Surface;

/// What the configuration of one server says about its log.
pub fn calibrate(surface: &Surface) -> Calibration {
    let mut calibration = Calibration {
        hosts: hosts(surface),
        ..Calibration::default()
    };
    if let Some(config) = &surface.postfix {
        let version = surface.postfix_version();
        let mut names: BTreeMap<BString, Vec<PostfixService>> = BTreeMap::new();
        if config.master.is_none() {
            // The stock master.cf is assumed, as for the verdicts, and its smtpd has no options of its own.
            let stock = smtpd(&config.view(None, version), &surface.sources);
            names.insert(stock.log_name.clone(), vec![stock]);
        }
        for service in config.services() {
            if service.program() == "smtpd" {
                let one = smtpd(&config.view(Some(service), version), &surface.sources);
                names.entry(one.log_name.clone()).or_default().push(one);
            }
        }
        calibration.postfix = names.into_values().filter_map(joined).collect();
    }
    if let Some(config) = &surface.dovecot {
        calibration.dovecot = logins(config, &surface.sources);
    }
    calibration
}

/// The names by which the log may call the server: what somebody said, its own name, and the names for which it takes mail,
/// among which Debian puts that of the machine.
fn hosts(surface: &Surface) -> Vec<BString> {
    let mut hosts: Vec<BString> = surface
        .hosts
        .iter()
        .map(|name| name.as_str().into())
        .collect();
    let file = Path::new("/etc/hostname");
    let tree = &surface.root.tree;
    // Where only a directory of the server is at hand, the file would be that of the machine on which this runs.
    let is_its_own = tree
        .locate(file)
        .is_some_and(|disk| disk.starts_with(&surface.root.shown));
    if is_its_own && let Ok(name) = tree.read(file) {
        // hostname(5): a name in one line; lines that begin with # are comments.
        let mut lines = name.lines().map(<[u8]>::trim_ascii);
        let name = lines.find(|line| !line.is_empty() && !line.starts_with(b"#"));
        hosts.extend(name.map(BString::from));
    }
    if let Some(config) = &surface.postfix {
        let view = config.view(None, surface.postfix_version());
        for setting in ["myhostname", "mydestination"] {
            if view.is_set(setting)
                && let Ok(value) = view.value(setting)
            {
                let names = words(&value.text).filter(|name| is_name(name));
                hosts.extend(names.map(BString::from));
            }
        }
    }
    hosts.sort();
    hosts.dedup();
    hosts
}

/// Not a table, an address in brackets, or the name that every machine has.
fn is_name(word: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_".contains(byte);
    word.iter().all(is_part) && !word.starts_with(b"localhost")
}

/// The smtpd services, as the log names them, that write no line about TLS.
pub(super) fn without_tls_lines(surface: &Surface) -> Vec<BString> {
    let services = calibrate(surface).postfix.into_iter();
    services
        .filter(|service| service.tls_logged == Some(false))
        .map(|service| service.log_name)
        .collect()
}

/// What one smtpd writes.
fn smtpd(view: &View<'_>, sources: &Sources) -> PostfixService {
    let name = view.value("syslog_name").map(|value| value.text);
    let name = name.unwrap_or_else(|_| "postfix".into());
    let level = view.value("smtpd_tls_loglevel");
    let because = match &level {
        Ok(value) => format!(
            "smtpd_tls_loglevel = {} ({})",
            value.text,
            place(value.origin, sources)
        ),
        Err(fault) => fault.message.clone(),
    };
    PostfixService {
        log_name: format!("{name}/smtpd").into(),
        tls_logged: level.ok().map(|value| logs_tls(&value.text)),
        wrapper: match view.flag("smtpd_tls_wrappermode") {
            Ok((true, _)) => Wrapper::Yes,
            Ok((false, _)) => Wrapper::No,
            Err(_) => Wrapper::Unknown,
        },
        because,
    }
}

/// Whether `smtpd_tls_loglevel` has each TLS session logged: 1 and more, or since 2.9 a list with `summary` or `routine`
/// (postconf(5), smtpd_tls_loglevel; tls/tls_misc.c:tls_log_mask).
fn logs_tls(level: &[u8]) -> bool {
    words(level).any(|word| {
        let number = word.to_str().ok().and_then(|word| word.parse::<u32>().ok());
        number.map_or_else(
            || word.eq_ignore_ascii_case(b"summary") || word.eq_ignore_ascii_case(b"routine"),
            |number| number >= 1,
        )
    })
}

/// Services that share a name in the log count as one; where they differ, the difference is what is known.
fn joined(services: Vec<PostfixService>) -> Option<PostfixService> {
    let mut services = services.into_iter();
    let mut first = services.next()?;
    for other in services {
        // Where one of them logs no TLS, the lines of the others prove nothing of it.
        (first.tls_logged, first.because) = match (first.tls_logged, other.tls_logged) {
            (Some(false), _) => (Some(false), first.because),
            (_, Some(false)) => (Some(false), other.because),
            (None, _) | (Some(true), Some(true)) => (first.tls_logged, first.because),
            (Some(true), None) => (None, other.because),
        };
        if other.wrapper != first.wrapper {
            first.wrapper = match (first.wrapper, other.wrapper) {
                (Wrapper::Unknown, _) | (_, Wrapper::Unknown) => Wrapper::Unknown,
                (Wrapper::No | Wrapper::Yes | Wrapper::Mixed, _) => Wrapper::Mixed,
            };
        }
    }
    Some(first)
}

/// What the login processes of Dovecot write.
fn logins(config: &dovecot::Config, sources: &Sources) -> Vec<LoginService> {
    dovecot::logins(config.family)
        .iter()
        .map(|login| {
            let lookup = Lookup {
                protocol: Some(login.protocol),
                service: Some(login.service),
                ..Lookup::default()
            };
            let elements = config.effective(ELEMENTS, &lookup);
            let service = LoginService {
                log_name: login.service.into(),
                format: config.effective(FORMAT, &lookup).text,
                because: format!(
                    "{ELEMENTS} = {} ({})",
                    elements.text,
                    place(elements.origin, sources)
                ),
                elements: elements.text,
            };
            silent_for_some(config, sources, &service).unwrap_or(service)
        })
        .collect()
}

const ELEMENTS: &str = "login_log_format_elements";
const FORMAT: &str = "login_log_format";

/// The same service with the lines of some clients, where these do not tell TLS. The log does not say whose lines they are, so one
/// kind that does not tell is enough.
fn silent_for_some(
    config: &dovecot::Config,
    sources: &Sources,
    service: &LoginService,
) -> Option<LoginService> {
    let of_some = config
        .assignments
        .iter()
        .filter(|one| config.path(one.scope).iter().any(is_of_some_clients));
    of_some
        .filter_map(|one| {
            let mut other = service.clone();
            if one.name == ELEMENTS {
                other.elements = one.text.clone();
            } else if one.name == FORMAT {
                other.format = one.text.clone();
            } else {
                return None;
            }
            other.because = format!(
                "{} = {} ({})",
                one.name,
                one.text,
                sources.place(one.value_span)
            );
            Some(other)
        })
        .find(|other| !other.shows_tls())
}

/// Whether a section holds for clients by their addresses only.
const fn is_of_some_clients(section: &Section) -> bool {
    matches!(
        section,
        Section::Local(_) | Section::Remote(_) | Section::LocalName(_)
    )
}

fn place(origin: Origin, sources: &Sources) -> String {
    match origin {
        Origin::File(span) => sources.place(span).to_string(),
        Origin::Default(_) => "default".to_owned(),
        Origin::Implied(how) => how.to_owned(),
    }
}
