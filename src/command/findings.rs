//! The findings of `check`: what the rules say of each server, less what is excepted.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use jiff::civil::Date;

use crate::exception::{self, Baseline, Named};
use crate::finding::{self, Finding, Fix};
use crate::fix;
use crate::project::Projects;
use crate::report::{self, Checked};
use crate::rule::Rule;
use crate::surface::Server;
use crate::surface::server::Surface;
use crate::transaction::{Readers, write_whole};

use super::Outcome;

/// What the rules say of a server, with the word on each fix that its change would get.
pub(super) fn of_server(surface: &Surface, rules: &[Rule]) -> Vec<Finding> {
    let mut findings = finding::of_surface(surface, rules);
    for server in [Server::Postfix, Server::Dovecot] {
        let is_safe = |one: &Finding| one.fix == Fix::Safe && one.server == Some(server);
        if findings.iter().any(is_safe) && fix::does_harm(surface, server) {
            for finding in findings.iter_mut().filter(|one| is_safe(one)) {
                finding.fix = Fix::Unsafe;
            }
        }
    }
    findings
}

/// Which exceptions hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exceptions<'a> {
    /// Those in comments and in project files.
    pub(super) apply: bool,
    /// The baseline, if one is named.
    pub(super) baseline: Option<&'a Path>,
    /// The baseline to write, if one is wanted.
    pub(super) write_baseline: Option<&'a Path>,
}

impl Exceptions<'_> {
    /// What the rules say of a server, less what its own comments except; nothing more is asked of its configurations.
    pub(super) fn of_comments(&self, surface: Surface, rules: &[Rule], today: Date) -> Checked {
        let mut findings = of_server(&surface, rules);
        if self.apply {
            let wrong = exception::by_comments(&surface, &mut findings, rules, today);
            findings.extend(wrong);
        }
        let mut checked = Checked::new(surface, findings);
        checked.keep_only_shown();
        checked
    }

    /// Takes what else is excepted out of the count, and returns what is wrong with the exceptions in project files.
    /// `whole` says of a directory whether all servers below it are looked at.
    pub(super) fn except(
        &self,
        rules: &[Rule],
        today: Date,
        checked: &mut [Checked],
        whole: impl Fn(&Path) -> bool,
        notes: &mut Vec<String>,
    ) -> Result<Vec<Finding>, Outcome> {
        let mut projects = Projects::default();
        let mut of_project: BTreeMap<PathBuf, Vec<&mut Checked>> = BTreeMap::new();
        for one in checked.iter_mut() {
            let project = projects
                .of(&one.surface.root.shown)
                .map_err(Outcome::trouble)?;
            one.name = project.name_of(&one.surface.root.shown);
            one.base.clone_from(&project.base);
            for place in one.findings.iter_mut().filter_map(|one| one.place.as_mut()) {
                place.name = project.name_of(&place.file);
            }
            of_project
                .entry(project.base.clone())
                .or_default()
                .push(one);
        }
        let mut wrong = Vec::new();
        let mut all: Vec<Named<'_>> = Vec::new();
        for (base, servers) in of_project {
            let project = projects.of(&base).map_err(Outcome::trouble)?;
            let mut named: Vec<Named<'_>> = servers.into_iter().map(Checked::named).collect();
            if self.apply {
                let whole = whole(&base);
                wrong.extend(exception::by_project(
                    &project, &mut named, rules, today, whole,
                ));
            }
            all.extend(named);
        }
        if let Some(file) = self.baseline {
            let baseline = Baseline::read(file).map_err(|why| Outcome::trouble(vec![why]))?;
            let gone = baseline.apply(&mut all);
            if gone > 0 {
                notes.push(format!(
                    "{}: {} of the baseline {} gone; --write-baseline {} takes note of it",
                    file.display(),
                    report::check::count(gone, "finding"),
                    if gone == 1 { "is" } else { "are" },
                    report::shell::path(file)
                ));
            }
        }
        if let Some(file) = self.write_baseline {
            // A slip of the fingers must not cost a configuration file.
            if file.exists() {
                Baseline::read(file).map_err(|why| {
                    Outcome::trouble(vec![format!("{why}, so it is not written over")])
                })?;
            }
            let written = write_baseline(file, &all);
            written
                .map_err(|error| Outcome::trouble(vec![format!("{}: {error}", file.display())]))?;
            // What the baseline holds from now on does not count today either.
            Baseline::read(file)
                .map_err(|why| Outcome::trouble(vec![why]))?
                .apply(&mut all);
        }
        Ok(wrong)
    }
}

fn write_baseline(file: &Path, servers: &[Named<'_>]) -> io::Result<()> {
    let mut text = Vec::new();
    report::json::write(&mut text, &Baseline::write(servers))?;
    write_whole(file, &text, Readers::Anybody)
}
