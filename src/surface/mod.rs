//! The surface: every endpoint at which a client can log in, and for each the verdict on a login without TLS.
//!
//! `postfix` and `dovecot` beside this file compute it from the models of the same names to the left;
//! `rule`, `fix` and `impact` to the right read it.

pub mod dovecot;
mod files;
pub mod postfix;
pub mod sasl;
pub mod server;
pub mod setting;

use std::fmt;
use std::hash::BuildHasher;
use std::net::IpAddr;

use bstr::BString;
use hashbrown::DefaultHashBuilder;

use crate::certificate;
use crate::protocol::Protocol;
use crate::source::Origin;
use crate::version::{Range, Version};

/// The program that serves an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Server {
    /// smtpd of Postfix.
    Postfix,
    /// A login process of Dovecot.
    Dovecot,
}

/// How TLS comes about at an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TlsMode {
    /// Not at all.
    None,
    /// By a command in the session (STARTTLS, STLS).
    StartTls,
    /// Before the first word (ports 465, 993, 995).
    Implicit,
}

/// What a client without TLS can do at an endpoint. The words and their meaning are those of the JSON output.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Login is impossible without TLS and possible with it.
    TlsOnly,
    /// A password is accepted without TLS.
    Cleartext,
    /// Only challenge mechanisms (CRAM-MD5, SCRAM…) are accepted without TLS.
    Challenge,
    /// TLS is demanded but cannot work: nobody can log in.
    LockedOut,
    /// This endpoint never accepts a login.
    NoAuth,
    /// The daemon refuses these settings: the service is down. The text says what it says.
    Fails(String),
    /// It depends on something that no file here tells. The text says on what.
    Unknown(String),
}

impl Verdict {
    /// The word for this verdict in every output.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::TlsOnly => "tls-only",
            Self::Cleartext => "cleartext",
            Self::Challenge => "challenge",
            Self::LockedOut => "locked-out",
            Self::NoAuth => "no-auth",
            Self::Fails(_) => "fails",
            Self::Unknown(_) => "unknown",
        }
    }

    /// Whether passwords are safe here and nobody is shut out: `tls-only` or `no-auth`.
    pub const fn is_enforced(&self) -> bool {
        match self {
            Self::TlsOnly | Self::NoAuth => true,
            Self::Cleartext
            | Self::Challenge
            | Self::LockedOut
            | Self::Fails(_)
            | Self::Unknown(_) => false,
        }
    }
}

/// A setting that decides a verdict, with the value that is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Because {
    /// The name as the server's manual has it.
    pub setting: String,
    /// The value in force, after expansion.
    pub value: BString,
    /// Where that value stands.
    pub origin: Origin,
}

/// Why some clients are spared the rule of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExemptionKind {
    /// Dovecot takes a client whose address is the server's own for secured.
    SameHost,
    /// `login_trusted_networks` and its like.
    TrustedNetwork,
    /// A proxy that speaks the PROXY protocol vouches for the client.
    HaProxy,
    /// A block or table for some clients sets something else.
    Filter,
}

impl ExemptionKind {
    /// The word for this kind in every output.
    pub const fn word(self) -> &'static str {
        match self {
            Self::SameHost => "same-host",
            Self::TrustedNetwork => "trusted-network",
            Self::HaProxy => "haproxy",
            Self::Filter => "filter",
        }
    }
}

/// Clients for which another verdict holds than the endpoint's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exemption {
    /// Why they are spared.
    pub kind: ExemptionKind,
    /// The network they come from, as written, where one is named.
    pub network: Option<String>,
    /// What holds for them instead, in words.
    pub detail: String,
    /// Where that is said, if a file says it.
    pub origin: Option<Origin>,
}

/// One place where a client can log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The program behind it.
    pub server: Server,
    /// The service as the configuration names it: `submission inet`, `imap-login/imap`.
    pub service: String,
    /// What is spoken.
    pub protocol: Protocol,
    /// The address it listens on as the configuration has it, `*` for all.
    pub address: String,
    /// The port; 0 where it is not known (a socket in the file system, a name no table here knows).
    pub port: u16,
    /// How TLS comes about.
    pub tls: TlsMode,
    /// What a client without TLS can do.
    pub verdict: Verdict,
    /// The settings that decide the verdict, the weightiest first.
    pub because: Vec<Because>,
    /// Why TLS cannot come about although it is on offer, whatever that means for the verdict.
    pub tls_fault: Option<Because>,
    /// Who is spared.
    pub exemptions: Vec<Exemption>,
    /// What was taken for granted, in words.
    pub assumed: Vec<String>,
    /// The releases for which this verdict holds; [`Range::ANY`] where it holds for every release that can be meant.
    pub versions: Range,
    /// The name under which this endpoint's process writes to the log: `postfix/submission/smtpd`, `imap-login`.
    pub log_name: String,
}

