//! A meaning: what the silence of one service about TLS proves, from the log itself and from a configuration.
//!
//! Missing is unknown, never clear: that a line about TLS is not there proves something only where it is known
//! that it would be there. smtpd writes one at smtpd_tls_loglevel 1 and above, and counts STARTTLS since 3.0;
//! a wrapper-mode service has no STARTTLS to count. Dovecot's login lines tell if login_log_format_elements has the element.

use hashbrown::{HashMap, HashSet};

use super::calibration::{Calibration, LoginService, PostfixService, Wrapper, names_host};
use super::cell::Cell;
use super::names::{Name, Names};
use super::reach::Reach;
use super::segment::Segment;
use super::services::{Habits, Service};
use super::tally::{Shown, Tally, Way};
use super::writer;
use crate::evidence::{self, Text, Transport};

/// What silence means for every service that has spoken.
#[derive(Debug)]
pub(crate) struct Meanings(HashMap<Service, Meaning>);

/// What silence means for one service on one host.
#[derive(Clone, Debug)]
struct Meaning {
    /// Of a login that the lines put before the TLS of its session.
    before_tls: Transport,
    /// Of one behind a TLS line in a session whose counters know no STARTTLS.
    tls_uncounted: Transport,
    /// Of counters without STARTTLS in a whole session, and of the same where the beginning is missing.
    no_starttls: Transport,
    no_starttls_cut: Transport,
    /// Of a whole session that says nothing.
    silent: Transport,
    /// When TLS was logged, as far as lines show: what they prove of silence holds for that time only.
    logged: Reach,
    /// The counters tell by themselves, whenever they were written.
    counters_tell: bool,
    /// Of a session of which a part is missing.
    cut: Transport,
    /// Of an element list without a word.
    wordless: Transport,
    /// By the configuration, words on TLS stand between the name and the client's address.
    words_beside_user: bool,
    /// The lines show the mechanism by the configuration; false where none tells.
    shows_method: bool,
    why: String,
}

impl Meaning {
    /// Of a word that a name may have brought.
    fn doubtful(&self, shown: Shown, ambiguous: bool) -> Transport {
        match shown {
            _ if ambiguous || !self.words_beside_user => Transport::Unknown,
            Shown::DoubtfulSameHost => Transport::Local,
            Shown::DoubtfulSecured => Transport::Trusted,
            _ => Transport::Tls,
        }
    }
}

impl Meanings {
    /// From the lines of a segment, and from a configuration where there is one.
    pub(crate) fn of(segment: &Segment, calibration: Option<&Calibration>) -> Self {
        let services = || segment.services.that_spoke();
        let hosts: HashSet<Name> = services().map(|(_, host, ..)| host).collect();
        let speaking: HashSet<Name> = services()
            .filter(|(.., habits)| habits.words > 0)
            .map(|(_, host, ..)| host)
            .collect();
        let meaning = |host: Name, service: Name, habits: &Habits| {
            let configured = calibration
                .filter(|calibration| applies(calibration, segment.names.text(host), hosts.len()));
            let name = segment.names.text(service);
            let mut meaning = if writer::login_process(name).is_some() {
                let service =
                    configured.and_then(|c| c.dovecot.iter().find(|s| s.log_name == name));
                login_meaning(
                    habits,
                    speaking.contains(&host),
                    service,
                    configured.is_some(),
                )
            } else {
                let service =
                    configured.and_then(|c| c.postfix.iter().find(|s| s.log_name == name));
                smtpd_meaning(habits, service, configured.is_some())
            };
            let mut ends = [segment.first, segment.last].into_iter().flatten();
            if let Some(when) = meaning.logged.when()
                && ends.any(|end| !meaning.logged.holds(end, end))
            {
                let otherwise = if meaning.counters_tell && habits.counted > 0 {
                    "judged by the counters of its disconnect line only"
                } else {
                    "not judged so"
                };
                meaning.why.push_str(&format!(
                    "; these are {when}, and what is more than a day away from them is {otherwise}"
                ));
            }
            if calibration.is_some() && configured.is_none() {
                meaning
                    .why
                    .push_str("; the configuration is that of another host");
            }
            meaning
        };
        Self(
            services()
                .map(|(service, host, name, habits)| (service, meaning(host, name, habits)))
                .collect(),
        )
    }

