//! An include: the files that the pattern behind `!include` names, in the order in which they are read.
//!
//! The pattern is that of glob(3) with GLOB_BRACE (settings_include in config-parser.c). Names are sorted by bytes,
//! as in the C locale in which the daemon runs.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use bstr::ByteSlice;

use crate::source::{FileTree, ReadError, Span};

use super::Unread;
use super::read::{DEEPEST, MOST_FILES, MOST_MEBIBYTES, Reader};

/// No pattern of a human being has more alternatives or names more files.
const MOST: usize = 4096;
/// Nor does one look at more names on its way: `*/../*/../` has no end.
const MOST_NAMES: usize = 65_536;

impl Reader<'_> {
    pub(super) fn include(&mut self, pattern: &[u8], span: Span, try_: bool) {
        let full = self.relative(pattern);
        let shown = full.display().to_string();
        if self.has_enough(span) {
            return;
        }
        let bytes = full.as_os_str().as_encoded_bytes().to_vec();
        let files = if is_pattern(&bytes) {
            let fixed = bytes
                .split(|c| b"*?[{".contains(c))
                .next()
                .unwrap_or_default();
            let folder = fixed
                .rfind_byte(b'/')
                .map_or(b"/".as_slice(), |at| &fixed[..at.max(1)]);
            if !self
                .sources
                .tree()
                .covers(Path::new(&*folder.to_os_str_lossy()))
            {
                self.config.unread.push(Unread {
                    span,
                    pattern: bytes.into(),
                });
                return;
            }
            let Some(found) = matches(&bytes, self.sources.tree()) else {
                let message = format!(
                    "{shown} leads to more than {MOST_NAMES} names, which are not looked at"
                );
                self.sources.give_up(span.file, message);
                return;
            };
            if found.is_empty() {
                self.config.unread.push(Unread {
                    span,
                    pattern: bytes.into(),
                });
                if !try_ {
                    self.refuse(span, format!("no file matches {shown}"));
                }
            }
            found
        } else {
            vec![full]
        };
        // The daemon pushes them on a stack, the last one first; the first is read at once.
        for path in files.into_iter().rev() {
            if self.has_enough(span) {
                return;
            }
            self.include_file(&path, span, try_);
        }
    }

    /// Whether there are too many files, which is said.
    fn has_enough(&mut self, span: Span) -> bool {
        let message = if self.started >= MOST_FILES || self.depth >= DEEPEST {
            format!("more than {MOST_FILES} files, or {DEEPEST} inside of each other, are not read")
        } else if self.taken >> 20 >= MOST_MEBIBYTES {
            format!("more than {MOST_MEBIBYTES} MiB are not read")
        } else {
            return false;
        };
        // What is in force then nobody can tell, as with a file that cannot be read.
        self.sources.give_up(span.file, message);
        true
    }

    pub(super) fn include_file(&mut self, path: &Path, span: Span, try_: bool) {
        let open = self
            .inputs
            .iter()
            .any(|input| self.sources.daemon_path(input.file) == path);
        if open {
            return self.refuse(span, format!("recursive include file: {}", path.display()));
        }
        match self.sources.read(path) {
            Ok(id) => self.start(id),
            // A directory opens and reads as nothing (live, 2.3.19.1).
            Err(ReadError::NotAFile) => {}
            Err(ReadError::Outside) => self.config.unread.push(Unread {
                span,
                pattern: path.as_os_str().as_encoded_bytes().into(),
            }),
            Err(ReadError::Missing) if try_ => self.config.unread.push(Unread {
                span,
                pattern: path.as_os_str().as_encoded_bytes().into(),
            }),
            Err(ReadError::Missing) => {
                self.refuse(span, format!("no file matches {}", path.display()))
            }
            Err(error @ (ReadError::TooLarge | ReadError::Io(_))) => {
                let message = format!("{} cannot be read here: {error}", path.display());
                self.note(span, message);
            }
        }
    }
}

/// Whether the pattern can match other names than itself.
pub(super) fn is_pattern(pattern: &[u8]) -> bool {
    pattern.iter().any(|c| b"*?[{".contains(c))
}

/// The daemon paths that match an absolute pattern, each alternative of its braces sorted by itself; none where it takes
/// too long to tell.
pub(super) fn matches(pattern: &[u8], tree: &FileTree) -> Option<Vec<PathBuf>> {
    let mut names = 0;
    let mut found = Vec::new();
    for alternative in braces(pattern) {
        let mut places = vec![PathBuf::from("/")];
        for part in alternative.split(|&c| c == b'/') {
            if part.is_empty() {
                continue;
            }
            if !part.iter().any(|c| b"*?[\\".contains(c)) {
                for place in &mut places {
                    place.push(OsStr::from_bytes(part));
                }
                continue;
            }
            let mut next = Vec::new();
            for place in &places {
                let listed = tree.list(place);
                names += 1 + listed.len();
                if names > MOST_NAMES {
                    return None;
                }
                next.extend(listed.into_iter().filter(|path| {
                    path.file_name()
                        .is_some_and(|name| fits(part, name.as_bytes()))
                }));
            }
            next.truncate(MOST);
            places = next;
        }
        places.retain(|path| exists(path, &alternative, tree));
        places.sort();
        found.append(&mut places);
        found.truncate(MOST);
    }
    Some(found)
}

/// A path whose last part has no wildcard was not seen in a listing yet.
fn exists(path: &Path, pattern: &[u8], tree: &FileTree) -> bool {
    let last = pattern.rsplit(|&c| c == b'/').next().unwrap_or_default();
    if last.iter().any(|c| b"*?[\\".contains(c)) {
        return true;
    }
    tree.exists(path)
}

