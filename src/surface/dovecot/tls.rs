//! Whether TLS can work with the certificate and key in force.

use std::path::PathBuf;

use bstr::ByteSlice;

use crate::certificate::Missing;
use crate::dovecot::{Family, Lookup, Value, ValueKind};
use crate::surface::Because;

use super::{Instance, because};

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

/// Whether TLS works for a lookup, apart from being wanted.
pub(super) fn usable(instance: &Instance<'_>, lookup: &Lookup<'_>) -> Usable {
    let certificate = instance.config.effective("ssl_server_cert_file", lookup);
    let key = instance.config.effective("ssl_server_key_file", lookup);
    let mut read = Vec::new();
    let mut assumed = None;
    for value in [&certificate, &key] {
        if value.text.is_empty() {
            return Usable::Broken(vec![because(value)]);
        }
        let Some(path) = path(instance, value) else {
            // Written without `<` before 2.4, the value itself is taken for the certificate.
            if value.text.starts_with(b"-----BEGIN") {
                read.push(value.text.to_vec());
                continue;
            }
            return Usable::Broken(vec![because(value)]);
        };
        match instance.sources.tree().read(&path) {
            Ok(bytes) => read.push(bytes),
            Err(_) if instance.certificates.missing == Missing::Assume => {
                assumed = Some(format!(
                    "{} and {} hold a certificate and its key",
                    certificate.text, key.text
                ));
            }
            Err(_) => return Usable::Broken(vec![because(value)]),
        }
    }
    if let [certificate_bytes, key_bytes] = &read[..]
        && !(certificate_bytes.contains_str("-----BEGIN") && key_bytes.contains_str("-----BEGIN"))
    {
        return Usable::Broken(vec![because(&certificate), because(&key)]);
    }
    Usable::Works(assumed)
}
