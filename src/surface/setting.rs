//! A setting at a place: what is in force for one endpoint, or for a server as a whole, in every release that can be meant.

use std::collections::HashMap;
use std::net::IpAddr;

use bstr::BString;

use crate::dovecot;
use crate::postfix::{self, Service};
use crate::source::{FileId, Origin, Span};
use crate::version::{Range, Version};

use super::server::Surface;
use super::{Because, Endpoint, Server};

/// A value in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InForce {
    /// The setting by the name that the server's manual has, its value, and where that stands.
    pub because: Because,
    /// The value as the newest release would have it, where an older one says it otherwise.
    pub newest: Option<BString>,
    /// What it depends on that no file tells.
    pub unknown: Option<String>,
}

impl InForce {
    /// The file that sets it; none where it is a default.
    pub const fn file(&self) -> Option<FileId> {
        match self.because.origin {
            Origin::File(span) => Some(span.file),
            Origin::Default(_) | Origin::Implied(_) => None,
        }
    }
}

impl Surface {
    /// The releases of a server that can be meant: those that were named, else those that the tree shows.
    pub fn releases(&self, server: Server) -> Range {
        let (named, hint) = match server {
            Server::Postfix => (
                self.versions.postfix,
                self.postfix.as_ref().map(postfix::Config::version_hint),
            ),
            Server::Dovecot => (
                self.versions.dovecot,
                self.dovecot.as_ref().map(dovecot::version_hint),
            ),
        };
        named.or(hint).unwrap_or_default()
    }

    /// The releases for which an endpoint's verdict holds.
    pub fn releases_of(&self, endpoint: &Endpoint) -> Range {
        if endpoint.versions == Range::ANY {
            self.releases(endpoint.server)
        } else {
            endpoint.versions
        }
    }

    /// What is in force for a setting at an endpoint: one value, or several where that depends on the release.
    pub fn setting_at(&self, endpoint: &Endpoint, name: &str) -> Vec<InForce> {
        match endpoint.server {
            Server::Postfix => {
                let service = self.service_behind(endpoint);
                self.postfix_setting(service, name, self.releases_of(endpoint))
            }
            Server::Dovecot => {
                let (service, listener) = endpoint
                    .service
                    .split_once('/')
                    .unwrap_or((&endpoint.service, ""));
                let lookup = dovecot::Lookup {
                    protocol: Some(endpoint.protocol.word()),
                    service: Some(service),
                    listener: name.starts_with("inet_listener_").then_some(listener),
                    ssl_server: name.starts_with("ssl"),
                    local: endpoint.address.parse::<IpAddr>().ok(),
                    ..dovecot::Lookup::default()
                };
                self.dovecot_setting(&lookup, name)
            }
        }
    }

    /// What is in force for a setting where no service or client is named.
    pub fn setting_of(&self, server: Server, name: &str) -> Vec<InForce> {
        match server {
            Server::Postfix => self.postfix_setting(None, name, self.releases(server)),
            Server::Dovecot => {
                let lookup = dovecot::Lookup {
                    ssl_server: name.starts_with("ssl"),
                    ..dovecot::Lookup::default()
                };
                self.dovecot_setting(&lookup, name)
            }
        }
    }

    /// The service whose settings decide at an endpoint of Postfix: behind postscreen the one that it hands its clients to.
    pub fn service_behind(&self, endpoint: &Endpoint) -> Option<&Service> {
        let config = self.postfix.as_ref()?;
        let service = config.labelled(&endpoint.service)?;
        if service.program() != "postscreen" {
            return Some(service);
        }
        let view = config.view(Some(service), self.postfix_version());
        let name = view.value("smtpd_service_name").map(|value| value.text);
        let name = name.ok().filter(|name| !name.is_empty());
        let name = name.unwrap_or_else(|| "smtpd".into());
        let shown = name.to_string();
        let mut behind = config.services_named(&shown);
        behind.rfind(|one| {
            matches!(one.kind.text.as_slice(), b"pass" | b"unix") && one.name.text == name
        })
    }

    fn postfix_setting(&self, service: Option<&Service>, name: &str, range: Range) -> Vec<InForce> {
        let Some(config) = &self.postfix else {
            return Vec::new();
        };
        let mut found: Vec<InForce> = Vec::new();
        let changes = postfix::default_changes(name);
        for (_, version) in range.pieces(&changes, postfix::OLDEST) {
            let value = in_force(config, service, name, version);
            let same = |other: &InForce| {
                other.because.value == value.because.value && other.unknown == value.unknown
            };
            if !found.iter().any(same) {
                found.push(value);
            }
        }
        found
    }

