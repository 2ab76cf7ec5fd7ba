//! What keeps an smtpd from serving: settings of which it, or master, dies.

use std::path::Path;

use bstr::{BStr, ByteSlice};

use crate::postfix::{Fault, MasterCf, Service, Value, View, compatibility_level, find_builtin};
use crate::source::{FileTree, Origin, Sources, Span};
use crate::surface::{Because, Verdict};
use crate::template;
use crate::version::Version;

use super::{Instance, because, listener, relay};

/// A service that is down, and why.
#[derive(Clone, Debug)]
pub(super) struct Down {
    /// What the program says, or what it depends on.
    pub(super) message: String,
    /// The setting it dies of, where it is one.
    pub(super) because: Option<Because>,
    /// Whether it is down depends on something that no file here tells.
    pub(super) unknown: bool,
}

impl Down {
    pub(super) fn verdict(&self) -> Verdict {
        if self.unknown {
            Verdict::Unknown(self.message.clone())
        } else {
            Verdict::Fails(self.message.clone())
        }
    }

    /// Down because of what stands in a file.
    pub(super) fn at(instance: &Instance<'_>, setting: &str, span: Span, message: String) -> Self {
        Self {
            message,
            because: Some(Because {
                setting: setting.to_owned(),
                value: instance.sources.text(span).trim_ascii().into(),
                origin: Origin::File(span),
            }),
            unknown: false,
        }
    }
}

impl From<Fault> for Down {
    fn from(fault: Fault) -> Self {
        Self {
            message: fault.message,
            because: Some(Because {
                setting: fault.name,
                value: fault.value,
                origin: fault.origin,
            }),
            unknown: fault.unknown,
        }
    }
}

/// What keeps master, and so every service, from starting.
pub(super) fn of_master(instance: &Instance<'_>) -> Option<Down> {
    let config = instance.config;
    if let Some(span) = config.statement {
        return Some(filled_in(instance, "template", span));
    }
    if let Some((span, message)) = config.main.as_ref().and_then(|main| main.broken()) {
        let message = format!("every program of Postfix dies of main.cf: {message}");
        return Some(Down::at(instance, "main.cf", span, message));
    }
    let view = config.view(None, instance.version);
    if let Some(down) = of_globals(&view) {
        return Some(down);
    }
    if let Some((span, message)) = config.master.as_ref().and_then(MasterCf::broken) {
        if template::placeholder(instance.sources.text(span)).is_some() {
            return Some(filled_in(instance, "master.cf", span));
        }
        let message = format!("master does not start: {message}");
        return Some(Down::at(instance, "master.cf", span, message));
    }
    listener::refused(instance)
}

/// Not to be told, since a template's line decides which some other program fills in.
fn filled_in(instance: &Instance<'_>, setting: &str, span: Span) -> Down {
    let text = instance.sources.text(span).trim_ascii();
    let line = text.lines().next().unwrap_or_default();
    let message = format!("the template's line {}", line.as_bstr());
    Down {
        unknown: true,
        ..Down::at(instance, setting, span, message)
    }
}

