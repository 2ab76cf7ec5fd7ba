//! Whether TLS can come about at an smtpd: certificates and keys, protocols, ciphers, tlsmgr.
//!
//! Read in tls/tls_certkey.c and tls/tls_server.c (tls_server_init): each failure only warns, and the port goes on to answer
//! 454 to STARTTLS or to drop wrapper-mode clients (live, four releases).

use std::path::Path;
use std::rc::Rc;

use bstr::{BStr, ByteSlice};

use crate::certificate::{self, Missing};
use crate::postfix::{Fault, Value, View, find_builtin, words};
use crate::source::{Origin, ReadError, Span};
use crate::surface::{Because, Endpoint};
use crate::version::Version;

use super::{Instance, start};

/// Why TLS cannot come about; none where it can. What has to be taken for granted goes to the endpoint.
pub(super) fn fault(
    instance: &Instance<'_>,
    view: &View<'_>,
    enforces: bool,
    endpoint: &mut Endpoint,
) -> Result<Option<Because>, Fault> {
    if let Some(because) = settings_fault(view, enforces)? {
        return Ok(Some(because));
    }
    if !start::has_tlsmgr(instance) {
        return Ok(Some(Because {
            setting: "tlsmgr".to_owned(),
            value: "missing from master.cf, so smtpd has no entropy for TLS".into(),
            origin: instance
                .config
                .master
                .as_ref()
                .map_or(Origin::Implied("master.cf has no such service"), |master| {
                    Origin::File(Span::new(master.file, 0, 0))
                }),
        }));
    }
    let mut files = Files {
        instance,
        directory: view.value("queue_directory")?,
        endpoint,
    };
    let authorities = view.path("smtpd_tls_CAfile")?;
    if !authorities.text.is_empty()
        && let Some(bytes) = match files.read(authorities.text.as_ref()) {
            Ok(bytes) => bytes,
            Err(why) => return Ok(Some(because("smtpd_tls_CAfile", &authorities, &why))),
        }
        && let Err(fault) = certificate::judge_authorities(&bytes)
    {
        let why = fault.to_string();
        return Ok(Some(because("smtpd_tls_CAfile", &authorities, &why)));
    }
    if view.version() >= Version::new(3, 4) {
        let chain = view.path("smtpd_tls_chain_files")?;
        if !chain.text.is_empty() {
            let judged = files.chain(&chain);
            return Ok(judged
                .err()
                .map(|why| because("smtpd_tls_chain_files", &chain, &why)));
        }
    }
    pairs(view, &mut files)
}