    fn dovecot_setting(&self, lookup: &dovecot::Lookup<'_>, name: &str) -> Vec<InForce> {
        let Some(config) = &self.dovecot else {
            return Vec::new();
        };
        let value = config.effective(name, lookup);
        let newest = value.newest();
        vec![InForce {
            newest: (newest != value.text).then_some(newest),
            because: Because {
                value: value.shown(),
                setting: value.setting,
                origin: value.origin,
            },
            unknown: value.unknown,
        }]
    }
}

fn in_force(
    config: &postfix::Config,
    service: Option<&Service>,
    name: &str,
    version: Version,
) -> InForce {
    match config.value(service, name, version) {
        Ok(value) => InForce {
            because: Because {
                setting: name.to_owned(),
                value: value.text,
                origin: value.origin,
            },
            newest: None,
            unknown: None,
        },
        Err(fault) => InForce {
            because: Because {
                setting: name.to_owned(),
                value: fault.value,
                origin: fault.origin,
            },
            newest: None,
            unknown: Some(if fault.unknown {
                fault.message
            } else {
                format!("{name}, of which the program dies: {}", fault.message)
            }),
        },
    }
}

/// A setting that is written down, wherever that is and whether or not it is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The server that reads it.
    pub server: Server,
    /// The service of the `-o`, the sections around it in Dovecot; empty in main.cf and outside of sections.
    pub scope: String,
    /// The name as it is written.
    pub name: BString,
    /// The newest name of the setting.
    pub newest: BString,
    /// The value: expanded where that is possible, else as written.
    pub value: BString,
    /// Where the name stands.
    pub name_span: Span,
    /// Where the value stands.
    pub span: Span,
    /// No later definition in the same place defeats it.
    pub in_force: bool,
    /// The value is the name of a file, written behind `<` (Dovecot).
    pub from_file: bool,
}

impl Surface {
    /// Every setting that is written down, in reading order.
    pub fn written(&self) -> Vec<Written> {
        let mut all = Vec::new();
        if let Some(config) = &self.postfix {
            written_in_postfix(config, self.postfix_version(), &mut all);
        }
        if let Some(config) = &self.dovecot {
            written_in_dovecot(config, &mut all);
        }
        all
    }
}

fn written_in_postfix(config: &postfix::Config, version: Version, all: &mut Vec<Written>) {
    let mut push = |scope: &str, name: &BString, value: BString, spans, in_force| {
        let (name_span, span) = spans;
        all.push(Written {
            server: Server::Postfix,
            scope: scope.to_owned(),
            name: name.clone(),
            newest: name.clone(),
            value,
            name_span,
            span,
            in_force,
            from_file: false,
        });
    };
    let expanded = |service: Option<&Service>, text: &BString| -> BString {
        let expanded = config.view(service, version).expanded(text).map(Into::into);
        expanded.map_or_else(|_| text.clone(), |text: Vec<u8>| text.into())
    };
    if let Some(main) = &config.main {
        for one in main.parameters() {
            let in_force = main
                .winner(&one.name)
                .is_some_and(|winner| winner.span == one.span);
            let value = expanded(None, &one.value);
            push(
                "",
                &one.name,
                value,
                (one.name_span, one.value_span),
                in_force,
            );
        }
    }
    for service in config.services() {
        for one in &service.options(version).overrides {
            let value = expanded(Some(service), &one.value);
            let spans = (one.name_span, one.value_span);
            push(&service.label(), &one.name, value, spans, one.effective);
        }
    }
}

fn written_in_dovecot(config: &dovecot::Config, all: &mut Vec<Written>) {
    let mut last = HashMap::new();
    for (index, one) in config.assignments.iter().enumerate() {
        last.insert((one.scope, &one.name, &one.item), index);
    }
    for (index, one) in config.assignments.iter().enumerate() {
        let path = config.path(one.scope);
        let scope: Vec<String> = path.iter().map(ToString::to_string).collect();
        all.push(Written {
            server: Server::Dovecot,
            scope: scope.join(" / "),
            name: one.key.clone(),
            newest: one.name.clone(),
            value: dovecot::shown(one.text.trim_ascii()),
            name_span: one.key_span,
            span: one.value_span,
            in_force: last.get(&(one.scope, &one.name, &one.item)) == Some(&index),
            from_file: one.kind == dovecot::ValueKind::File,
        });
    }
}
