//! A root: the files of one server, found below a path that the user named.
//!
//! A path may be a server root that holds `etc/postfix` or `etc/dovecot`, a directory of either server, a single file,
//! or a repository of many servers. Files are read later, through the [`FileTree`] that each root carries.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::source::FileTree;

/// Below this depth nothing is looked for; real repositories are far flatter.
const DEEPEST: usize = 24;

/// The files of one server.
#[derive(Clone, Debug)]
pub struct Root {
    /// How to name it: the path as the user would type it.
    pub shown: PathBuf,
    /// Where the paths that its daemons use lie on this disk.
    pub tree: FileTree,
    /// The daemon path of the Postfix directory, if there is one.
    pub postfix: Option<PathBuf>,
    /// The daemon path of dovecot.conf (or of a lone directory of its parts), if there is one.
    pub dovecot: Option<PathBuf>,
}

/// Why nothing was found at a path.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    /// The path itself cannot be read.
    #[error("{path}: {why}")]
    Unreadable {
        /// The path as given.
        path: String,
        /// What the system said.
        why: io::Error,
    },
    /// The machine itself has no mail server configured.
    #[error(
        "this machine has no mail server configured: no /etc/postfix and no /etc/dovecot with anything in it; \
         name a server root, or a postfix or dovecot directory"
    )]
    Machine,
    /// It can be read and holds no configuration.
    #[error(
        "{path}: no main.cf and no dovecot.conf here or below; \
         give a server root that holds etc/postfix or etc/dovecot, or one of those directories"
    )]
    Nothing {
        /// The path as given.
        path: String,
    },
    /// A file whose name tells neither server.
    #[error(
        "{path}: neither main.cf, master.cf nor a .conf file of Dovecot; rename it or give its directory"
    )]
    Stranger {
        /// The path as given.
        path: String,
    },
}

/// One configuration found on the disk, before those of one server are put together.
enum Found {
    /// A directory with main.cf or master.cf.
    Postfix(PathBuf),
    /// A dovecot.conf, or a directory of parts without one.
    Dovecot(PathBuf),
}

/// Finds the servers at and below `path`; `root`, if given, is where the daemons' absolute paths begin.
///
/// # Errors
/// Says when the path cannot be read or holds no configuration.
pub fn find(path: &Path, root: Option<&Path>) -> Result<Vec<Root>, RootError> {
    let unreadable = |why| RootError::Unreadable {
        path: path.display().to_string(),
        why,
    };
    let meta = fs::metadata(path).map_err(unreadable)?;
    let mut found = Vec::new();
    if meta.is_dir() {
        fs::read_dir(path).map_err(unreadable)?;
        look_into(path, 0, &mut found).map_err(|(path, why)| RootError::Unreadable {
            path: path.display().to_string(),
            why,
        })?;
        if found.is_empty() && path == Path::new("/") {
            return Err(RootError::Machine);
        }
        if found.is_empty() {
            return Err(RootError::Nothing {
                path: path.display().to_string(),
            });
        }
    } else {
        found.push(found_file(path)?);
    }
    let mut roots: BTreeMap<PathBuf, Root> = BTreeMap::new();
    for one in found {
        join(&mut roots, one, root);
    }
    Ok(roots.into_values().collect())
}

/// What a single file is, by its name.
fn found_file(path: &Path) -> Result<Found, RootError> {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or_else(|| Path::new("."));
    if name == "main.cf" || name == "master.cf" {
        Ok(Found::Postfix(directory.to_path_buf()))
    } else if name.ends_with(".conf") {
        Ok(Found::Dovecot(path.to_path_buf()))
    } else {
        Err(RootError::Stranger {
            path: path.display().to_string(),
        })
    }
}

/// Collects the configurations in `directory`: a server root is taken as a whole, anything else is searched.
///
/// # Errors
/// Names the `etc/postfix` or `etc/dovecot` that is there and may not be entered: what it holds would pass for nothing.
fn look_into(
    directory: &Path,
    depth: usize,
    found: &mut Vec<Found>,
) -> Result<(), (PathBuf, io::Error)> {
    let (postfix, dovecot) = (directory.join("etc/postfix"), directory.join("etc/dovecot"));
    for (service, file) in [(&postfix, "main.cf"), (&dovecot, "dovecot.conf")] {
        match fs::metadata(service.join(file)) {
            Err(why) if why.kind() == io::ErrorKind::PermissionDenied && service.is_dir() => {
                return Err((service.clone(), why));
            }
            Ok(_) | Err(_) => {}
        }
    }
    if postfix.is_dir() || dovecot.is_dir() {
        let before = found.len();
        look_into_service(&postfix, found);
        look_into_service(&dovecot, found);
        if found.len() > before {
            return Ok(());
        }
    }
    look_into_service(directory, found);
    // `/` is the running machine; what else lies on its disk is not its configuration.
    if depth == DEEPEST || directory == Path::new("/") {
        return Ok(());
    }
    let mut below: Vec<PathBuf> = fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'))
        .map(|entry| entry.path())
        .collect();
    below.sort();
    for sub in below {
        // conf.d belongs to the dovecot.conf beside it.
        if sub.ends_with("conf.d") && directory.join("dovecot.conf").is_file() {
            continue;
        }
        look_into(&sub, depth + 1, found)?;
    }
    Ok(())
}

