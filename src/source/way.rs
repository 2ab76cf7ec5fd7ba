//! A way: where a path ends behind the links that it goes through, on the disk or wherever else links are kept.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// No path of a human being goes through more links; the system gives up there too.
const MOST_LINKS: usize = 40;

/// Where a path ends, and the links on the way there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// Where it ends; behind too many links, one of these.
    pub end: PathBuf,
    /// The links, in their order.
    pub links: Vec<PathBuf>,
}

impl Way {
    /// Follows an absolute path; `target` tells what a link says, and nothing of what is no link.
    pub fn of(path: &Path, target: impl Fn(&Path) -> Option<PathBuf>) -> Self {
        let mut left = parts(path);
        let mut end = PathBuf::new();
        let mut links = Vec::new();
        while let Some(part) = left.pop() {
            match Path::new(&part).components().next() {
                Some(Component::ParentDir) => {
                    end.pop();
                }
                Some(Component::CurDir) | None => {}
                Some(Component::Prefix(_) | Component::RootDir) => end = PathBuf::from(part),
                Some(Component::Normal(name)) => {
                    end.push(name);
                    if let Some(target) = target(&end).filter(|_| links.len() < MOST_LINKS) {
                        links.push(end.clone());
                        end.pop();
                        left.extend(parts(&target));
                    }
                }
            }
        }
        Self { end, links }
    }
}

/// The parts of a path, the last one first.
fn parts(path: &Path) -> Vec<OsString> {
    let parts = path.components().rev();
    parts.map(|part| part.as_os_str().to_owned()).collect()
}
