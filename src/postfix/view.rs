//! A view: what one program finds in main.cf, with the `-o` of one service on top.
//!
//! Built-in defaults, then main.cf, then `-o` (the last of one name), and only then `$` expansion,
//! so that an `-o` also changes what other settings refer to (master/single_server.c: mail_conf_update before mail_params_init).

use std::borrow::Cow;

use bstr::{BStr, BString, ByteSlice};

use super::builtin::{self, Builtin, Kind, Loader};
use super::expand;
use super::value::{Value, boolean, number, time};
use super::{Config, Service};
use crate::source::Origin;
use crate::template;
use crate::version::Version;

/// A value of which the program dies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The parameter.
    pub name: String,
    /// Its value: expanded, or as written where the expansion is at fault.
    pub value: BString,
    /// Where it stands.
    pub origin: Origin,
    /// What the program says of it, or what the value depends on.
    pub message: String,
    /// The value is not at fault: it depends on something that no file here tells.
    pub unknown: bool,
}

/// What one program finds in main.cf and its `-o`.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    config: &'a Config,
    service: Option<&'a Service>,
    version: Version,
}

/// A definition as it stands.
struct Raw<'a> {
    text: &'a [u8],
    origin: Origin,
}

impl<'a> View<'a> {
    /// The view of `service`, or without one that of master.
    pub(super) const fn new(
        config: &'a Config,
        service: Option<&'a Service>,
        version: Version,
    ) -> Self {
        Self {
            config,
            service,
            version,
        }
    }

