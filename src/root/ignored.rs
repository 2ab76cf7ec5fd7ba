//! The ignored: what the `.gitignore` files of a repository take out of it.

use std::path::{Path, PathBuf};

use ignore::Match;
use ignore::gitignore::Gitignore;

use crate::source::absolute;

/// The `.gitignore` files that hold in a directory, the outermost first; none outside of a repository of git.
#[derive(Debug, Default)]
pub(super) struct Ignored {
    files: Vec<Gitignore>,
    in_repository: bool,
}

impl Ignored {
    /// Those that hold for what lies in `path`, apart from its own.
    pub(super) fn above(path: &Path) -> Self {
        let path = absolute(path);
        let mut within: Vec<&Path> = Vec::new();
        let mut repository = None;
        for directory in path.ancestors() {
            if directory.join(".git").exists() {
                repository = Some(directory);
                break;
            }
            within.push(directory);
        }
        let Some(repository) = repository else {
            return Self::default();
        };
        let mut ignored = Self {
            files: Vec::new(),
            in_repository: true,
        };
        let exclude = repository.join(".git/info/exclude");
        if exclude.is_file() {
            let mut rules = ignore::gitignore::GitignoreBuilder::new(repository);
            rules.add(exclude);
            ignored.files.extend(rules.build());
        }
        let own = within.first().copied().unwrap_or(repository);
        for directory in std::iter::once(repository).chain(within.into_iter().rev()) {
            if directory != own {
                ignored.enter(directory);
            }
        }
        ignored
    }

    /// Takes the file of a directory in, and returns how many there were before.
    pub(super) fn enter(&mut self, directory: &Path) -> usize {
        let before = self.files.len();
        if self.in_repository {
            let directory = absolute(directory);
            let file = directory.join(".gitignore");
            if file.is_file() {
                // A line that is no pattern is left out, as git does.
                let (rules, _) = Gitignore::new(&file);
                self.files.push(rules);
            }
        }
        before
    }

    /// Goes back to how it was when there were `before` files.
    pub(super) fn leave(&mut self, before: usize) {
        self.files.truncate(before);
    }

    /// Whether git would not look at this path, of which the directories around are not ignored.
    pub(super) fn holds(&self, path: &Path, is_directory: bool) -> bool {
        if self.files.is_empty() {
            return false;
        }
        let path: PathBuf = absolute(path);
        for rules in self.files.iter().rev() {
            match rules.matched(&path, is_directory) {
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => return false,
                Match::None => {}
            }
        }
        false
    }
}