    /// Takes out of rows what was not written while TLS was logged: what silence proves does not hold for that.
    pub(crate) fn divide(&self, rows: &mut Tally, names: &Names) {
        rows.divide(names, Shown::Cut, |way| {
            let meaning = self.0.get(&way.service)?;
            meaning.is_by_lines(way).then_some(meaning.logged)
        });
    }

    /// How logins travelled, by what the log shows of them, of which `cell` has the times.
    pub(crate) fn transport(&self, way: &Way, cell: &Cell) -> Transport {
        let meaning = self.0.get(&way.service).unwrap_or(&NOTHING);
        if let (true, Some(first), Some(last)) = (meaning.is_by_lines(way), cell.first, cell.last)
            && !meaning.logged.holds(first, last)
        {
            return Transport::Unknown;
        }
        match way.shown {
            Shown::Tls | Shown::StartTls => Transport::Tls,
            Shown::TlsUncounted => meaning.tls_uncounted,
            Shown::BeforeTls => meaning.before_tls,
            Shown::NoStartTls => meaning.no_starttls,
            Shown::NoStartTlsCut => meaning.no_starttls_cut,
            Shown::Silent => meaning.silent,
            Shown::Cut => meaning.cut,
            Shown::FrontEnd | Shown::Secured => Transport::Trusted,
            Shown::SameHost => Transport::Local,
            Shown::Wordless => meaning.wordless,
            Shown::Doubtful | Shown::DoubtfulSameHost | Shown::DoubtfulSecured => {
                meaning.doubtful(way.shown, cell.ambiguous)
            }
        }
    }

    /// Whether a service shows the mechanism of a login in its lines, by the configuration.
    pub(crate) fn shows_method(&self, way: &Way) -> bool {
        let meaning = self.0.get(&way.service);
        meaning.is_some_and(|meaning| meaning.shows_method)
    }

    /// What decided for each service, sorted, with the names of the segment it was made of.
    pub(crate) fn calibration(&self, segment: &Segment) -> Vec<evidence::Calibration> {
        let text = |name: Name| Text::from(segment.names.text(name));
        let mut calibration: Vec<_> = self
            .0
            .iter()
            .map(|(service, meaning)| (segment.services.names_of(*service), meaning))
            .map(|((host, name), meaning)| evidence::Calibration {
                host: text(host),
                service: text(name),
                silence_proves: [meaning.no_starttls, meaning.silent, meaning.wordless]
                    .contains(&Transport::Clear),
                why: meaning.why.clone(),
            })
            .collect();
        calibration.sort_by(|a, b| (&a.host, &a.service).cmp(&(&b.host, &b.service)));
        calibration
    }
}

impl Meaning {
    /// Whether lines of other sessions decide what such a login means.
    fn is_by_lines(&self, way: &Way) -> bool {
        match way.shown {
            Shown::NoStartTls => !self.counters_tell,
            shown => shown == Shown::Silent,
        }
    }
}

/// Whether a configuration is that of a host in the log.
fn applies(calibration: &Calibration, host: &[u8], hosts: usize) -> bool {
    let mut names = calibration.hosts.iter();
    hosts == 1 || host.is_empty() || names.any(|name| names_host(name, host))
}

static NOTHING: Meaning = Meaning {
    before_tls: Transport::Clear,
    tls_uncounted: Transport::Tls,
    no_starttls: Transport::Unknown,
    no_starttls_cut: Transport::Unknown,
    silent: Transport::Unknown,
    logged: Reach::Always,
    counters_tell: false,
    cut: Transport::Unknown,
    wordless: Transport::Unknown,
    words_beside_user: false,
    shows_method: false,
    why: String::new(),
};