    /// The release whose program is meant.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// The service whose `-o` are on top.
    pub const fn service(&self) -> Option<&'a Service> {
        self.service
    }

    /// The effective value of `name`; empty where nothing sets it and the release has no default for it.
    ///
    /// # Errors
    /// The fault of which the program dies where the `$` expansion fails.
    pub fn value(&self, name: &str) -> Result<Value, Fault> {
        let builtin = builtin::find(name.as_bytes(), self.version);
        let (text, origin) = self.text(name, builtin)?;
        Ok(Value {
            text: text.into_owned().into(),
            origin,
        })
    }

    /// The effective value of `name`, which is a parameter of the program where `builtin` tells about it, and its origin.
    fn text(
        &self,
        name: &str,
        builtin: Option<&'static Builtin>,
    ) -> Result<(Cow<'a, [u8]>, Origin), Fault> {
        let raw = self.set(name.as_bytes()).unwrap_or_else(|| Raw {
            text: builtin.map_or(b"", |builtin| builtin.default.as_bytes()),
            origin: Origin::Default(builtin.map_or("never", |builtin| builtin.since)),
        });
        let in_file = matches!(raw.origin, Origin::File(_));
        if in_file && let Some(fault) = self.filled_in(name, raw.text, raw.origin) {
            return Err(fault);
        }
        let text = if builtin.is_some_and(|builtin| builtin.kind == Kind::Raw) {
            Cow::Borrowed(raw.text)
        } else {
            let reader = builtin.map_or(usize::MAX, |builtin| builtin.position);
            self.expand(raw.text, reader).map_err(|message| Fault {
                name: name.to_owned(),
                value: raw.text.into(),
                origin: raw.origin,
                message,
                unknown: false,
            })?
        };
        // What it refers to may be a placeholder.
        if let Some(fault) = self.filled_in(name, &text, raw.origin) {
            return Err(fault);
        }
        Ok((text, raw.origin))
    }

    /// The value of a parameter that names files, where a template may leave open what they are called.
    ///
    /// # Errors
    /// As [`Self::value`].
    pub fn path(&self, name: &str) -> Result<Value, Fault> {
        self.value(name).or_else(|fault| {
            if fault.unknown {
                Ok(Value {
                    text: fault.value,
                    origin: fault.origin,
                })
            } else {
                Err(fault)
            }
        })
    }

    /// The fault of a value that some other program fills in before Postfix reads it.
    fn filled_in(&self, name: &str, text: &[u8], origin: Origin) -> Option<Fault> {
        if !self.config.filled_in {
            return None;
        }
        let found = template::placeholder(text).or_else(|| template::variable(text))?;
        Some(Fault {
            name: name.to_owned(),
            value: text.into(),
            origin,
            message: format!("the template placeholder {} in {name}", found.as_bstr()),
            unknown: true,
        })
    }

    /// The effective value of a boolean, and whether it is yes.
    ///
    /// # Errors
    /// Any other value is fatal.
    pub fn flag(&self, name: &str) -> Result<(bool, Value), Fault> {
        let value = self.value(name)?;
        let never = matches!(value.origin, Origin::Default("never"));
        match boolean(&value.text) {
            Some(yes) => Ok((yes, value)),
            None if never => Ok((false, value)),
            None => Err(Fault {
                name: name.to_owned(),
                message: bad_boolean(name, value.text.as_bstr()),
                value: value.text,
                origin: value.origin,
                unknown: false,
            }),
        }
    }

    /// Whether main.cf or an `-o` sets `name`.
    pub fn is_set(&self, name: &str) -> bool {
        self.set(name.as_bytes()).is_some()
    }

    /// Expands `$` in a text that the program reads after all parameters are loaded.
    ///
    /// # Errors
    /// The reason in words.
    pub fn expanded(&self, text: &'a [u8]) -> Result<Cow<'a, [u8]>, String> {
        self.expand(text, usize::MAX)
    }

    /// What the program dies of: of all that is set and that it cannot load, what it loads first.
    pub fn first_fault(&self) -> Option<Fault> {
        let faults = self.set_names().filter_map(|name| {
            let builtin = builtin::find(name, self.version)?;
            let mine = match builtin.loader {
                Loader::All => true,
                Loader::Master => self.service.is_none(),
                Loader::Smtpd => self.service.is_some(),
            };
            let fault = mine.then(|| self.check(builtin).err()).flatten()?;
            (!fault.unknown).then_some((builtin.position, fault))
        });
        let first = faults.min_by_key(|&(position, _)| position);
        first.map(|(_, fault)| fault)
    }

    /// Loads one parameter as its type demands.
    fn check(&self, builtin: &'static Builtin) -> Result<(), Fault> {
        let name = builtin.name;
        let (text, origin) = self.text(name, Some(builtin))?;
        let shown = text.as_bstr();
        let too_small = |size: i64| {
            builtin
                .least
                .is_some_and(|least| least != 0 && size < least)
        };
        let too_large = |size: i64| builtin.most.is_some_and(|most| most != 0 && size > most);
        let message = match builtin.kind {
            Kind::Bool => boolean(&text).is_none().then(|| bad_boolean(name, shown)),
            Kind::Text | Kind::Raw | Kind::Computed => {
                let size = i64::try_from(text.len()).unwrap_or(i64::MAX);
                (too_small(size) || too_large(size))
                    .then(|| format!("bad string length {size}: {name} = {shown}"))
            }
            Kind::Number => match number(&text) {
                Some(size) if too_small(size) || too_large(size) => {
                    Some(format!("invalid {name} parameter value {size}"))
                }
                Some(_) => None,
                None => Some(format!("bad numerical configuration: {name} = {shown}")),
            },
            Kind::Time => match time(&text) {
                Some(size) if too_small(size) || too_large(size) => {
                    Some(format!("invalid {name}: {size}"))
                }
                Some(_) => None,
                None => Some(format!("parameter {name}: bad time value or unit: {shown}")),
            },
        };
        match message {
            None => Ok(()),
            Some(message) => Err(Fault {
                name: name.to_owned(),
                value: text.into_owned().into(),
                origin,
                message,
                unknown: false,
            }),
        }
    }

    /// Expands a text as the parameter at `reader` in the order of loading would.
    fn expand(&self, text: &'a [u8], reader: usize) -> Result<Cow<'a, [u8]>, String> {
        expand::expand(text, self.version, &|name| self.seen(name, reader))
    }

    /// What a reference to `name` finds while the parameter at `reader` is loaded.
    fn seen(&self, name: &[u8], reader: usize) -> Option<&'a [u8]> {
        if let Some(raw) = self.set(name) {
            return Some(raw.text);
        }
        match name {
            // set by the program itself before it loads anything (single_server.c)
            b"process_name" => Some(match self.service {
                Some(service) => service.program().as_bytes(),
                None => b"master",
            }),
            b"service_name" if self.version >= Version::new(3, 3) => {
                self.service.map(|service| service.name.text.as_bytes())
            }
            b"config_directory" => self.config.directory.to_str().map(str::as_bytes),
            b"mail_version" => Some(MAIL_VERSION),
            _ => {
                let builtin = builtin::find(name, self.version)?;
                (builtin.position < reader).then_some(match builtin.kind {
                    // A default that only the machine knows; that it is not empty is what conditions ask for.
                    Kind::Computed if builtin.default.is_empty() => COMPUTED,
                    _ => builtin.default.as_bytes(),
                })
            }
        }
    }

    /// The definition of `name` that holds, if anything sets it.
    fn set(&self, name: &[u8]) -> Option<Raw<'a>> {
        if let Some(service) = self.service
            && let Some(option) = service
                .options(self.version)
                .overrides
                .iter()
                .find(|option| option.effective && option.name == name)
        {
            return Some(Raw {
                text: &option.value,
                origin: Origin::File(if option.value_span.is_empty() {
                    option.span
                } else {
                    option.value_span
                }),
            });
        }
        let parameter = self.config.main.as_ref()?.winner(name)?;
        Some(Raw {
            text: &parameter.value,
            origin: Origin::File(if parameter.value_span.is_empty() {
                parameter.name_span
            } else {
                parameter.value_span
            }),
        })
    }

    /// The names that main.cf or an `-o` sets; a name may come twice.
    fn set_names(&self) -> impl Iterator<Item = &'a [u8]> {
        let main = self
            .config
            .main
            .iter()
            .flat_map(|main| main.names().map(|name| name.as_slice()));
        let options = self.service.into_iter().flat_map(|service| {
            service
                .options(self.version)
                .overrides
                .iter()
                .map(|option| option.name.as_slice())
        });
        main.chain(options)
    }
}

fn bad_boolean(name: &str, value: &BStr) -> String {
    format!("bad boolean configuration: {name} = {value}")
}

/// Stands for a text that only the running machine knows.
pub const COMPUTED: &[u8] = b"localhost.localdomain";

/// Stands for the version text where main.cf refers to `$mail_version`.
const MAIL_VERSION: &[u8] = b"3";
