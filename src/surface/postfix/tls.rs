//! Whether TLS can come about at an smtpd: certificates and keys, protocols, tlsmgr.
//!
//! tls/tls_certkey.c and tls/tls_server.c:tls_server_init; each failure only warns, and the port goes on to answer
//! 454 to STARTTLS or to drop wrapper-mode clients (live, four releases).

use std::path::Path;

use bstr::{BString, ByteSlice};

use crate::certificate::{self, Missing};
use crate::postfix::{Fault, Value, View, words};
use crate::source::ReadError;
use crate::surface::{Because, Endpoint};
use crate::version::Version;

use super::{Instance, start};

/// Why TLS cannot come about; none where it can. What has to be taken for granted goes to the endpoint.
pub(super) fn works(
    instance: &Instance<'_>,
    view: &View<'_>,
    enforces: bool,
    endpoint: &mut Endpoint,
) -> Result<Option<Because>, Fault> {
    let protocols = if enforces {
        "smtpd_tls_mandatory_protocols"
    } else {
        "smtpd_tls_protocols"
    };
    let value = view.value(protocols)?;
    if !is_protocol_list(&value.text, view.version()) {
        return Ok(Some(because(protocols, &value, "is no list of protocols")));
    }
    if !start::has_tlsmgr(instance) {
        return Ok(Some(Because {
            setting: "tlsmgr".to_owned(),
            value: "missing from master.cf, so smtpd has no entropy for TLS".into(),
            origin: crate::source::Origin::Implied("master.cf has no such service"),
        }));
    }
    if view.version() >= Version::new(3, 4) {
        let chain = view.value("smtpd_tls_chain_files")?;
        if !chain.text.is_empty() {
            for file in chain.words() {
                if let Err(why) = pair(instance, file, file, endpoint) {
                    return Ok(Some(because("smtpd_tls_chain_files", &chain, &why)));
                }
            }
            return Ok(None);
        }
    }
    files(instance, view, endpoint)
}

/// The certificate and key files of the three algorithms: one that is unusable switches TLS off as a whole.
fn files(
    instance: &Instance<'_>,
    view: &View<'_>,
    endpoint: &mut Endpoint,
) -> Result<Option<Because>, Fault> {
    let mut kinds = vec![
        ("smtpd_tls_cert_file", "smtpd_tls_key_file"),
        ("smtpd_tls_dcert_file", "smtpd_tls_dkey_file"),
    ];
    if view.version() >= Version::new(2, 6) {
        kinds.push(("smtpd_tls_eccert_file", "smtpd_tls_eckey_file"));
    }
    let mut any = false;
    for (certificate, key) in kinds {
        let certificate_value = view.value(certificate)?;
        let key_value = view.value(key)?;
        if certificate_value.text.is_empty() {
            continue;
        }
        if certificate_value.is("none") {
            // Anonymous ciphers only, which no mail program of today accepts (live).
            return Ok(Some(because(
                certificate,
                &certificate_value,
                "anonymous ciphers only",
            )));
        }
        any = true;
        let (one, other) = (certificate_value.text.as_ref(), key_value.text.as_ref());
        if let Err(why) = pair(instance, one, other, endpoint) {
            return Ok(Some(because(certificate, &certificate_value, &why)));
        }
    }
    let unset = view.value("smtpd_tls_cert_file")?;
    Ok((!any).then(|| because("smtpd_tls_cert_file", &unset, "")))
}

fn because(setting: &str, value: &Value, why: &str) -> Because {
    let mut text = value.text.clone();
    if !why.is_empty() {
        text.extend_from_slice(format!(" ({why})").as_bytes());
    }
    Because {
        setting: setting.to_owned(),
        value: text,
        origin: value.origin,
    }
}

/// Judges one certificate with its key, as far as the files can be read here.
fn pair(
    instance: &Instance<'_>,
    certificate: &bstr::BStr,
    key: &bstr::BStr,
    endpoint: &mut Endpoint,
) -> Result<(), String> {
    let policy = instance.question.certificates;
    let mut read = |name: &bstr::BStr| -> Result<Option<Vec<u8>>, String> {
        let Ok(path) = name.to_path() else {
            return Err("its name is not text".to_owned());
        };
        match instance.sources.tree().read(Path::new(path)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(ReadError::Outside | ReadError::Missing) if policy.missing == Missing::Assume => {
                let assumed = format!("{} holds what Postfix needs", BString::from(name));
                if !endpoint.assumed.contains(&assumed) {
                    endpoint.assumed.push(assumed);
                }
                Ok(None)
            }
            Err(error) => Err(error.to_string()),
        }
    };
    let (certificate_bytes, key_bytes) = (read(certificate)?, read(key)?);
    if let (Some(certificate_bytes), Some(key_bytes)) = (certificate_bytes, key_bytes) {
        let notes = certificate::judge(&certificate_bytes, &key_bytes, policy.now)
            .map_err(|fault| fault.to_string())?;
        let notes = notes
            .into_iter()
            .map(|note| format!("clients accept {certificate}, although {note}"));
        endpoint.assumed.extend(notes);
    }
    Ok(())
}

/// tls/tls_misc.c:tls_proto_mask_lims: names with `!`, and since 3.6 `>=` and `<=`; anything else switches TLS off (live).
fn is_protocol_list(list: &[u8], version: Version) -> bool {
    words(list).all(|word| {
        word.split_str(":")
            .filter(|part| !part.is_empty())
            .all(|part| {
                let part = part.trim_start_with(|c| c == '!');
                let bound = part
                    .strip_prefix(b">=")
                    .or_else(|| part.strip_prefix(b"<="));
                match bound {
                    Some(rest) => {
                        version >= Version::new(3, 6)
                            && (is_protocol(rest)
                                || rest.is_empty()
                                || rest.first().is_some_and(u8::is_ascii_digit))
                    }
                    None => is_protocol(part),
                }
            })
    })
}

fn is_protocol(name: &[u8]) -> bool {
    [
        "SSLv2", "SSLv3", "TLSv1", "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3",
    ]
    .iter()
    .any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}
