//! A name: what the name of a file or directory tells of the configuration in it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::template;

/// What package managers and editors leave behind, which no daemon reads, and what is hidden.
pub(super) fn is_left_over(name: &str) -> bool {
    const ENDINGS: [&str; 10] = [
        "~",
        ".bak",
        ".orig",
        ".dpkg-dist",
        ".dpkg-new",
        ".dpkg-old",
        ".ucf-dist",
        ".ucf-old",
        ".rpmnew",
        ".rpmsave",
    ];
    name.starts_with('.') || ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// The file of this name in a directory, or the template that makes it.
pub(super) fn file_or_template(directory: &Path, name: &str) -> Option<PathBuf> {
    let file = directory.join(name);
    if file.is_file() {
        return Some(file);
    }
    template::ENDINGS
        .iter()
        .map(|ending| directory.join(format!("{name}.{ending}")))
        .find(|file| file.is_file())
}

/// The name of a file without the ending of a template.
pub(super) fn made_name(name: &str) -> &str {
    let made = name
        .rsplit_once('.')
        .filter(|(_, ending)| template::ENDINGS.contains(ending));
    made.map_or(name, |(made, _)| made)
}

/// The templates in a directory and in those right below it, each with the path of the file that it makes, seen from there;
/// without those that have made it: the file itself comes first.
pub(super) fn templates(directory: &Path) -> Vec<(PathBuf, PathBuf)> {
    let mut found = Vec::new();
    collect_templates(directory, Path::new(""), &mut found);
    found.sort();
    // Of two templates of one file, the first in `template::ENDINGS` stands for it, as `file_or_template` has it.
    found
        .into_iter()
        .filter_map(|(made, template)| {
            let chosen = file_or_template(directory, made.to_str()?)?;
            (chosen == template).then_some((made, template))
        })
        .collect()
}

fn collect_templates(directory: &Path, below: &Path, found: &mut Vec<(PathBuf, PathBuf)>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let made = made_name(&name);
        if is_left_over(&name) {
            continue;
        }
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            if below.as_os_str().is_empty() {
                collect_templates(&entry.path(), Path::new(&name), found);
            }
        } else if made != name {
            found.push((below.join(made), entry.path()));
        }
    }
}

/// Whether a directory named `conf.d` is Dovecot's by the files in it, which are named as Dovecot ships them
/// (doc/example-config/conf.d of 2.3.21, and Debian's packages of 2.3 and 2.4).
pub(super) fn is_of_dovecot(parts: &Path) -> bool {
    const SHIPPED: [&str; 9] = [
        "10-auth.conf",
        "10-mail.conf",
        "10-master.conf",
        "10-ssl.conf",
        "20-imap.conf",
        "20-lmtp.conf",
        "20-managesieve.conf",
        "20-pop3.conf",
        "20-submission.conf",
    ];
    parts.ends_with("conf.d")
        && fs::read_dir(parts).is_ok_and(|entries| {
            entries
                .flatten()
                .any(|entry| SHIPPED.contains(&made_name(&entry.file_name().to_string_lossy())))
        })
}
