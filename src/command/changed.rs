//! What has changed since a revision: the servers that differ from it, and the findings that it does not have.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::exception;
use crate::finding::{self, Finding};
use crate::git::Repository;
use crate::project;
use crate::report::{self, Checked};
use crate::root::Root;
use crate::rule::Rule;
use crate::source::absolute;
use crate::surface::server::Surface;

use super::Outcome;
use super::clock::today;
use crate::parallel;

/// The files that differ from a revision.
pub(super) struct Changes {
    revision: String,
    commit: String,
    repository: Repository,
    files: Vec<PathBuf>,
}

impl Changes {
    /// What differs from `revision` in the repository in which the first path lies.
    ///
    /// # Errors
    /// What git says.
    pub(super) fn since(revision: &str, paths: &[PathBuf]) -> Result<Self, Outcome> {
        let here = PathBuf::from(".");
        let path = paths.first().unwrap_or(&here);
        let trouble = |why| Outcome::trouble(vec![why]);
        let repository = Repository::around(path).map_err(trouble)?;
        let commit = repository.base(revision).map_err(trouble)?;
        let files = repository.changed_since(&commit).map_err(trouble)?;
        Ok(Self {
            revision: revision.to_owned(),
            commit,
            repository,
            files,
        })
    }

    /// Whether a server differs: a file of its does, or what is said of them all.
    pub(super) fn touch(&self, surface: &Surface) -> bool {
        let of_all = self.files.iter().any(|file| file.ends_with(project::NAME));
        let directories = directories(&surface.root);
        let sources = &surface.sources;
        let read: Vec<PathBuf> = sources
            .ids()
            .map(|file| absolute(sources.shown_path(file)))
            .collect();
        let touches = |file: &PathBuf| {
            read.contains(file) || directories.iter().any(|one| file.starts_with(one))
        };
        of_all || self.files.iter().any(touches)
    }

    /// Leaves out the findings that the revision has too; returns a line that says how many.
    ///
    /// # Errors
    /// What git says.
    pub(super) fn leave_out_known(
        &self,
        checked: &mut Vec<Checked>,
        exceptions: &mut Vec<Finding>,
        rules: &[Rule],
    ) -> Result<Option<String>, Outcome> {
        // What is wrong in the project file is new where the file is.
        let is_new = |finding: &Finding| {
            let file = finding.place.as_ref().map(|place| absolute(&place.file));
            file.is_some_and(|file| self.files.contains(&file))
        };
        let before = exceptions.len();
        exceptions.retain(is_new);
        let mut known = before - exceptions.len();
        let all: Vec<PathBuf> = checked
            .iter()
            .flat_map(|one| directories(&one.surface.root))
            .collect();
        let files = self.repository.files_at(&self.commit, &all);
        let past = Arc::new(files.map_err(|why| Outcome::trouble(vec![why]))?);
        let judged = parallel::map(std::mem::take(checked), |mut one| {
            let was_there = directories(&one.surface.root)
                .iter()
                .any(|directory| past.keys().any(|file| file.starts_with(directory)));
            let old = was_there.then(|| fingerprints(&one.surface.at(Arc::clone(&past)), rules));
            let mut old = old.unwrap_or_default();
            let before = one.findings.len();
            one.findings.retain(|finding| {
                match old
                    .get_mut(&finding.fingerprint(""))
                    .filter(|count| **count > 0)
                {
                    Some(count) => {
                        *count -= 1;
                        false
                    }
                    None => true,
                }
            });
            (before - one.findings.len(), one)
        });
        for (left_out, one) in judged {
            known += left_out;
            checked.push(one);
        }
        Ok((known > 0).then(|| {
            let findings = report::check::count(known, "finding");
            let verb = if known == 1 { "is" } else { "are" };
            format!("{findings} that {} has too {verb} left out", self.revision)
        }))
    }
}

/// How often each finding is there, by its fingerprint.
fn fingerprints(surface: &Surface, rules: &[Rule]) -> BTreeMap<String, usize> {
    let mut findings = finding::of_surface(surface, rules);
    let wrong = exception::by_comments(surface, &mut findings, rules, today());
    let mut counts = BTreeMap::new();
    for finding in findings.iter().chain(&wrong) {
        *counts.entry(finding.fingerprint("")).or_default() += 1;
    }
    counts
}

/// The directories in which the files of a server lie: its own, and those of its daemons.
fn directories(root: &Root) -> Vec<PathBuf> {
    let daemons = ["/etc/postfix", "/etc/dovecot"];
    let located = daemons
        .iter()
        .filter_map(|one| root.tree.locate(Path::new(one)));
    let mut directories: Vec<PathBuf> = located.map(|one| absolute(&one)).collect();
    let own = absolute(&root.shown);
    // A server that is the repository itself would be touched by every file in it.
    if !own.join(".git").exists() {
        directories.push(own);
    }
    directories
}
