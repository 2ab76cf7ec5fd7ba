//! What has changed since a revision: the servers that differ from it, and the findings that it does not have.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::exception;
use crate::finding::{self, Finding};
use crate::git::Repository;
use crate::project;
use crate::report::{self, Checked};
use crate::root::Root;
use crate::rule::Rule;
use crate::source::{Sources, Way, absolute};
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
    /// What differs from `revision` in the repository in which the paths lie.
    ///
    /// # Errors
    /// What git says, or which path lies in another repository.
    pub(super) fn since(revision: &str, paths: &[PathBuf]) -> Result<Self, Outcome> {
        let here = PathBuf::from(".");
        let path = paths.first().unwrap_or(&here);
        let trouble = |why| Outcome::trouble(vec![why]);
        let repository = Repository::around(path).map_err(trouble)?;
        for path in paths {
            let other = Repository::around(path).map_err(trouble)?;
            if other.top() != repository.top() {
                let (path, top) = (path.display(), repository.top().display());
                return Err(trouble(format!(
                    "{path}: not in the repository {top}, as --changed-since asks of all paths; judge it by itself"
                )));
            }
        }
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
        let mut read = BTreeSet::new();
        let mut around = BTreeSet::new();
        for directory in &directories {
            let Way { end, links } = way(directory);
            read.extend(links);
            around.insert(end);
        }
        for file in files(&surface.sources) {
            let Way { end, links } = way(&file);
            read.extend(links);
            // What lies beside a file that is shared may have been read with it before it was taken away.
            let beside = end.parent().filter(|one| *one != self.repository.top());
            if let Some(beside) = beside.filter(|_| !around.iter().any(|one| end.starts_with(one)))
            {
                around.insert(beside.to_path_buf());
            }
            read.insert(end);
        }
        // A repository inside of this one is told by its directory, which holds what it holds.
        let touches = |file: &PathBuf| {
            let is_around = |one: &PathBuf| file.starts_with(one) || one.starts_with(file);
            read.contains(file) || around.iter().any(is_around)
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
            let file = finding.place.as_ref().map(|place| way(&place.file).end);
            file.is_some_and(|file| self.files.contains(&file))
        };
        let before = exceptions.len();
        exceptions.retain(is_new);
        let mut known = before - exceptions.len();
        let mut all = BTreeSet::new();
        for surface in checked.iter().map(|one| &one.surface) {
            let own = directories(&surface.root);
            let shared = files(&surface.sources)
                .into_iter()
                .filter(|file| !own.iter().any(|one| file.starts_with(one)));
            all.extend(shared);
            all.extend(own);
        }
        let all: Vec<PathBuf> = all.into_iter().collect();
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

/// The files that were read for a server.
fn files(sources: &Sources) -> Vec<PathBuf> {
    let shown = sources.ids().map(|file| sources.shown_path(file));
    shown.map(absolute).collect()
}

/// Where a path ends on the disk, and through which links.
fn way(path: &Path) -> Way {
    Way::of(&absolute(path), |link| link.read_link().ok())
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