impl Endpoint {
    /// The stable name of this endpoint within its server: `postfix:submission inet:*:587`.
    pub fn id(&self) -> String {
        format!(
            "{}:{}:{}:{}",
            self.server, self.service, self.address, self.port
        )
    }

    /// Whether it is at the same place as another, that is, has the same [`Self::id`].
    pub fn is_at(&self, other: &Self) -> bool {
        (self.server, &self.service, &self.address, self.port)
            == (other.server, &other.service, &other.address, other.port)
    }
}

/// How the surface is to be judged.
#[derive(Clone, Debug)]
pub struct Question {
    /// The client; without one, a client from outside that no exemption names.
    pub client: Option<Client>,
    /// What to make of certificates and keys.
    pub certificates: certificate::Policy,
    /// What the authentication service behind smtpd offers, where its configuration is known.
    pub sasl: Option<sasl::Offered>,
}

/// Judges at every release of `range` at which something changes (`changes`, ascending), and joins what agrees.
pub fn over_versions(
    range: Range,
    changes: &[Version],
    oldest: Version,
    judge: impl Fn(Version) -> Vec<Endpoint>,
) -> Vec<Endpoint> {
    let hasher = DefaultHashBuilder::default();
    let mut joined: Vec<Endpoint> = Vec::new();
    // What the release before says: a number for the place of each endpoint, and where it is in `joined`; sorted.
    let mut before: Vec<(u64, usize)> = Vec::new();
    for (piece, version) in range.pieces(changes, oldest) {
        let mut here = Vec::with_capacity(before.len());
        for mut endpoint in judge(version) {
            endpoint.versions = piece;
            let place = hasher.hash_one((&endpoint.service, &endpoint.address, endpoint.port));
            let first = before.partition_point(|&(other, _)| other < place);
            let earlier = before[first..].iter();
            let mut earlier = earlier.take_while(|&&(other, _)| other == place);
            let same = earlier.find(|&&(_, at)| {
                joined[at].versions.before == piece.from && is_same(&joined[at], &endpoint)
            });
            let at = match same {
                Some(&(_, at)) => {
                    joined[at].versions.before = piece.before;
                    at
                }
                None => {
                    joined.push(endpoint);
                    joined.len() - 1
                }
            };
            here.push((place, at));
        }
        here.sort_unstable();
        before = here;
    }
    for endpoint in &mut joined {
        if endpoint.versions == range {
            endpoint.versions = Range::ANY;
        }
    }
    joined.sort_by(|a, b| {
        (a.server, a.port, &a.service, &a.address, a.versions.from).cmp(&(
            b.server,
            b.port,
            &b.service,
            &b.address,
            b.versions.from,
        ))
    });
    joined
}

/// Whether two releases say the same of an endpoint. Since when a value is built in makes no difference to anybody.
fn is_same(one: &Endpoint, other: &Endpoint) -> bool {
    let Endpoint {
        server: _,
        service: _,
        protocol,
        address: _,
        port: _,
        tls,
        verdict,
        because,
        tls_fault,
        exemptions,
        assumed,
        versions: _,
        log_name,
    } = one;
    one.is_at(other)
        && (protocol, tls, verdict) == (&other.protocol, &other.tls, &other.verdict)
        && is_same_reason(because, &other.because)
        && is_same_reason(tls_fault.as_slice(), other.tls_fault.as_slice())
        && (exemptions, assumed) == (&other.exemptions, &other.assumed)
        && *log_name == other.log_name
}

fn is_same_reason(one: &[Because], other: &[Because]) -> bool {
    let timeless = |origin| match origin {
        Origin::Default(since) if since != "never" => Origin::Default("always"),
        Origin::Default(_) | Origin::File(_) | Origin::Implied(_) => origin,
    };
    one.len() == other.len()
        && one.iter().zip(other).all(|(one, other)| {
            (&one.setting, &one.value, timeless(one.origin))
                == (&other.setting, &other.value, timeless(other.origin))
        })
}

/// The client for whom an endpoint is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Client {
    /// Its own address.
    pub from: IpAddr,
    /// The address of the server it connects to, where known.
    pub to: Option<IpAddr>,
}

impl Client {
    /// Whether client and server have one address, which Dovecot takes for a secured connection.
    pub fn is_same_host(&self) -> bool {
        self.to == Some(self.from)
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Postfix => "postfix",
            Self::Dovecot => "dovecot",
        })
    }
}

impl fmt::Display for TlsMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::StartTls => "starttls",
            Self::Implicit => "implicit",
        })
    }
}