fn smtpd_meaning(habits: &Habits, service: Option<&PostfixService>, configured: bool) -> Meaning {
    let mut meaning = NOTHING.clone();
    let because = service.map_or("", |service| &service.because);
    let wrapper = service.map_or(Wrapper::Unknown, |service| service.wrapper);
    let tls_logged = service.and_then(|service| service.tls_logged);
    if wrapper == Wrapper::Yes && habits.starttls == 0 {
        // Every session of a wrapper-mode service is under TLS from its first byte.
        for silence in [
            &mut meaning.before_tls,
            &mut meaning.no_starttls,
            &mut meaning.no_starttls_cut,
            &mut meaning.silent,
            &mut meaning.cut,
        ] {
            *silence = Transport::Tls;
        }
        meaning.why =
            "every session is under TLS from its first byte (smtpd_tls_wrappermode = yes)"
                .to_owned();
        return meaning;
    }
    if habits.tls_not_logged > 0 {
        meaning.why = format!(
            "{} sessions with STARTTLS left no TLS line, so its absence proves nothing",
            habits.tls_not_logged
        );
    } else if habits.tls_lines > 0 && tls_logged != Some(false) {
        meaning.no_starttls = Transport::Clear;
        meaning.silent = Transport::Clear;
        meaning.logged = Reach::of(habits, tls_logged == Some(true));
        meaning.why = format!(
            "TLS is logged ({} lines say so), so a session without such a line is without TLS",
            habits.tls_lines
        );
    } else if tls_logged == Some(true) {
        meaning.no_starttls = Transport::Clear;
        meaning.silent = Transport::Clear;
        meaning.why =
            format!("TLS is logged ({because}), so a session without such a line is without TLS");
    } else if tls_logged == Some(false) {
        meaning.why = format!("TLS is not logged ({because})");
    } else {
        meaning.why = "no line shows that TLS is logged".to_owned();
    }
    if wrapper == Wrapper::No {
        // Without STARTTLS no TLS: the line and the counters are of two sessions.
        meaning.tls_uncounted = Transport::Unknown;
        meaning.counters_tell = true;
        meaning.no_starttls = Transport::Clear;
        meaning.no_starttls_cut = Transport::Clear;
        if meaning.silent == Transport::Unknown {
            meaning.why.push_str(if habits.counted > 0 {
                "; no service of this name is in wrapper mode, so the counters of the disconnect lines tell"
            } else {
                "; and there are no counters in the disconnect lines (Postfix before 3.0)"
            });
        }
    } else if meaning.silent == Transport::Unknown {
        meaning.why.push_str(match (service, configured, wrapper) {
            (None, false, _) => {
                "; without the configuration a session without STARTTLS may be one in wrapper mode"
            }
            (None, true, _) => "; the configuration has no service that logs under this name",
            (Some(_), _, Wrapper::Mixed) => {
                "; services in wrapper mode and others share this name, give them syslog_name to tell them apart"
            }
            (Some(_), _, Wrapper::No | Wrapper::Yes | Wrapper::Unknown) => {
                "; whether the service is in wrapper mode is not known"
            }
        });
    }
    meaning
}

fn login_meaning(
    habits: &Habits,
    words_elsewhere: bool,
    service: Option<&LoginService>,
    configured: bool,
) -> Meaning {
    let mut meaning = NOTHING.clone();
    meaning.shows_method = service.is_some_and(LoginService::shows_method);
    match service {
        Some(service) if !service.shows_tls() => {
            meaning.why = format!(
                "login lines have no %c or %k that can be read, so they do not tell TLS ({})",
                service.because
            );
            return meaning;
        }
        Some(service) => {
            meaning.wordless = Transport::Clear;
            meaning.words_beside_user = service.tls_beside_user();
            meaning.why = format!("login lines tell TLS ({})", service.because);
        }
        None if habits.words > 0 => {
            meaning.wordless = Transport::Clear;
            meaning.why = format!(
                "login lines tell TLS ({} lines say TLS or secured), so one without is without TLS",
                habits.words
            );
        }
        None if words_elsewhere => {
            meaning.wordless = Transport::Clear;
            meaning.why =
                "login lines tell TLS (those of another login service on this host say TLS or secured)"
                    .to_owned();
        }
        None => {
            meaning.why = if configured {
                "no line says TLS or secured, and the configuration has no such service"
            } else {
                "no line says TLS or secured: either all logins are without TLS or the log does not tell; give the configuration to know"
            }
            .to_owned();
        }
    }
    meaning
}