/// The patterns that `{a,b}` stands for; `{}` and an unclosed brace stay as they are.
fn braces(pattern: &[u8]) -> Vec<Vec<u8>> {
    let mut done = Vec::new();
    let mut open = vec![pattern.to_vec()];
    while let Some(pattern) = open.pop() {
        if done.len() + open.len() > MOST {
            break;
        }
        match first_braces(&pattern) {
            None => done.push(pattern),
            Some((start, end, commas)) => {
                let mut cuts = vec![start];
                cuts.extend(commas);
                cuts.push(end);
                for pair in cuts.windows(2).rev() {
                    let mut one = pattern[..start].to_vec();
                    one.extend_from_slice(&pattern[pair[0] + 1..pair[1]]);
                    one.extend_from_slice(&pattern[end + 1..]);
                    open.push(one);
                }
            }
        }
    }
    done
}

/// The first closed pair of braces and the commas of its own level.
fn first_braces(pattern: &[u8]) -> Option<(usize, usize, Vec<usize>)> {
    let mut from = 0;
    loop {
        let start = from + pattern[from..].iter().position(|&c| c == b'{')?;
        if pattern.get(start + 1) == Some(&b'}') {
            from = start + 2;
            continue;
        }
        let mut depth = 0_usize;
        let mut commas = Vec::new();
        for (at, &c) in pattern.iter().enumerate().skip(start) {
            match c {
                b'{' => depth += 1,
                b',' if depth == 1 => commas.push(at),
                b'}' => {
                    depth -= 1;
                    if depth == 0 {
                        return Some((start, at, commas));
                    }
                }
                _ => {}
            }
        }
        return None;
    }
}

/// Whether a name fits one part of a pattern; a leading dot must be written.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    if name.first() == Some(&b'.') && pattern.first() != Some(&b'.') {
        return false;
    }
    // The classic way with one place to come back to: linear for all practical purposes, no recursion.
    let (mut p, mut n) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while n < name.len() {
        let step = match pattern.get(p) {
            Some(b'*') => {
                back = Some((p + 1, n));
                p += 1;
                continue;
            }
            Some(b'?') => Some(p + 1),
            Some(b'[') => match class(&pattern[p..], name[n]) {
                Some((true, length)) => Some(p + length),
                Some((false, _)) => None,
                None => (name[n] == b'[').then_some(p + 1),
            },
            Some(b'\\') if pattern.get(p + 1) == Some(&name[n]) => Some(p + 2),
            Some(&c) if c == name[n] => Some(p + 1),
            Some(_) | None => None,
        };
        match (step, back) {
            (Some(next), _) => {
                p = next;
                n += 1;
            }
            (None, Some((pattern_at, name_at))) => {
                p = pattern_at;
                n = name_at + 1;
                back = Some((pattern_at, name_at + 1));
            }
            (None, None) => return false,
        }
    }
    pattern[p..].iter().all(|&c| c == b'*')
}

/// Whether a bracket expression at the start of `pattern` holds `c`, and how long it is; none if it is not closed.
fn class(pattern: &[u8], c: u8) -> Option<(bool, usize)> {
    let mut at = 1;
    let negated = matches!(pattern.get(at), Some(b'!' | b'^'));
    if negated {
        at += 1;
    }
    let first = at;
    let mut holds = false;
    loop {
        let low = *pattern.get(at)?;
        if low == b']' && at > first {
            return Some((holds != negated, at + 1));
        }
        match (pattern.get(at + 1), pattern.get(at + 2)) {
            (Some(b'-'), Some(&high)) if high != b']' => {
                holds |= (low..=high).contains(&c);
                at += 3;
            }
            (Some(_) | None, Some(_) | None) => {
                holds |= low == c;
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_patterns() {
        for (pattern, name, expected) in [
            ("*.conf", "10-auth.conf", true),
            ("*.conf", ".hidden.conf", false),
            (".*.conf", ".hidden.conf", true),
            ("*.conf", "10-ssl.conf.dpkg-dist", false),
            ("1[0-4]-*", "13-x", true),
            ("1[!0-4]-*", "13-x", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("[", "[", true),
            ("*a*b*c", "xaybzc", true),
            ("*a*b*c", "xaybz", false),
        ] {
            assert_eq!(
                fits(pattern.as_bytes(), name.as_bytes()),
                expected,
                "{pattern} {name}"
            );
        }
    }

    #[test]
    fn braces_open_in_order() {
        let open = |pattern: &str| -> Vec<String> {
            let all = braces(pattern.as_bytes());
            all.iter()
                .map(|p| String::from_utf8_lossy(p).into_owned())
                .collect()
        };
        assert_eq!(
            open("/a/{x,y{1,2}}.conf"),
            ["/a/x.conf", "/a/y1.conf", "/a/y2.conf"]
        );
        assert_eq!(open("/a/{}{"), ["/a/{}{"]);
    }

    #[test]
    fn a_pattern_without_end_is_given_up() {
        let files = ["/a/x", "/b/x"].map(|file| (PathBuf::from(file), Vec::new()));
        let tree = FileTree::rooted("/").at(std::sync::Arc::new(files.into_iter().collect()));
        let found = matches(b"/*/x", &tree);
        assert_eq!(found, Some(vec![PathBuf::from("/a/x"), "/b/x".into()]));
        let endless = [b"/".as_slice(), &b"*/../".repeat(30), b"none"].concat();
        assert_eq!(matches(&endless, &tree), None);
    }
}
