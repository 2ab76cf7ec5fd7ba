//! The fix for Postfix: `smtpd_tls_auth_only = yes` where it is decided, in main.cf or by an `-o` of a service.
//!
//! Where TLS is to be turned on as well, `smtpd_tls_security_level = may`; never `encrypt`, with which port 25 would refuse
//! the mail of servers that know no TLS.

use std::collections::BTreeSet;

use crate::edit::Edit;
use crate::postfix::{Config, MainCf, Override, Service, View};
use crate::source::{Sources, Span};
use crate::surface::server::Surface;
use crate::surface::{Endpoint, Server, Verdict};

use super::style;

/// The setting that keeps SASL off until TLS is up (postconf(5), smtpd_tls_auth_only).
const AUTH_ONLY: &str = "smtpd_tls_auth_only";

/// The setting that offers TLS (postconf(5), smtpd_tls_security_level).
const LEVEL: &str = "smtpd_tls_security_level";

/// Whether this endpoint of Postfix is one to close: it takes logins without TLS, or is down by the very setting.
pub(super) fn is_open(endpoint: &Endpoint) -> bool {
    let by_setting = || {
        let mut settings = endpoint.because.iter().map(|because| &because.setting);
        settings.any(|setting| setting == AUTH_ONLY)
    };
    endpoint.server == Server::Postfix
        && match endpoint.verdict {
            Verdict::Cleartext | Verdict::Challenge => true,
            Verdict::Fails(_) => by_setting(),
            Verdict::TlsOnly | Verdict::LockedOut | Verdict::NoAuth | Verdict::Unknown(_) => false,
        }
}

/// The edits that enforce TLS for every service, in the definitions that win. With `turn_on`, TLS is put on offer as well.
pub(super) fn everywhere(surface: &Surface, turn_on: bool) -> Vec<Edit> {
    let Some(config) = &surface.postfix else {
        return Vec::new();
    };
    let sources = &surface.sources;
    let version = surface.postfix_version();
    let mut edits = Vec::new();
    let (mut in_main, mut level_in_main) = (config.master.is_none(), false);
    for service in smtpds(config) {
        let view = config.view(Some(service), version);
        if !takes_logins(&view) || is_under_tls(&view) {
            continue;
        }
        if !is_yes(&view, AUTH_ONLY) {
            match overriding(service, AUTH_ONLY) {
                Some(option) => edits.extend(set_option(sources, service, option, "yes")),
                None if config.main.is_some() => in_main = true,
                None => edits.push(add_option(sources, service, AUTH_ONLY, "yes")),
            }
        }
        if turn_on && is_without_tls(&view) {
            match overriding(service, LEVEL) {
                Some(option) => edits.extend(set_option(sources, service, option, "may")),
                None => level_in_main = true,
            }
        }
    }
    let Some(main) = &config.main else {
        return edits;
    };
    let stock = config.view(None, version);
    if in_main && !(config.master.is_none() && is_yes(&stock, AUTH_ONLY)) {
        edits.extend(set(main, sources, AUTH_ONLY, "yes"));
    }
    if level_in_main || turn_on && config.master.is_none() && is_without_tls(&stock) {
        edits.extend(set(main, sources, LEVEL, "may"));
    }
    edits
}

/// The edits that enforce TLS for the service behind one endpoint alone.
pub(super) fn at(surface: &Surface, endpoint: &Endpoint, turn_on: bool) -> Vec<Edit> {
    let Some(config) = &surface.postfix else {
        return Vec::new();
    };
    let version = surface.postfix_version();
    if config.master.is_none() {
        // Without master.cf there is one service, and main.cf is its own.
        return everywhere(surface, turn_on);
    }
    let Some(service) = surface.service_behind(endpoint) else {
        return Vec::new();
    };
    let sources = &surface.sources;
    let set = |name, value| match overriding(service, name) {
        Some(option) => set_option(sources, service, option, value),
        None => vec![add_option(sources, service, name, value)],
    };
    let mut edits = set(AUTH_ONLY, "yes");
    if turn_on && is_without_tls(&config.view(Some(service), version)) {
        edits.extend(set(LEVEL, "may"));
    }
    edits
}

/// The services of smtpd that run: of two with one name the last.
fn smtpds(config: &Config) -> Vec<&Service> {
    let mut seen = BTreeSet::new();
    let mut last: Vec<&Service> = config.services().collect();
    last.reverse();
    last.retain(|service| seen.insert((&service.name.text, &service.kind.text)));
    last.reverse();
    last.retain(|service| service.program() == "smtpd");
    last
}

fn is_yes(view: &View<'_>, name: &str) -> bool {
    view.flag(name).is_ok_and(|(yes, _)| yes)
}

/// Whether SASL is on, as far as that can be told.
fn takes_logins(view: &View<'_>) -> bool {
    !view
        .flag("smtpd_sasl_auth_enable")
        .is_ok_and(|(yes, _)| !yes)
}

