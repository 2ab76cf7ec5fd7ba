//! What a commit holds: its files and links, by their path from the top of the repository.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// No path of a human being goes through more links; the system gives up there too.
const MOST_LINKS: usize = 40;
/// Links inside of what links lead to are followed this far, and no further than this many files.
const DEEPEST: usize = 8;
const MOST_FILES: usize = 65_536;

/// What stands at a path.
pub(super) enum Entry {
    /// A file, by the id of its content.
    File(Vec<u8>),
    /// A link, and what it says.
    Link(PathBuf),
}

/// What a commit holds.
pub(super) struct Held(pub(super) BTreeMap<PathBuf, Entry>);

impl Held {
    /// The files at or below a path, as the rest of their path and the id of their content, through all links.
    pub(super) fn files(&self, path: &Path) -> Vec<(PathBuf, &[u8])> {
        let mut files = Vec::new();
        if let Some(place) = self.follow(path) {
            self.collect(&place, Path::new(""), 0, &mut files);
        }
        files
    }

    fn collect<'h>(
        &'h self,
        place: &Path,
        named: &Path,
        depth: usize,
        files: &mut Vec<(PathBuf, &'h [u8])>,
    ) {
        let below = self.0.range(place.to_path_buf()..);
        for (path, entry) in below.take_while(|(path, _)| path.starts_with(place)) {
            if files.len() >= MOST_FILES {
                return;
            }
            let rest = path.strip_prefix(place).unwrap_or(path);
            let named = match rest.as_os_str().is_empty() {
                true => named.to_path_buf(),
                false => named.join(rest),
            };
            match entry {
                Entry::File(id) => files.push((named, id)),
                Entry::Link(_) => {
                    let target = self.follow(path);
                    // A link to a directory that holds it has no end.
                    let target =
                        target.filter(|target| depth < DEEPEST && !path.starts_with(target));
                    if let Some(target) = target {
                        self.collect(&target, &named, depth + 1, files);
                    }
                }
            }
        }
    }

    /// Where a path leads; none where that is outside of the repository.
    fn follow(&self, path: &Path) -> Option<PathBuf> {
        let parts = |path: &Path| -> Vec<OsString> {
            let parts = path.components().rev();
            parts.map(|part| part.as_os_str().to_owned()).collect()
        };
        let mut left = parts(path);
        let mut at = PathBuf::new();
        let mut links = 0;
        while let Some(part) = left.pop() {
            match Path::new(&part).components().next()? {
                Component::CurDir => {}
                Component::ParentDir => {
                    if !at.pop() {
                        return None;
                    }
                }
                Component::Prefix(_) | Component::RootDir => return None,
                Component::Normal(name) => match self.0.get(&at.join(name)) {
                    Some(Entry::Link(target)) => {
                        links += 1;
                        if links > MOST_LINKS {
                            return None;
                        }
                        left.extend(parts(target));
                    }
                    Some(Entry::File(_)) | None => at.push(name),
                },
            }
        }
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(links: &[(&str, &str)], files: &[&str]) -> Held {
        let links = links
            .iter()
            .map(|(path, target)| (path.into(), Entry::Link(target.into())));
        let files = files
            .iter()
            .map(|path| (path.into(), Entry::File(path.as_bytes().to_vec())));
        Held(links.chain(files).collect())
    }

    fn seen(held: &Held, path: &str) -> Vec<String> {
        let files = held.files(Path::new(path));
        let shown = files
            .iter()
            .map(|(name, id)| format!("{}={}", name.display(), String::from_utf8_lossy(id)));
        shown.collect()
    }

    #[test]
    fn links_lead_to_what_they_name() {
        let held = held(
            &[
                ("a/main.cf", "../shared/main.cf"),
                ("a/conf.d", "../shared/conf.d"),
                ("b", "a"),
                ("out", "../elsewhere"),
                ("root", "/etc"),
            ],
            &["shared/main.cf", "shared/conf.d/x"],
        );
        let both = ["conf.d/x=shared/conf.d/x", "main.cf=shared/main.cf"];
        assert_eq!(seen(&held, "a"), both);
        assert_eq!(seen(&held, "b"), both);
        assert_eq!(seen(&held, "b/main.cf"), ["=shared/main.cf"]);
        assert!(seen(&held, "out").is_empty() && seen(&held, "root").is_empty());
    }

    #[test]
    fn links_in_a_circle_come_to_an_end() {
        let held = held(
            &[("a", "b"), ("b", "a"), ("c/up", ".."), ("c/self", ".")],
            &["c/x"],
        );
        assert!(seen(&held, "a").is_empty());
        assert_eq!(seen(&held, "c"), ["x=c/x"]);
    }
}
