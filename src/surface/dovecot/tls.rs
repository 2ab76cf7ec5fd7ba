//! Whether TLS can work with the certificate and key in force.

use std::path::PathBuf;
use std::rc::Rc;

use bstr::ByteSlice;

use crate::certificate::{self, Fault, Missing};
use crate::dovecot::{Family, Lookup, Value, ValueKind};
use crate::surface::Because;
use crate::version::Version;

use super::{Instance, because, ciphers};

/// Whether a handshake can succeed.
pub(super) enum Usable {
    /// It can; perhaps because something was taken for granted.
    Works(Option<String>),
    /// It cannot: these settings are why.
    Broken(Vec<Because>),
}

impl Usable {
    pub(super) const fn works(&self) -> bool {
        matches!(self, Self::Works(_))
    }

    pub(super) fn assumed(&self) -> Option<&str> {
        match self {
            Self::Works(assumed) => assumed.as_deref(),
            Self::Broken(_) => None,
        }
    }

    pub(super) fn because(&self) -> Vec<Because> {
        match self {
            Self::Works(_) => Vec::new(),
            Self::Broken(because) => because.clone(),
        }
    }
}

/// A file that a value names, as an absolute daemon path.
pub(super) fn path(instance: &Instance<'_>, value: &Value) -> Option<PathBuf> {
    let assignment = instance.config.assignments.get(value.assignment?)?;
    let named = match (instance.config.family, assignment.kind) {
        (_, ValueKind::Heredoc) => return None,
        (_, ValueKind::File) | (Family::V24, _) => {
            assignment.file.as_ref().unwrap_or(&assignment.text)
        }
        (Family::V23, _) => return None,
    };
    let path = PathBuf::from(named.to_os_str_lossy().into_owned());
    let folder = instance
        .sources
        .daemon_path(assignment.span.file)
        .parent()?;
    Some(if path.is_absolute() {
        path
    } else {
        folder.join(path)
    })
}

/// A setting for which the TLS library or Dovecot's use of it gives up (src/lib-ssl-iostream/iostream-openssl-context.c
/// and iostream-openssl-common.c, 2.3.19.1 and 2.4.1; live).
fn refused(instance: &Instance<'_>, lookup: &Lookup<'_>) -> Option<Value> {
    let get = |setting| {
        let value = instance.config.effective(setting, lookup);
        (value.assignment.is_some() && value.unknown.is_none()).then_some(value)
    };
    let oldest = get("ssl_min_protocol").filter(|value| !is_release(&value.text, instance.version));
    oldest.or_else(|| {
        get("ssl_cipher_list")
            .filter(|value| !value.text.is_empty() && !ciphers::may_work(&value.text))
    })
}

/// Whether a release of Dovecot takes this word for `ssl_min_protocol` (protocol_versions and
/// openssl_min_protocol_to_options in src/lib-ssl-iostream/iostream-openssl-common.c, 2.3.0 to 2.4.4; live, four
/// releases).
fn is_release(word: &[u8], version: Version) -> bool {
    // 2.4 sets no minimum for an empty one (ssl_iostream_context_set in iostream-openssl-context.c, 2.4.0). From 2.4.3 on
    // the daemon does not start with it.
    if word.is_empty() {
        return version >= Version::new(2, 4);
    }
    let newer = version >= ANY_AND_LATEST;
    let is = |name: &str| {
        if newer {
            word.eq_ignore_ascii_case(name.as_bytes())
        } else {
            word == name.as_bytes()
        }
    };
    ["TLSv1", "TLSv1.1", "TLSv1.2"].into_iter().any(is)
        || newer && ["ANY", "TLSv1.3", "LATEST"].into_iter().any(is)
        || version < Version::new(2, 4) && is("SSLv3")
}

/// The first release that knows these two words and TLSv1.3, and `ssl_min_protocol` in any case (the same files at 2.3.14
/// and 2.3.15).
pub(super) const ANY_AND_LATEST: Version = Version::patch(2, 3, 15);

/// Whether TLS works for a lookup, apart from being wanted.
pub(super) fn usable(instance: &Instance<'_>, lookup: &Lookup<'_>) -> Usable {
    if let Some(value) = refused(instance, lookup) {
        return Usable::Broken(vec![because(&value)]);
    }
    let certificate = instance.config.effective("ssl_server_cert_file", lookup);
    let key = instance.config.effective("ssl_server_key_file", lookup);
    let mut read: Vec<Rc<[u8]>> = Vec::new();
    let mut assumed = None;
    for value in [&certificate, &key] {
        if let Some(unknown) = &value.unknown {
            assumed = Some(format!(
                "{} is good: it depends on {unknown}",
                value.setting
            ));
            continue;
        }
        if value.text.is_empty() {
            if instance.config.partial
                && value.assignment.is_none()
                && instance.certificates.missing == Missing::Assume
            {
                assumed =
                    Some("a file that is not here names a certificate and its key".to_owned());
                continue;
            }
            return Usable::Broken(vec![because(value)]);
        }
        let Some(path) = path(instance, value) else {
            // Written without `<` before 2.4, and in a heredoc, the value itself is taken for the certificate.
            if value.text.contains_str("-----BEGIN") {
                read.push(value.text.as_slice().into());
                continue;
            }
            return Usable::Broken(vec![because(value)]);
        };
        match instance.files.read(instance.sources, &path) {
            Ok(bytes) => read.push(bytes),
            Err(_) if instance.certificates.missing == Missing::Assume => {
                assumed = Some(format!(
                    "{} and {} hold a certificate and its key",
                    certificate.shown(),
                    key.shown()
                ));
            }
            Err(_) => return Usable::Broken(vec![because(value)]),
        }
    }
    let [certificate_bytes, key_bytes] = &read[..] else {
        return Usable::Works(assumed);
    };
    match certificate::judge(certificate_bytes, key_bytes, instance.certificates.now) {
        // The daemon starts with a pair that does not fit, and every handshake fails (live, four releases).
        Err(Fault::Encrypted) => {
            let password = instance.config.effective("ssl_server_key_password", lookup);
            if password.assignment.is_none() {
                return Usable::Broken(vec![because(&key), because(&password)]);
            }
        }
        Err(_) => return Usable::Broken(vec![because(&certificate), because(&key)]),
        Ok(notes) => {
            let notes = notes.into_iter().next();
            assumed = assumed.or_else(|| {
                notes.map(|note| format!("clients accept {}, although {note}", certificate.shown()))
            });
        }
    }
    Usable::Works(assumed)
}
