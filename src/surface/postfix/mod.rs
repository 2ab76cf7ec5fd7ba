//! The surface of Postfix: what smtpd does for a client without TLS.
//!
//! `listener` says where a service listens, `start` what keeps it from serving at all, `session` what it offers and accepts,
//! `tls` whether TLS can come about, `relay` who may send without a login.

mod listener;
mod relay;
mod session;
mod start;
mod table;
mod tls;

pub use relay::is_in_mynetworks;

use bstr::ByteSlice;

use crate::postfix::{Config, OLDEST, Service};
use crate::source::Sources;
use crate::version::{Range, Version};

use super::{Endpoint, Protocol, Question, Server, TlsMode, Verdict, over_versions};

/// The releases at which something changes that a verdict depends on (postfix.md in the sources' RELEASE_NOTES).
const CHANGES: &[Version] = &[
    // An unknown security level becomes fatal; a missing certificate no more.
    Version::new(2, 5),
    // SASL comes up only after TLS, EC certificates, master_service_disable.
    Version::new(2, 6),
    // smtpd_relay_restrictions.
    Version::new(2, 10),
    // `{}` in master.cf and in `$` expressions, compatibility_level.
    Version::new(3, 0),
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
    over_versions(versions, CHANGES, OLDEST, |version| {
        let instance = Instance {
            config,
            sources,
            version,
            question,
        };
        instance.endpoints()
    })
}

/// One instance of Postfix in one release, with what is asked about it.
#[derive(Clone, Copy)]
struct Instance<'a> {
    config: &'a Config,
    sources: &'a Sources,
    version: Version,
    question: &'a Question,
}

impl<'a> Instance<'a> {
    fn endpoints(&self) -> Vec<Endpoint> {
        let down = start::of_master(self);
        let Some(master) = &self.config.master else {
            return self.stock(down.as_ref());
        };
        let services: Vec<&Service> = master.services().collect();
        let mut endpoints = Vec::new();
        for service in listener::listening(self, &services) {
            let Some(smtpd) = self.behind(service, &services) else {
                continue;
            };
            let mut endpoint = self.judge(service, smtpd, down.as_ref());
            let listeners = listener::of_service(self, service);
            if let Some(last) = listeners.last() {
                for one in &listeners[..listeners.len() - 1] {
                    let mut copy = endpoint.clone();
                    one.place(&mut copy);
                    endpoints.push(copy);
                }
                last.place(&mut endpoint);
                endpoints.push(endpoint);
            }
        }
        if let Some(client) = self.question.client {
            endpoints = listener::reached_by(self, endpoints, client);
        }
        endpoints
    }

    /// The smtpd that talks to the clients of a listening service: itself, or the `pass` service behind postscreen
    /// (postscreen(8), smtpd_service_name; postscreen itself has no AUTH).
    fn behind(&self, service: &'a Service, services: &[&'a Service]) -> Option<&'a Service> {
        match service.program().as_bytes() {
            b"smtpd" => Some(service),
            b"postscreen" => {
                let name = self
                    .config
                    .view(Some(service), self.version)
                    .value("smtpd_service_name")
                    .map(|value| value.text)
                    .unwrap_or_default();
                let name = if name.is_empty() {
                    "smtpd".into()
                } else {
                    name
                };
                services
                    .iter()
                    .rev()
                    .find(|one| one.kind.text == "pass" && one.name.text == name)
                    .copied()
            }
            _ => None,
        }
    }

    fn judge(
        &self,
        service: &'a Service,
        smtpd: &'a Service,
        down: Option<&start::Down>,
    ) -> Endpoint {
        let mut endpoint = Endpoint {
            server: Server::Postfix,
            service: service.label(),
            protocol: Protocol::Smtp,
            address: "*".to_owned(),
            port: 0,
            tls: TlsMode::None,
            verdict: Verdict::NoAuth,
            because: Vec::new(),
            exemptions: Vec::new(),
            assumed: Vec::new(),
            versions: Range::ANY,
            log_name: self.log_name(smtpd),
        };
        if smtpd.span != service.span {
            endpoint.assumed.push(format!(
                "postscreen hands its clients to \"{}\", whose settings decide",
                smtpd.label()
            ));
        }
        session::judge(self, smtpd, down, &mut endpoint);
        endpoint
    }

    /// `$syslog_name/<program>` (syslog_name(5), msg_syslog_init in each daemon).
    fn log_name(&self, smtpd: &Service) -> String {
        let view = self.config.view(Some(smtpd), self.version);
        let name = view.value("syslog_name").map(|value| value.text);
        let name = name.unwrap_or_else(|_| "postfix".into());
        format!("{name}/{}", smtpd.program())
    }

    /// Without master.cf: the services that every stock file has, `smtp inet` alone among those that serve clients.
    fn stock(&self, down: Option<&start::Down>) -> Vec<Endpoint> {
        let assumed =
            "there is no master.cf here; the stock one is assumed, with smtp alone on port 25";
        let stock = start::stock_service();
        let mut endpoint = Endpoint {
            server: Server::Postfix,
            service: "smtp inet".to_owned(),
            protocol: Protocol::Smtp,
            address: "*".to_owned(),
            port: 25,
            tls: TlsMode::None,
            verdict: Verdict::NoAuth,
            because: Vec::new(),
            exemptions: Vec::new(),
            assumed: vec![assumed.to_owned()],
            versions: Range::ANY,
            log_name: "postfix/smtpd".to_owned(),
        };
        match &stock {
            Some(service) => {
                endpoint.log_name = self.log_name(service);
                session::judge(self, service, down, &mut endpoint);
            }
            None => endpoint.verdict = Verdict::Unknown(assumed.to_owned()),
        }
        vec![endpoint]
    }
}
