//! The surface of Postfix: what smtpd does for a client without TLS.
//!
//! `listener` says where a service listens, `start` what keeps it from serving at all, `session` what it offers and accepts
//! under its `policy`, `keyword` what it withholds from whom, `early` whom it turns away, `tls` whether TLS can come about,
//! `relay` who may send without a login.

mod early;
mod keyword;
mod listener;
mod policy;
mod relay;
mod session;
mod start;
mod table;
mod tls;

pub use relay::sends_without_login;

use bstr::ByteSlice;

use crate::postfix::{Config, OLDEST, Service, Value};
use crate::protocol::Protocol;
use crate::source::Sources;
use crate::template;
use crate::version::{Range, Version};

use super::files::Files;
use super::{Because, Endpoint, Question, Server, TlsMode, Verdict, over_versions};

/// The releases at which something changes that a verdict depends on (RELEASE_NOTES of each).
const CHANGES: &[Version] = &[
    // An unknown security level becomes fatal; a missing certificate no more.
    Version::new(2, 5),
    // SASL comes up only after TLS, EC certificates, master_service_disable.
    Version::new(2, 6),
    // smtpd_relay_restrictions.
    Version::new(2, 10),
    // `{}` in master.cf and in `$` expressions, compatibility_level.
    Version::new(3, 0),
    // The default of smtpd_relay_restrictions is empty below compatibility level 1.
    Version::new(3, 3),
    // smtpd_tls_chain_files, SNI maps, unix-dgram.
    Version::new(3, 4),
    // Overlapping listeners, smtpd_sasl_mechanism_filter, known_tcp_ports, level operators.
    Version::new(3, 6),
    // IDNA functions in `$` expressions.
    Version::new(3, 11),
];

/// Every endpoint of the configuration, judged for the releases in `versions`.
pub fn endpoints(
    config: &Config,
    sources: &Sources,
    versions: Range,
    question: &Question,
) -> Vec<Endpoint> {
    let files = Files::default();
    over_versions(versions, CHANGES, OLDEST, |version| {
        let instance = Instance {
            config,
            sources,
            version,
            question,
            files: &files,
            master: listener::Master::of(&config.view(None, version)),
        };
        instance.endpoints()
    })
}

/// A setting with the value in force, as a reason.
fn because(setting: &str, value: &Value) -> Because {
    Because {
        setting: setting.to_owned(),
        value: value.text.clone(),
        origin: value.origin,
    }
}

/// One instance of Postfix in one release, with what is asked about it.
struct Instance<'a> {
    config: &'a Config,
    sources: &'a Sources,
    version: Version,
    question: &'a Question,
    /// The files that were read.
    files: &'a Files,
    master: listener::Master,
}

impl<'a> Instance<'a> {
    fn endpoints(&self) -> Vec<Endpoint> {
        let down = start::of_master(self);
        let mut endpoints = Vec::new();
        let mut place = |service: &Service, endpoint: Endpoint| {
            for listener in listener::of_service(self, service) {
                let mut placed = endpoint.clone();
                listener.place(&mut placed);
                endpoints.push(placed);
            }
        };
        if self.config.master.is_none()
            && let Some(service) = start::stock_service()
        {
            place(&service, self.stock(&service, down.as_ref()));
        }
        for service in listener::listening(self) {
            if let Some(endpoint) = self.of_service(service, down.as_ref()) {
                place(service, endpoint);
            }
        }
        if endpoints.is_empty()
            && self.master_is_open()
            && let Some(service) = start::stock_service()
        {
            // Nothing in it can be told for certain, but that the server is down, or that a template makes its services.
            let mut endpoint = self.endpoint(&service, &service);
            session::judge(self, &service, down.as_ref(), &mut endpoint);
            return vec![endpoint];
        }
        match self.question.client {
            // Where master does not start, no listener is left to be chosen from.
            Some(client) if down.is_none() => listener::reached_by(self, endpoints, client),
            Some(_) => endpoints,
            None => {
                endpoints.extend(self.local_sockets(down.as_ref()));
                endpoints
            }
        }
    }

    /// Whether master.cf may hold services that cannot be seen in it.
    fn master_is_open(&self) -> bool {
        self.config.master.as_ref().is_some_and(|master| {
            master.broken().is_some()
                || template::statement(self.sources.bytes(master.file)).is_some()
        })
    }