/// What every program checks at its start, master among them (global/mail_params.c:mail_params_init).
fn of_globals(view: &View<'_>) -> Option<Down> {
    if let Some(fault) = view.first_fault() {
        return Some(Down::from(fault));
    }
    let set = |name: &str| -> Option<Value> { view.is_set(name).then(|| view.value(name).ok())? };
    let down = |name: &str, value: &Value, message: String| {
        Some(Down {
            message,
            because: Some(because(name, value)),
            unknown: false,
        })
    };
    if view.version() >= Version::new(3, 6)
        && let Some(level) = set("compatibility_level")
        && let Err(message) = compatibility_level(&level.text)
    {
        return down("compatibility_level", &level, message);
    }
    for name in ["myhostname", "mydomain"] {
        // util/valid_hostname.c; live 3.7.11.
        if let Some(value) = set(name).filter(|value| !is_valid_host_name(&value.text)) {
            let message = format!("bad host name in {name}: \"{}\"", value.text);
            return down(name, &value, message);
        }
    }
    if let Some(protocols) = set("inet_protocols") {
        // util/inet_proto.c (name_mask with its fatal flag): all, ipv4, ipv6.
        let known = |word: &BStr| {
            ["all", "ipv4", "ipv6"]
                .iter()
                .any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
        };
        if let Some(word) = protocols.words().find(|word| !known(word)) {
            let message = format!("unknown inet_protocols value \"{word}\"");
            return down("inet_protocols", &protocols, message);
        }
    }
    if let (Some(name), Some(relay)) = (set("myhostname"), set("relayhost"))
        && name.text.eq_ignore_ascii_case(&relay.text)
    {
        let message = "myhostname and relayhost parameter settings must not be identical".into();
        return down("relayhost", &relay, message);
    }
    let origin = set("myorigin")?;
    if origin.words().count() > 1 {
        let message = "myorigin parameter setting must not contain multiple values".into();
        return down("myorigin", &origin, message);
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
pub(super) fn of_service(
    instance: &Instance<'_>,
    view: &View<'_>,
    service: &Service,
) -> Option<Down> {
    let version = instance.version;
    let columns = [
        &service.name,
        &service.private,
        &service.unprivileged,
        &service.command,
    ];
    let mut columns = columns.into_iter();
    if let Some(column) = columns.find(|one| template::placeholder(&one.text).is_some()) {
        return Some(filled_in(instance, &service.label(), column.span));
    }
    if let Some(problem) = service.options(version).refused.first() {
        let text = instance.sources.text(service.span);
        if let Some(found) = template::placeholder(text) {
            // `-o smtpd_tls_auth_only=<%= @strict %>` falls into three arguments before anybody has filled it in.
            let start = service.span.start + text.find(found).unwrap_or_default();
            let span = Span::new(service.span.file, start, start + found.len());
            let message = format!("the template placeholder {}", found.as_bstr());
            return Some(Down {
                unknown: true,
                ..Down::at(instance, &service.label(), span, message)
            });
        }
        let message = problem.message.clone();
        return Some(Down::at(instance, &service.label(), problem.span, message));
    }
    // master runs $daemon_directory/<command> (master/master_ent.c), where an absolute path leads nowhere.
    if service.command.text.starts_with(b"/") {
        let message = format!(
            "master looks for {} below $daemon_directory, where it is not",
            service.command.text
        );
        let span = service.command.span;
        return Some(Down::at(instance, &service.label(), span, message));
    }
    // smtpd_peer.c: "must run with $mail_owner privileges" for every client from the network (live, four releases).
    if service.unprivileged.text == "n" && service.kind.text != "unix" {
        let message =
            "smtpd must run with $mail_owner privileges, and its unpriv column says n".into();
        let span = service.unprivileged.span;
        return Some(Down::at(instance, &service.label(), span, message));
    }
    of_globals(view)
        .or_else(|| relay::missing_stop(view))
        .or_else(|| missing_proxymap(instance, view))
        .or_else(|| of_words(view).unwrap_or_else(|fault| Some(Down::from(fault))))
}

/// Single words that smtpd knows a list of and dies of others (smtpd/smtpd.c:pre_jail_init, smtpd_check.c:smtpd_check_init).
fn of_words(view: &View<'_>) -> Result<Option<Down>, Fault> {
    if view.flag("smtpd_sasl_auth_enable")?.0 {
        // xsasl/xsasl_server.c compares the names as they are written; both are built in everywhere.
        let kind = view.value("smtpd_sasl_type")?;
        if kind.text != "cyrus" && kind.text != "dovecot" {
            return Ok(Some(Down {
                message: format!("unsupported SASL server implementation: {}", kind.text),
                because: Some(because("smtpd_sasl_type", &kind)),
                unknown: false,
            }));
        }
    }
    let tempfail: &[&str] = &["defer", "defer_if_permit"];
    let lists: [(&str, &[&str]); 5] = [
        (
            "smtpd_forbid_bare_newline",
            &["no", "yes", "normalize", "reject", "note"],
        ),
        ("unknown_helo_hostname_tempfail_action", tempfail),
        ("unknown_address_tempfail_action", tempfail),
        ("unverified_recipient_tempfail_action", tempfail),
        ("unverified_sender_tempfail_action", tempfail),
    ];
    for (name, words) in lists {
        if find_builtin(name.as_bytes(), view.version()).is_none() {
            continue;
        }
        let value = view.value(name)?;
        if !words.iter().any(|word| value.is(word)) {
            return Ok(Some(Down {
                message: format!("bad parameter value: {name} = {}", value.text),
                because: Some(because(name, &value)),
                unknown: false,
            }));
        }
    }
    Ok(None)
}

/// The parameters whose tables smtpd opens at its start (smtpd/smtpd_check.c:smtpd_check_init, smtpd.c:pre_jail_init).
const TABLES: &[&str] = &[
    "mynetworks",
    "relay_domains",
    "permit_mx_backup_networks",
    "relay_clientcerts",
    "local_recipient_maps",
    "sender_canonical_maps",
    "recipient_canonical_maps",
    "canonical_maps",
    "virtual_alias_maps",
    "virtual_mailbox_maps",
    "relay_recipient_maps",
    "rbl_reply_maps",
    "smtpd_sender_login_maps",
    "smtpd_client_restrictions",
    "smtpd_helo_restrictions",
    "smtpd_sender_restrictions",
    "smtpd_relay_restrictions",
    "smtpd_recipient_restrictions",
    "smtpd_etrn_restrictions",
    "smtpd_data_restrictions",
    "smtpd_end_of_data_restrictions",
    "smtpd_discard_ehlo_keyword_address_maps",
    "smtpd_sasl_exceptions_networks",
    "smtpd_command_filter",
    "smtpd_milter_maps",
    "smtpd_authorized_xclient_hosts",
    "smtpd_authorized_xforward_hosts",
    "smtpd_client_event_limit_exceptions",
    "local_header_rewrite_clients",
];

/// A table behind `proxy:` needs the proxymap service, or smtpd waits for it for ever (live 3.7.11).
fn missing_proxymap(instance: &Instance<'_>, view: &View<'_>) -> Option<Down> {
    if has_service(instance, "proxymap", "proxymap") {
        return None;
    }
    TABLES.iter().find_map(|name| {
        let value = view.value(name).ok()?;
        value.text.contains_str("proxy:").then(|| Down {
            message: format!(
                "{name} needs the proxymap service, which master.cf lacks, so smtpd hangs"
            ),
            because: Some(because(name, &value)),
            unknown: false,
        })
    })
}

/// Whether master runs a service that others talk to; without master.cf the stock one is assumed, which has them all.
fn has_service(instance: &Instance<'_>, name: &str, program: &str) -> bool {
    let mut services = instance.config.services_named(name);
    instance.config.master.is_none()
        || services.any(|service| {
            service.kind.text == "unix"
                && service.program() == program
                && !listener::is_disabled(instance, service)
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
    has_service(instance, "tlsmgr", "tlsmgr")
}