/// Whether TLS comes before any command, so that the setting has nothing to decide (smtpd.c, pre_jail_init).
fn is_under_tls(view: &View<'_>) -> bool {
    is_yes(view, "smtpd_tls_wrappermode")
}

/// Whether the service offers no TLS: the level says so, or it is empty and so do the older settings.
fn is_without_tls(view: &View<'_>) -> bool {
    let level = view.value(LEVEL);
    level.is_ok_and(|level| {
        level.is("none")
            || level.text.is_empty()
                && !is_yes(view, "smtpd_use_tls")
                && !is_yes(view, "smtpd_enforce_tls")
    })
}

/// The `-o` of a service that decides a setting for it.
fn overriding<'a>(service: &'a Service, name: &str) -> Option<&'a Override> {
    service.winner(name).filter(|option| option.effective)
}

/// Puts another value into an `-o`, in whatever form it is written.
fn set_option(sources: &Sources, service: &Service, option: &Override, value: &str) -> Vec<Edit> {
    let bytes = sources.bytes(service.span.file);
    style::replace_value(bytes, option.value_span, service.span.end, value)
}

/// Adds an `-o` to a service: on a line of its own where its last `-o` has one, else at its end.
fn add_option(sources: &Sources, service: &Service, name: &str, value: &str) -> Edit {
    let file = service.span.file;
    let bytes = sources.bytes(file);
    let option = format!("-o {name}={value}");
    let at = service
        .arguments
        .last()
        .unwrap_or(&service.command)
        .span
        .end;
    let text = match service
        .overrides
        .last()
        .and_then(|one| own_line(bytes, one))
    {
        Some((ending, indent)) => format!("{ending}{indent}{option}"),
        None => format!(" {option}"),
    };
    Edit::insert(Span::new(file, at, at), text)
}

/// The line ending before the line that an `-o` has to itself, and its indent.
fn own_line<'a>(bytes: &'a [u8], option: &Override) -> Option<(&'static str, &'a str)> {
    let start = memchr::memrchr(b'\n', &bytes[..option.span.start])? + 1;
    let indent = &bytes[start..option.span.start];
    let ending = if bytes[..start].ends_with(b"\r\n") {
        "\r\n"
    } else {
        "\n"
    };
    let blank = indent.iter().all(|&c| c == b' ' || c == b'\t');
    let indent = std::str::from_utf8(indent).ok()?;
    (blank && !indent.is_empty()).then_some((ending, indent))
}

/// Sets a parameter in main.cf: the definition that holds, else a copy that is commented out, else a new line.
fn set(main: &MainCf, sources: &Sources, name: &str, value: &str) -> Vec<Edit> {
    let (file, bytes) = (main.file, sources.bytes(main.file));
    if let Some(winner) = main.winner(name) {
        return style::replace_value(bytes, winner.value_span, winner.span.end, value);
    }
    if let Some(edit) = revive(main, bytes, name, value) {
        return vec![edit];
    }
    // Behind the last of its kind, or at the end; at column 0, since an indented line continues the one above.
    let neighbour = main
        .parameters()
        .filter(|parameter| parameter.name.starts_with(b"smtpd_tls_"))
        .last();
    let (at, line) = match neighbour {
        Some(model) => {
            let written = &bytes[model.name_span.start..model.span.end];
            (model.span.end, style::like(written, name, value))
        }
        None => (bytes.len(), format!("{name} = {value}")),
    };
    vec![style::new_line(file, bytes, at, &line)]
}

/// Brings the last commented-out copy of a parameter to life, where that changes nothing else.
fn revive(main: &MainCf, bytes: &[u8], name: &str, value: &str) -> Option<Edit> {
    let copies = main.commented_out(bytes, name);
    // A comment of more than one word behind the `=` is prose, and stays.
    let copy = copies
        .iter()
        .rfind(|copy| !copy.value.contains(&b' ') && !is_continued(bytes, copy.span))?;
    let text = &bytes[copy.span.start..copy.span.end];
    let marks = text
        .iter()
        .take_while(|&&c| c == b'#' || c.is_ascii_whitespace());
    let line = style::like(&text[marks.count()..], name, value);
    let carriage_return = if text.ends_with(b"\r") { "\r" } else { "" };
    Some(Edit::replace(copy.span, format!("{line}{carriage_return}")))
}

/// Whether what stands behind a comment would continue it if it were none: an indented line, with nothing before it but
/// comments and blank lines (util/readlline.c).
fn is_continued(bytes: &[u8], comment: Span) -> bool {
    let mut behind = bytes[comment.end..].split(|&c| c == b'\n').skip(1);
    let text = |line: &&[u8]| {
        let inside = line.trim_ascii_start();
        !inside.is_empty() && !inside.starts_with(b"#")
    };
    behind
        .find(text)
        .is_some_and(|line| matches!(line[0], b' ' | b'\t' | b'\r' | 0x0b | 0x0c))
}
