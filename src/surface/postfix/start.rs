//! What keeps an smtpd from serving: settings of which it, or master, dies.

use std::path::Path;

use bstr::ByteSlice;

use crate::postfix::{MasterCf, Service, View};
use crate::source::{FileTree, Origin, Sources};
use crate::surface::{Because, Verdict};

use super::{Instance, relay};

/// A service that is down, and why.
#[derive(Clone, Debug)]
pub(super) struct Down {
    /// What the program says.
    pub(super) message: String,
    /// The setting it dies of, where it is one.
    pub(super) because: Option<Because>,
}

impl Down {
    pub(super) fn verdict(&self) -> Verdict {
        Verdict::Fails(self.message.clone())
    }
}

/// What keeps master, and so every service, from starting.
pub(super) fn of_master(instance: &Instance<'_>) -> Option<Down> {
    let config = instance.config;
    if let Some((span, message)) = config.main.as_ref().and_then(|main| main.broken()) {
        return Some(Down {
            message: format!("every program of Postfix dies of main.cf: {message}"),
            because: Some(Because {
                setting: "main.cf".to_owned(),
                value: instance.sources.text(span).trim_ascii().into(),
                origin: Origin::File(span),
            }),
        });
    }
    if let Some((span, message)) = config.master.as_ref().and_then(MasterCf::broken) {
        return Some(Down {
            message: format!("master does not start: {message}"),
            because: Some(Because {
                setting: "master.cf".to_owned(),
                value: instance.sources.text(span).trim_ascii().into(),
                origin: Origin::File(span),
            }),
        });
    }
    let view = config.view(None, instance.version);
    of_view(&view).or_else(|| host_name(&view))
}

/// The first value that a program cannot load.
fn of_view(view: &View<'_>) -> Option<Down> {
    let fault = view.faults().into_iter().next()?;
    Some(Down {
        message: fault.message,
        because: Some(Because {
            setting: fault.name,
            value: fault.value,
            origin: fault.origin,
        }),
    })
}

/// `myhostname` has to be a host name (global/mail_params.c:check_myhostname, util/valid_hostname.c; live 3.7.11).
fn host_name(view: &View<'_>) -> Option<Down> {
    for name in ["myhostname", "mydomain"] {
        if !view.is_set(name) {
            continue;
        }
        let value = view.value(name).ok()?;
        if !is_valid_host_name(&value.text) {
            return Some(Down {
                message: format!("bad host name in {name}: \"{}\"", value.text),
                because: Some(Because {
                    setting: name.to_owned(),
                    value: value.text,
                    origin: value.origin,
                }),
            });
        }
    }
    None
}

/// util/valid_hostname.c: labels of letters, digits, `-` and `_`, at most 63 bytes each and 255 in all, not all numeric.
fn is_valid_host_name(name: &[u8]) -> bool {
    let label_ok = |label: &[u8]| {
        !label.is_empty()
            && label.len() <= 63
            && label.first() != Some(&b'-')
            && label.last() != Some(&b'-')
            && label.iter().all(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') || *byte >= 0x80
            })
    };
    let numeric = name
        .iter()
        .all(|byte| byte.is_ascii_digit() || *byte == b'.');
    !name.is_empty()
        && name.len() <= 255
        && !numeric
        && name.split(|&byte| byte == b'.').all(label_ok)
}

/// What keeps one smtpd from serving.
pub(super) fn of_service(instance: &Instance<'_>, service: &Service) -> Option<Down> {
    let version = instance.version;
    if let Some(problem) = service.options(version).refused.first() {
        return Some(Down {
            message: problem.message.clone(),
            because: Some(Because {
                setting: service.label(),
                value: instance.sources.text(problem.span).trim_ascii().into(),
                origin: Origin::File(problem.span),
            }),
        });
    }
    // master/single_server.c: smtpd runs without privileges only (live, four releases).
    if service.unprivileged.text.eq_ignore_ascii_case(b"n") {
        return Some(Down {
            message: "smtpd must run with $mail_owner privileges, and its unpriv column says n"
                .to_owned(),
            because: Some(Because {
                setting: service.label(),
                value: service.unprivileged.text.clone(),
                origin: Origin::File(service.unprivileged.span),
            }),
        });
    }
    let view = instance.config.view(Some(service), version);
    of_view(&view)
        .or_else(|| relay::missing_stop(&view))
        .or_else(|| missing_proxymap(instance, &view))
}

/// The parameters of smtpd whose tables it opens at its start.
const TABLES: &[&str] = &[
    "local_recipient_maps",
    "virtual_alias_maps",
    "virtual_mailbox_maps",
    "virtual_alias_domains",
    "virtual_mailbox_domains",
    "relay_recipient_maps",
    "canonical_maps",
    "recipient_canonical_maps",
    "alias_maps",
    "mydestination",
    "relay_domains",
    "mynetworks",
    "smtpd_sender_login_maps",
];

/// A table behind `proxy:` needs the proxymap service, or smtpd waits for it for ever (live 3.7.11).
fn missing_proxymap(instance: &Instance<'_>, view: &View<'_>) -> Option<Down> {
    let master = instance.config.master.as_ref()?;
    if master
        .services()
        .any(|service| service.name.text == "proxymap")
    {
        return None;
    }
    TABLES.iter().find_map(|name| {
        let value = view.value(name).ok()?;
        value.text.contains_str("proxy:").then(|| Down {
            message: format!(
                "{name} needs the proxymap service, which master.cf lacks, so smtpd hangs"
            ),
            because: Some(Because {
                setting: (*name).to_owned(),
                value: value.text,
                origin: value.origin,
            }),
        })
    })
}

/// `smtp inet n - n - - smtpd`, as every stock master.cf begins.
pub(super) fn stock_service() -> Option<Service> {
    let mut sources = Sources::new(FileTree::default());
    let text = b"smtp inet n - n - - smtpd\n".to_vec();
    let file = sources.add(Path::new("/etc/postfix/master.cf"), text);
    let master = MasterCf::parse(file, sources.bytes(file));
    master.services().next().cloned()
}

/// Whether smtpd can get entropy and session tickets: without a tlsmgr service TLS does not come up
/// ("no entropy for TLS key generation", STARTTLS answered 454; live 3.7.11).
pub(super) fn has_tlsmgr(instance: &Instance<'_>) -> bool {
    match &instance.config.master {
        None => true,
        Some(master) => master
            .services()
            .any(|service| service.name.text == "tlsmgr" && service.program() == "tlsmgr"),
    }
}