/// Whether a certificate is named at all: without one 2.3 and 2.4 die where TLS is demanded
/// ("No server certs available. TLS can't be enabled", smtpd/smtpd.c:pre_jail_init).
pub(super) fn names_certificate(view: &View<'_>) -> Result<bool, Fault> {
    for name in [
        "smtpd_tls_chain_files",
        "smtpd_tls_cert_file",
        "smtpd_tls_dcert_file",
        "smtpd_tls_eccert_file",
    ] {
        if !view.path(name)?.text.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Settings with which no handshake succeeds.
fn settings_fault(view: &View<'_>, enforces: bool) -> Result<Option<Because>, Fault> {
    let either = |mandatory, general| if enforces { mandatory } else { general };
    let name = either("smtpd_tls_mandatory_protocols", "smtpd_tls_protocols");
    let protocols = view.value(name)?;
    match allowed_protocols(&protocols.text, view.version()) {
        None => {
            return Ok(Some(because(name, &protocols, "is no list of protocols")));
        }
        Some(false) => {
            return Ok(Some(because(
                name,
                &protocols,
                "leaves no protocol that is in use",
            )));
        }
        Some(true) => {}
    }
    // tls/tls_misc.c:tls_set_ciphers, at every handshake; the names in any case. smtpd_tls_ciphers exists since 3.1 only.
    let name = either("smtpd_tls_mandatory_ciphers", "smtpd_tls_ciphers");
    let ciphers = view.value(name)?;
    let known = ["export", "low", "medium", "high", "null"];
    let exists = find_builtin(name.as_bytes(), view.version()).is_some();
    if exists && !known.iter().any(|grade| ciphers.is(grade)) {
        return Ok(Some(because(name, &ciphers, "is no grade of ciphers")));
    }
    Ok(None)
}

/// The certificate and key files of the three algorithms: one that is unusable switches TLS off as a whole.
fn pairs(view: &View<'_>, files: &mut Files<'_, '_>) -> Result<Option<Because>, Fault> {
    let kinds = [
        ("smtpd_tls_cert_file", "smtpd_tls_key_file"),
        ("smtpd_tls_dcert_file", "smtpd_tls_dkey_file"),
        ("smtpd_tls_eccert_file", "smtpd_tls_eckey_file"),
    ];
    let elliptic = view.version() >= Version::new(2, 6);
    let mut any = false;
    for (certificate, key) in kinds.into_iter().take(if elliptic { 3 } else { 2 }) {
        let value = view.path(certificate)?;
        if value.text.is_empty() || certificate == "smtpd_tls_cert_file" && value.is("none") {
            continue;
        }
        any = true;
        let key_value = view.path(key)?;
        if let Err((at_key, why)) = files.pair(value.text.as_ref(), key_value.text.as_ref()) {
            let (name, value) = if at_key {
                (key, &key_value)
            } else {
                (certificate, &value)
            };
            return Ok(Some(because(name, value, &why)));
        }
    }
    let first = view.path("smtpd_tls_cert_file")?;
    let why = if first.is("none") {
        // tls_server.c: aNULL ciphers, which no mail program of today accepts (live).
        "leaves only anonymous ciphers"
    } else {
        ""
    };
    Ok((!any).then(|| because("smtpd_tls_cert_file", &first, why)))
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

/// The files that smtpd reads for TLS, before it goes to its chroot.
struct Files<'a, 'e> {
    instance: &'a Instance<'a>,
    /// `queue_directory`, in which smtpd works.
    directory: Value,
    endpoint: &'e mut Endpoint,
}

impl Files<'_, '_> {
    /// The bytes of a file; none where it is taken for good without having been seen.
    fn read(&mut self, name: &BStr) -> Result<Option<Rc<[u8]>>, String> {
        let instance = self.instance;
        let policy = instance.question.certificates;
        let (Ok(path), Ok(directory)) = (name.to_path(), self.directory.text.to_path()) else {
            return Err("its name is not text".to_owned());
        };
        let path = Path::new(directory).join(path);
        let why = match instance.files.read(instance.sources, &path) {
            Ok(bytes) => return Ok(Some(bytes)),
            Err(why) => why,
        };
        match &*why {
            ReadError::Outside | ReadError::Missing if policy.missing == Missing::Assume => {
                self.assume(format!("{name} holds what Postfix needs"));
                Ok(None)
            }
            ReadError::Outside => {
                self.assume(format!(
                    "{name}, which was not given to read, holds what Postfix needs"
                ));
                Ok(None)
            }
            ReadError::Io(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                self.assume(format!(
                    "{name}, which may not be read here, holds what Postfix needs"
                ));
                Ok(None)
            }
            error @ (ReadError::Missing
            | ReadError::NotAFile
            | ReadError::TooLarge
            | ReadError::Io(_)) => Err(error.to_string()),
        }
    }

    fn assume(&mut self, assumed: String) {
        if !self.endpoint.assumed.contains(&assumed) {
            self.endpoint.assumed.push(assumed);
        }
    }

    /// Takes down what clients may object to.
    fn note(&mut self, name: &BStr, notes: Vec<String>) {
        for note in notes {
            self.assume(format!("clients accept {name}, although {note}"));
        }
    }

    /// Judges a certificate file with its key file; an error says whether it lies with the key.
    fn pair(&mut self, certificate: &BStr, key: &BStr) -> Result<(), (bool, String)> {
        let certificate_bytes = self.read(certificate).map_err(|why| (false, why))?;
        let key_bytes = self.read(key).map_err(|why| (true, why))?;
        if let (Some(certificate_bytes), Some(key_bytes)) = (certificate_bytes, key_bytes) {
            let now = self.instance.question.certificates.now;
            let notes = certificate::judge(&certificate_bytes, &key_bytes, now)
                .map_err(|fault| (is_of_key(fault) && certificate != key, fault.to_string()))?;
            self.note(certificate, notes);
        }
        Ok(())
    }

    /// Judges chain files, which are read as one after the other (3.4).
    fn chain(&mut self, files: &Value) -> Result<(), String> {
        let mut all = Vec::new();
        for file in files.words() {
            match self.read(file).map_err(|why| format!("{file}: {why}"))? {
                Some(bytes) => all.extend_from_slice(&bytes),
                None => return Ok(()),
            }
        }
        let now = self.instance.question.certificates.now;
        let notes = certificate::judge_chain(&all, now).map_err(|fault| fault.to_string())?;
        self.note(files.text.as_ref(), notes);
        Ok(())
    }
}

/// Whether the fault is one of the key rather than of the certificate.
const fn is_of_key(fault: certificate::Fault) -> bool {
    use certificate::Fault::{
        BrokenCertificate, BrokenKey, Encrypted, KeyAlone, KeyNotFirst, Mismatch, NoCertificate,
        NoKey,
    };
    match fault {
        NoKey | BrokenKey | Encrypted | Mismatch => true,
        NoCertificate | BrokenCertificate | KeyNotFirst | KeyAlone => false,
    }
}

/// Whether a list leaves TLS 1.2 or 1.3, or for old servers anything before; none where it is no list of protocols
/// (tls/tls_misc.c:tls_proto_mask_lims: names with `!`, and since 3.6 `>=` and `<=`; live).
fn allowed_protocols(list: &[u8], version: Version) -> Option<bool> {
    let mut excluded = 0_u8;
    let mut included = 0_u8;
    let mut floor = 0;
    let mut ceiling = PROTOCOLS.len() - 1;
    for word in words(list).flat_map(|word| word.split_str(":")) {
        if word.is_empty() {
            continue;
        }
        let bounds = version >= Version::new(3, 6);
        if let Some(bound) = word.strip_prefix(b">=").filter(|_| bounds) {
            floor = limit(bound)?.unwrap_or(floor);
        } else if let Some(bound) = word.strip_prefix(b"<=").filter(|_| bounds) {
            ceiling = limit(bound)?.unwrap_or(ceiling);
        } else if let Some(name) = word.strip_prefix(b"!") {
            excluded |= 1 << protocol(name)?;
        } else {
            included |= 1 << protocol(word)?;
        }
    }
    Some((floor.max(OLDEST_ALIVE)..=ceiling).any(|index| {
        let bit = 1 << index;
        excluded & bit == 0 && (included == 0 || included & bit != 0)
    }))
}

/// The protocols in their order. SSLv2 and SSLv3 are built into no TLS library of today, but their names are known.
const OLDEST_ALIVE: usize = 2;
const PROTOCOLS: [&str; 6] = ["SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];

fn protocol(name: &[u8]) -> Option<usize> {
    PROTOCOLS
        .iter()
        .position(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}

/// A bound: the name of a protocol, or its number in hexadecimal, whose place is not looked up here.
fn limit(text: &[u8]) -> Option<Option<usize>> {
    if let Some(index) = protocol(text) {
        return Some(Some(index));
    }
    let text = text.to_str().ok()?;
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let number = if digits.is_empty() {
        0
    } else {
        u32::from_str_radix(digits, 16).ok()?
    };
    Some(match number {
        0x0300 => Some(1),
        0x0301 => Some(2),
        0x0302 => Some(3),
        0x0303 => Some(4),
        0x0304 => Some(5),
        _ => None,
    })
}
