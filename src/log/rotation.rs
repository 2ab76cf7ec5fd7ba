//! Rotation: which files a log is made of, and in which order they were written.
//!
//! `mail.log.2.gz`, `mail.log.1`, `mail.log` and `maillog-20171029.xz`, `maillog-20171105`, `maillog` are one log each,
//! read oldest first, so that sessions which rotation cut in two join again.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use super::ScanError;
use super::input::Named;
use super::stamp::{DAY, days};

/// All that `inputs` name, each log's oldest part first, and nothing twice.
///
/// # Errors
/// One for each input that names no file.
pub(crate) fn files(inputs: &[Named]) -> Result<Vec<Named>, Vec<ScanError>> {
    let mut files = Vec::new();
    let mut errors = Vec::new();
    for input in inputs {
        match expand(input) {
            Ok(found) if found.is_empty() => errors.push(ScanError::Nothing(input.clone())),
            Ok(found) => files.extend(found),
            Err(why) => errors.push(ScanError::input(input, why)),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let mut known = BTreeSet::new();
    files.retain(|named| known.insert(identity(named)));
    // The logs stay in the order in which their first part was named; their parts follow each other.
    let mut logs: Vec<Vec<(Age, Named)>> = Vec::new();
    let mut stems: Vec<PathBuf> = Vec::new();
    for named in files {
        let (stem, age) = stem_and_age(named.shown());
        match stems.iter().position(|known| *known == stem) {
            Some(log) => logs[log].push((age, named)),
            None => {
                stems.push(stem);
                logs.push(vec![(age, named)]);
            }
        }
    }
    for log in &mut logs {
        log.sort();
    }
    Ok(logs.into_iter().flatten().map(|(_, named)| named).collect())
}

/// What two names of one input have in common: of a file, where it lies, whatever links lead there.
fn identity(named: &Named) -> (Named, Option<(u64, u64)>) {
    let Named::Path(path) = named else {
        return (named.clone(), None);
    };
    #[cfg(unix)]
    if let Ok(meta) = path.metadata()
        && meta.is_file()
    {
        use std::os::unix::fs::MetadataExt;
        return (Named::Path(PathBuf::new()), Some((meta.dev(), meta.ino())));
    }
    let path = path.canonicalize().unwrap_or_else(|_| path.clone());
    (Named::Path(path), None)
}

/// Of each log that is given without some of its rotated parts, the youngest part that is left out.
pub(crate) fn left_out(inputs: &[Named]) -> Vec<(PathBuf, PathBuf)> {
    let given: BTreeSet<&Path> = inputs.iter().map(Named::shown).collect();
    let mut found = Vec::new();
    for path in &given {
        let (stem, age) = stem_and_age(path);
        let folder = path.parent().filter(|folder| *folder != Path::new(""));
        let Ok(entries) = folder.unwrap_or(Path::new(".")).read_dir() else {
            continue;
        };
        let youngest = entries
            .flatten()
            .map(|entry| path.with_file_name(entry.file_name()))
            .filter(|part| !given.contains(part.as_path()) && part.is_file())
            .map(|part| (stem_and_age(&part), part))
            .filter(|((of, part_age), _)| *of == stem && *part_age < age)
            .max();
        if let (Age::Current, Some((_, part))) = (age, youngest) {
            found.push((path.to_path_buf(), part));
        }
    }
    found
}

fn expand(input: &Named) -> io::Result<Vec<Named>> {
    let Named::Path(path) = input else {
        return Ok(vec![input.clone()]);
    };
    let found = match path.metadata() {
        Ok(meta) if meta.is_dir() => directory(path)?,
        Ok(_) => vec![path.clone()],
        Err(error) if error.kind() == io::ErrorKind::NotFound => match path.read_link() {
            Ok(target) => {
                let why = format!("is a link to {}, which is not there", target.display());
                return Err(io::Error::new(io::ErrorKind::NotFound, why));
            }
            Err(_) => pattern(path, error)?,
        },
        Err(error) => return Err(error),
    };
    Ok(found.into_iter().map(Named::Path).collect())
}

/// The files that match. What is no pattern, or only by accident, is a file that is missing.
fn pattern(path: &Path, missing: io::Error) -> io::Result<Vec<PathBuf>> {
    let text = path.to_str().filter(|text| text.contains(['*', '?', '[']));
    let Some(paths) = text.and_then(|text| glob::glob(text).ok()) else {
        return Err(missing);
    };
    let mut found = Vec::new();
    let mut unreadable = None;
    for entry in paths {
        match entry {
            Ok(path) if path.is_dir() => {}
            Ok(path) => found.push(path),
            Err(error) => unreadable = Some(error),
        }
    }
    found.sort();
    match unreadable {
        _ if !found.is_empty() => Ok(found),
        Some(error) => Err(io::Error::new(
            error.error().kind(),
            format!("{}: {}", error.path().display(), error.error()),
        )),
        None => Err(io::Error::new(
            io::ErrorKind::NotFound,
            format!("{missing}, and no file matches it as a pattern"),
        )),
    }
}

/// The mail logs of a directory; all files where none bears a mail log's name.
fn directory(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in path.read_dir()? {
        let file = entry?.path();
        let hidden = file
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if file.is_file() && !hidden {
            found.push(file);
        }
    }
    let is_mail_log = |file: &PathBuf| {
        file.file_name().is_some_and(|name| {
            let name = name.as_encoded_bytes();
            [&b"mail.log"[..], b"maillog", b"mail.info", b"dovecot"]
                .iter()
                .any(|start| name.starts_with(start))
        })
    };
    if found.iter().any(is_mail_log) {
        found.retain(is_mail_log);
    }
    found.sort();
    Ok(found)
}

/// How old a part of a log is, the oldest least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Age {
    /// `maillog-20171030`; more digits tell parts of one day apart.
    Rotated(u64),
    /// `mail.log.2`.
    Number(Reverse<u64>),
    /// The one that is written to.
    Current,
}

/// The name of the log that a file is a part of, and which part it is.
pub(crate) fn stem_and_age(path: &Path) -> (PathBuf, Age) {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return (path.to_path_buf(), Age::Current);
    };
    let name = without_packing(name);
    let (stem, age) = if let Some((stem, number)) = name.rsplit_once('.')
        && number.len() <= 5
        && let Ok(number) = number.parse()
    {
        (stem, Age::Number(Reverse(number)))
    } else if let Some((stem, digits)) = dated(name) {
        (stem, Age::Rotated(digits))
    } else {
        (name, Age::Current)
    };
    (path.with_file_name(stem), age)
}