/// Whether this very directory holds the configuration of a server.
fn look_into_service(directory: &Path, found: &mut Vec<Found>) {
    if directory.join("main.cf").is_file() || directory.join("master.cf").is_file() {
        found.push(Found::Postfix(directory.to_path_buf()));
    }
    let dovecot = directory.join("dovecot.conf");
    if dovecot.is_file() {
        found.push(Found::Dovecot(dovecot));
    } else if directory.ends_with("dovecot/conf.d") || directory.ends_with("etc/dovecot") {
        // A partial tree: only the changed parts are kept here.
        let parts = if directory.ends_with("conf.d") {
            directory.to_path_buf()
        } else {
            directory.join("conf.d")
        };
        if parts.is_dir() {
            found.push(Found::Dovecot(parts));
        }
    }
}

/// Puts a configuration to the root it belongs to.
fn join(roots: &mut BTreeMap<PathBuf, Root>, found: Found, given: Option<&Path>) {
    let (disk, is_postfix) = match &found {
        Found::Postfix(directory) => (directory.clone(), true),
        Found::Dovecot(file) if file.ends_with("conf.d") => (file.clone(), false),
        Found::Dovecot(file) => (
            file.parent().map(Path::to_path_buf).unwrap_or_default(),
            false,
        ),
    };
    let home = home_of(&disk);
    // Absolute paths begin at the server's own root, unless another was asked for that does not merely contain it.
    let base = match (&home, given) {
        (Some(home), Some(given)) if home != given && home.starts_with(given) => {
            Some(home.as_path())
        }
        (_, Some(given)) => Some(given),
        (home, None) => home.as_deref(),
    };
    let tree = base.map_or_else(FileTree::default, FileTree::rooted);
    let server = home.clone().unwrap_or_else(|| beside(&disk));
    let root = roots.entry(server.clone()).or_insert_with(|| Root {
        shown: server,
        tree,
        postfix: None,
        dovecot: None,
    });
    let (daemon, mount) = if is_postfix {
        (PathBuf::from("/etc/postfix"), disk)
    } else if disk.ends_with("conf.d") {
        (PathBuf::from("/etc/dovecot/conf.d"), disk)
    } else {
        (PathBuf::from("/etc/dovecot"), disk)
    };
    root.tree.mount(daemon.clone(), mount);
    match found {
        Found::Postfix(_) => root.postfix = Some(daemon),
        Found::Dovecot(file) => {
            root.dovecot = Some(match file.file_name() {
                Some(name) if !file.ends_with("conf.d") => daemon.join(name),
                Some(_) | None => daemon,
            });
        }
    }
}

/// The server root of a directory that is some `…/etc/postfix` or `…/etc/dovecot`.
fn home_of(directory: &Path) -> Option<PathBuf> {
    let part = directory
        .ancestors()
        .find(|part| part.ends_with("etc/postfix") || part.ends_with("etc/dovecot"))?;
    let home = part.parent()?.parent()?;
    Some(if home.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        home.to_path_buf()
    })
}

/// The directory that stands for the server where there is no `etc`: `host/postfix` and `host/dovecot` are one server.
fn beside(directory: &Path) -> PathBuf {
    let own = directory
        .ancestors()
        .find(|part| part.ends_with("postfix") || part.ends_with("dovecot"));
    match own.and_then(Path::parent) {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        Some(_) => PathBuf::from("."),
        None => directory.to_path_buf(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_told_by_where_their_files_lie() {
        for (directory, home) in [
            ("etc/postfix", Some(".")),
            ("hosts/a/etc/postfix", Some("hosts/a")),
            ("hosts/a/etc/dovecot/conf.d", Some("hosts/a")),
            ("/etc/dovecot", Some("/")),
            ("hosts/a/postfix", None),
        ] {
            assert_eq!(
                home_of(Path::new(directory)),
                home.map(PathBuf::from),
                "{directory}"
            );
        }
        for (directory, server) in [
            ("hosts/a/postfix", "hosts/a"),
            ("hosts/a/dovecot/conf.d", "hosts/a"),
            ("postfix", "."),
            ("mail-conf", "mail-conf"),
        ] {
            assert_eq!(beside(Path::new(directory)), PathBuf::from(server));
        }
    }
}