    /// The endpoint of a listening service, where an smtpd talks to its clients.
    fn of_service(&self, service: &'a Service, down: Option<&start::Down>) -> Option<Endpoint> {
        match service.program().as_bytes() {
            b"smtpd" => {
                let mut endpoint = self.endpoint(service, service);
                session::judge(self, service, down, &mut endpoint);
                Some(endpoint)
            }
            b"postscreen" => Some(self.behind_postscreen(service, down)),
            _ => None,
        }
    }

    /// postscreen has no AUTH; it hands its clients to the `pass` service that smtpd_service_name names (postscreen(8)).
    fn behind_postscreen(&self, service: &'a Service, down: Option<&start::Down>) -> Endpoint {
        let view = self.config.view(Some(service), self.version);
        let name = view.value("smtpd_service_name").map(|value| value.text);
        let name = name.ok().filter(|name| !name.is_empty());
        let name = name.unwrap_or_else(|| "smtpd".into());
        let shown = name.to_string();
        let mut behind = self.config.services_named(&shown);
        let behind = behind.rfind(|one| {
            matches!(one.kind.text.as_slice(), b"pass" | b"unix")
                && one.name.text == name
                && !listener::is_disabled(self, one)
        });
        let Some(smtpd) = behind.filter(|one| one.program() == "smtpd") else {
            let mut endpoint = self.endpoint(service, service);
            endpoint.verdict = Verdict::Fails(format!(
                "postscreen finds no smtpd service \"{name} pass\" to hand its clients to"
            ));
            return endpoint;
        };
        let mut endpoint = self.endpoint(service, smtpd);
        endpoint.assumed.push(format!(
            "postscreen hands its clients to \"{}\", whose settings decide",
            smtpd.label()
        ));
        // master/event_server.c, MAIL_SERVER_SOLITARY: "requires a process limit of 1".
        let alone = (service.process_limit.text != "1").then(|| {
            let message = "service postscreen requires a process limit of 1".to_owned();
            start::Down::at(self, &service.label(), service.process_limit.span, message)
        });
        session::judge(self, smtpd, down.or(alone.as_ref()), &mut endpoint);
        endpoint
    }

    /// smtpd on sockets in the file system: no network client reaches them.
    fn local_sockets(&self, down: Option<&start::Down>) -> Vec<Endpoint> {
        let services = self.config.services().filter(|service| {
            service.kind.text == "unix"
                && service.program() == "smtpd"
                && !listener::is_disabled(self, service)
        });
        services
            .map(|service| {
                let mut endpoint = self.endpoint(service, service);
                let class = if service.private.text == "n" {
                    "public"
                } else {
                    "private"
                };
                endpoint.address = format!("{class}/{}", service.name.text);
                session::judge(self, service, down, &mut endpoint);
                endpoint
            })
            .collect()
    }

    /// An endpoint that is not judged yet.
    fn endpoint(&self, service: &Service, smtpd: &Service) -> Endpoint {
        Endpoint {
            server: Server::Postfix,
            service: service.label(),
            protocol: Protocol::Smtp,
            address: "*".to_owned(),
            port: 0,
            tls: TlsMode::None,
            verdict: Verdict::NoAuth,
            because: Vec::new(),
            tls_fault: None,
            exemptions: Vec::new(),
            assumed: Vec::new(),
            versions: Range::ANY,
            log_name: self.log_name(smtpd),
        }
    }

    /// `$syslog_name/<program>` (syslog_name(5), msg_syslog_init in each daemon).
    fn log_name(&self, smtpd: &Service) -> String {
        let view = self.config.view(Some(smtpd), self.version);
        let name = view.value("syslog_name").map(|value| value.text);
        let name = name.unwrap_or_else(|_| "postfix".into());
        format!("{name}/{}", smtpd.program())
    }

    /// Without master.cf: the services that every stock file has, `smtp inet` alone among those that serve clients.
    fn stock(&self, service: &Service, down: Option<&start::Down>) -> Endpoint {
        let mut endpoint = self.endpoint(service, service);
        endpoint.assumed.push(
            "there is no master.cf here; the stock one is assumed, with smtp alone on port 25"
                .to_owned(),
        );
        session::judge(self, service, down, &mut endpoint);
        endpoint
    }
}