/// The name of the log that a file is a part of.
pub fn stem(path: &Path) -> PathBuf {
    stem_and_age(path).0
}

fn without_packing(name: &str) -> &str {
    ["gz", "xz", "bz2", "zst"]
        .iter()
        .find_map(|packing| name.strip_suffix(packing)?.strip_suffix('.'))
        .unwrap_or(name)
}

/// `maillog-20171030`, `maillog-2017103003` or `mail.log-20171030-1509321600`, as logrotate's dateext writes them.
fn dated(name: &str) -> Option<(&str, u64)> {
    let at = name
        .match_indices(['-', '.'])
        .map(|(at, _)| at)
        .find(|&at| {
            let rest = &name.as_bytes()[at + 1..];
            rest.len() >= 8 && rest[..8].iter().all(u8::is_ascii_digit)
        })?;
    let digits: String = name[at + 1..]
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    if name[at + 1..]
        .chars()
        .any(|c| !(c.is_ascii_digit() || c == '-'))
    {
        return None;
    }
    // Names of one log have digits alike; shorter ones are filled up, so that they compare as written.
    let filled = format!("{digits:0<19}");
    Some((&name[..at], filled.get(..19)?.parse().ok()?))
}

/// The end of the day that a file's name tells: no line in it is younger.
pub(crate) fn day_in_name(path: &Path) -> Option<i64> {
    let name = path.file_name()?.to_str()?;
    let (stem, _) = dated(without_packing(name))?;
    let date = name.get(stem.len() + 1..stem.len() + 9)?;
    let (year, month, day) = (
        date.get(..4)?.parse::<i32>().ok()?,
        date.get(4..6)?.parse::<u8>().ok()?,
        date.get(6..8)?.parse::<u8>().ok()?,
    );
    let sound =
        (1970..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    sound.then(|| (days(year, month, day) + 1) * DAY - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(names: &[&str]) -> Vec<String> {
        let mut parts: Vec<_> = names
            .iter()
            .map(|name| (stem_and_age(Path::new(name)), *name))
            .collect();
        parts.sort();
        parts.into_iter().map(|(_, name)| name.to_owned()).collect()
    }

    #[test]
    fn parts_of_a_log_are_read_oldest_first() {
        assert_eq!(
            order(&["mail.log", "mail.log.1", "mail.log.10.gz", "mail.log.2.gz"]),
            ["mail.log.10.gz", "mail.log.2.gz", "mail.log.1", "mail.log"]
        );
        assert_eq!(
            order(&[
                "maillog",
                "maillog-20171105",
                "maillog-20171029.xz",
                "maillog-20171105-1509900000"
            ]),
            [
                "maillog-20171029.xz",
                "maillog-20171105",
                "maillog-20171105-1509900000",
                "maillog"
            ]
        );
        assert_eq!(
            day_in_name(Path::new("/x/maillog-20171030.gz")),
            Some((days(2017, 10, 31)) * DAY - 1)
        );
        for name in [
            "mail.log",
            "maillog-2017",
            "maillog-99999999",
            "mail-20171030x",
        ] {
            assert_eq!(day_in_name(Path::new(name)), None, "{name}");
        }
    }
}
