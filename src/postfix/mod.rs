//! The configuration of one Postfix instance: main.cf and master.cf, lossless.
//!
//! This module knows the two formats and how values come about; it knows nothing about TLS policy.
//! `surface::postfix` to the right judges what it means.
//!
//! ```text
//! line → main_cf ┐
//! line → service (options) → master_cf ┤→ view (builtin · expand) → one effective value
//! ```

mod builtin;
mod expand;
mod hint;
mod line;
mod main_cf;
mod master_cf;
mod names;
mod options;
mod service;
mod value;
mod view;

use std::path::{Path, PathBuf};

pub use builtin::{
    Builtin, Kind, Loader, default_changes, find as find_builtin, names as builtin_names,
};
pub use expand::compatibility_level;
pub use line::table_lines;
pub use main_cf::{CommentedOut, Entry as MainEntry, MainCf, Parameter};
pub use master_cf::{Entry as MasterEntry, MasterCf};
pub use names::{is_parameter, named as parameter_named, parameter_names};
pub use options::{Options, Override};
pub use service::{Column, Service};
pub use value::{Value, quoted_words, words};
pub use view::{COMPUTED, Fault, View};

use crate::source::{Problem, Sources, Span};
use crate::template;
use crate::version::{Range, Version};

/// The oldest release that is modelled.
pub const OLDEST: Version = Version::new(2, 3);

/// One configuration directory.
#[derive(Debug, Default)]
pub struct Config {
    /// The directory, as the daemons know it.
    pub directory: PathBuf,
    /// Its main.cf; without one the built-in defaults hold.
    pub main: Option<MainCf>,
    /// Its master.cf; without one the stock services are assumed.
    pub master: Option<MasterCf>,
    /// What is wrong with the files, in their order.
    pub problems: Vec<Problem>,
    /// The first statement of a template in them: which of their lines there are depends on it.
    pub statement: Option<Span>,
    /// Whether some other program may fill in their values.
    filled_in: bool,
    hint: Range,
}

impl Config {
    /// Reads main.cf and master.cf of `directory` (a daemon path such as `/etc/postfix`), as far as they are there.
    pub fn load(sources: &mut Sources, directory: &Path) -> Self {
        let mut config = Self {
            directory: directory.to_owned(),
            ..Self::default()
        };
        if let Ok(file) = sources.read(&directory.join("main.cf")) {
            config.main = Some(MainCf::parse(file, sources.bytes(file)));
        }
        if let Ok(file) = sources.read(&directory.join("master.cf")) {
            config.master = Some(MasterCf::parse(file, sources.bytes(file)));
        }
        let main = config.main.as_ref().map(|main| main.file);
        let master = config.master.as_ref().map(|master| master.file);
        for file in main.into_iter().chain(master) {
            let bytes = sources.bytes(file);
            let found = template::statement(bytes);
            let found = found.map(|range| Span::new(file, range.start, range.end));
            config.statement = config.statement.or(found);
            config.filled_in |=
                template::placeholder(bytes).is_some() || template::variable(bytes).is_some();
        }
        let problems = config.main.iter().flat_map(|main| &main.problems);
        let more = config.master.iter().flat_map(|master| &master.problems);
        config.problems = problems.chain(more).cloned().collect();
        config.hint = hint::of(&config);
        config
    }

    /// The releases that can be meant by what the files say.
    pub const fn version_hint(&self) -> Range {
        self.hint
    }

    /// What `service` finds in main.cf with its `-o` on top; without a service, what master finds.
    pub const fn view<'a>(&'a self, service: Option<&'a Service>, version: Version) -> View<'a> {
        View::new(self, service, version)
    }

    /// The effective value of `name` for `service` in `version`: see [`View::value`].
    ///
    /// # Errors
    /// The fault of which the program dies where the `$` expansion fails.
    pub fn value(
        &self,
        service: Option<&Service>,
        name: &str,
        version: Version,
    ) -> Result<Value, Fault> {
        self.view(service, version).value(name)
    }

    /// All services of master.cf, in order.
    pub fn services(&self) -> impl Iterator<Item = &Service> {
        self.master.iter().flat_map(MasterCf::services)
    }

    /// The services whose name is shown so, in order.
    pub fn services_named(&self, name: &str) -> impl DoubleEndedIterator<Item = &Service> {
        let master = self.master.iter();
        master.flat_map(|master| master.services_named(name))
    }

    /// The service that holds of those with a label such as `submission inet`: the last.
    pub fn labelled(&self, label: &str) -> Option<&Service> {
        let (name, kind) = label.rsplit_once(' ')?;
        let mut services = self.services_named(name);
        services.rfind(|service| service.kind.text == kind)
    }
}
