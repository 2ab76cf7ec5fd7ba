//! The log files of a server: those that its configuration names, else those where the distributions put them.

use std::path::{Path, PathBuf};

use bstr::{BString, ByteSlice};

use crate::dovecot::Lookup;
use crate::log;
use crate::source::FileTree;
use crate::surface::server::Surface;

/// Where the logs of a server are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogFiles {
    /// The files that are there, with their rotated parts, as paths on this disk.
    pub files: Vec<PathBuf>,
    /// What the configuration names and is not there: the path, and the setting that names it.
    pub missing: Vec<(PathBuf, &'static str)>,
}

/// Finds the logs of a server. Where one of its two programs logs into no file of its own, or into one that is not there,
/// the files of the distributions count as well.
pub fn log_files(surface: &Surface) -> LogFiles {
    let tree = &surface.root.tree;
    let mut found = LogFiles::default();
    let mut all_named = true;
    for (path, setting) in named(surface) {
        let parts = path
            .as_deref()
            .map(|path| parts(tree, path))
            .unwrap_or_default();
        all_named &= !parts.is_empty();
        if let Some(path) = path
            && parts.is_empty()
        {
            found.missing.push((path, setting));
        }
        found.files.extend(parts);
    }
    if !all_named {
        found.files.extend(common_log_files(tree));
    }
    found.files.sort();
    found.files.dedup();
    found
}

/// The mail logs where rsyslog of the distributions puts them.
pub fn common_log_files(tree: &FileTree) -> Vec<PathBuf> {
    let is_mail_log = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        name.starts_with(b"maillog") || name.starts_with(b"mail.log")
    };
    let mut paths = tree.list(Path::new("/var/log"));
    paths.retain(is_mail_log);
    on_disk(tree, paths)
}

/// For each of the programs that are configured, the file into which it logs by itself, and the setting that says so.
///
/// postconf(5) maillog_file, since 3.4; Dovecot's info_log_path, which is log_path where it is not set
/// (lib-master/master-service-settings.c), and `syslog`.
fn named(surface: &Surface) -> Vec<(Option<PathBuf>, &'static str)> {
    let mut named = Vec::new();
    if let Some(config) = &surface.postfix {
        let value = config
            .view(None, surface.postfix_version())
            .value("maillog_file");
        let value = value.map(|value| value.text).unwrap_or_default();
        named.push((file(value), "maillog_file"));
    }
    if let Some(config) = &surface.dovecot {
        let value = |setting| config.effective(setting, &Lookup::default()).text;
        let info = value("info_log_path");
        // 2.4 writes the default as a variable.
        named.push(if info.is_empty() || info == "%{log_path}" {
            (file(value("log_path")), "log_path")
        } else {
            (file(info), "info_log_path")
        });
    }
    named
}

/// A log that is a file: neither `syslog` nor a device, into which containers log.
fn file(value: BString) -> Option<PathBuf> {
    let path = value.to_path().ok()?;
    (path.is_absolute() && !path.starts_with("/dev")).then(|| path.to_path_buf())
}

/// A log and what was rotated away from it.
fn parts(tree: &FileTree, path: &Path) -> Vec<PathBuf> {
    let Some(directory) = path.parent() else {
        return Vec::new();
    };
    let mut paths = tree.list(directory);
    paths.retain(|part| log::stem(part) == path);
    on_disk(tree, paths)
}

fn on_disk(tree: &FileTree, paths: Vec<PathBuf>) -> Vec<PathBuf> {
    let disk = paths.iter().filter_map(|path| tree.locate(path));
    disk.filter(|path| path.is_file())
        .map(|path| match path.strip_prefix("./") {
            Ok(short) => short.to_path_buf(),
            Err(_) => path,
        })
        .collect()
}
