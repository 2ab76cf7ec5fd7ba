//! A root: the files of one server, found below a path that the user named.
//!
//! A path may be a server root that holds `etc/postfix` or `etc/dovecot`, a directory of either server, a single file,
//! or a repository of many servers, of which what git ignores (`ignored` beside this file) and what package managers and
//! editors leave behind (`name`) are no part. Files are read later, through the [`FileTree`] that each root carries.

mod ignored;
mod name;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::source::FileTree;

use ignored::Ignored;
use name::{file_or_template, is_left_over, is_of_dovecot, made_name, templates};

/// Below this depth nothing is looked for; real repositories are far flatter.
const DEEPEST: usize = 24;

/// The files of one server.
#[derive(Clone, Debug)]
pub struct Root {
    /// How to name it: the path as the user would type it.
    pub shown: PathBuf,
    /// What finds it again, and nothing else: the path that was given where that means only a part of what lies below `shown`.
    pub named: PathBuf,
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
         name a server root, a postfix or dovecot directory, or a repository of servers, such as ."
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
/// With `gitignore`, what the repository ignores below `path` is left out.
///
/// # Errors
/// Says when the path cannot be read or holds no configuration.
pub fn find(path: &Path, root: Option<&Path>, gitignore: bool) -> Result<Vec<Root>, RootError> {
    let unreadable = |why| RootError::Unreadable {
        path: path.display().to_string(),
        why,
    };
    let meta = fs::metadata(path).map_err(unreadable)?;
    let mut found = Vec::new();
    if meta.is_dir() {
        fs::read_dir(path).map_err(unreadable)?;
        let mut search = Search {
            ignored: if gitignore {
                Ignored::above(path)
            } else {
                Ignored::default()
            },
            found: Vec::new(),
        };
        // The machine is one server, and not a repository of all that lies on its disks.
        let depth = if path == Path::new("/") { DEEPEST } else { 0 };
        let looked = search.look_into(path, depth);
        looked.map_err(|(path, why)| RootError::Unreadable {
            path: path.display().to_string(),
            why,
        })?;
        found = search.found;
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
    let mut roots: Vec<Root> = roots.into_values().collect();
    if let [one] = roots.as_mut_slice()
        && !one.shown.starts_with(path)
    {
        one.named = path.to_path_buf();
    }
    Ok(roots)
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
    let made = made_name(&name);
    if made == "main.cf" || made == "master.cf" {
        Ok(Found::Postfix(directory.to_path_buf()))
    } else if made.ends_with(".conf") {
        Ok(Found::Dovecot(path.to_path_buf()))
    } else {
        Err(RootError::Stranger {
            path: path.display().to_string(),
        })
    }
}

/// A search below one path.
struct Search {
    ignored: Ignored,
    found: Vec<Found>,
}

impl Search {
    /// Collects the configurations in `directory`: a server root is taken as a whole, anything else is searched.
    ///
    /// # Errors
    /// Names the `etc/postfix` or `etc/dovecot` that is there and may not be entered, and a main.cf, master.cf or dovecot.conf
    /// that is no file: what they hold would pass for nothing.
    fn look_into(&mut self, directory: &Path, depth: usize) -> Result<(), (PathBuf, io::Error)> {
        let before = self.ignored.enter(directory);
        let looked = self.look_inside(directory, depth);
        self.ignored.leave(before);
        looked
    }

    fn look_inside(&mut self, directory: &Path, depth: usize) -> Result<(), (PathBuf, io::Error)> {
        let (postfix, dovecot) = (directory.join("etc/postfix"), directory.join("etc/dovecot"));
        for (service, file) in [
            (&postfix, "main.cf"),
            (&postfix, "master.cf"),
            (&dovecot, "dovecot.conf"),
        ] {
            let file = service.join(file);
            match fs::metadata(&file) {
                Err(why) if why.kind() == io::ErrorKind::PermissionDenied && service.is_dir() => {
                    return Err((service.clone(), why));
                }
                Ok(meta) if !meta.is_file() => {
                    return Err((file, io::Error::other("it is no regular file")));
                }
                Err(_) if fs::symlink_metadata(&file).is_ok_and(|meta| meta.is_symlink()) => {
                    let why = "it is a link to a file that is not there";
                    return Err((file, io::Error::other(why)));
                }
                Ok(_) | Err(_) => {}
            }
        }
        let etc = directory.join("etc");
        if (postfix.is_dir() || dovecot.is_dir()) && !self.ignored.holds(&etc, true) {
            let before = (self.found.len(), self.ignored.enter(&etc));
            for service in [&postfix, &dovecot] {
                if !self.ignored.holds(service, true) {
                    self.look_into_service(service);
                }
            }
            self.ignored.leave(before.1);
            if self.found.len() > before.0 {
                return Ok(());
            }
        }
        self.look_into_service(directory);
        if depth == DEEPEST {
            return Ok(());
        }
        let mut below: Vec<PathBuf> = fs::read_dir(directory)
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .filter(|entry| !is_left_over(&entry.file_name().to_string_lossy()))
            .map(|entry| entry.path())
            .collect();
        below.sort();
        for sub in below {
            // conf.d belongs to the dovecot.conf beside it.
            let is_part =
                sub.ends_with("conf.d") && file_or_template(directory, "dovecot.conf").is_some();
            if !is_part && !self.ignored.holds(&sub, true) {
                self.look_into(&sub, depth + 1)?;
            }
        }
        Ok(())
    }

    /// Whether this very directory holds the configuration of a server.
    fn look_into_service(&mut self, directory: &Path) {
        let here = |name: &str| {
            let file = file_or_template(directory, name);
            file.is_some_and(|file| !self.ignored.holds(&file, false))
        };
        if here("main.cf") || here("master.cf") {
            self.found.push(Found::Postfix(directory.to_path_buf()));
        }
        if here("dovecot.conf") {
            let file = file_or_template(directory, "dovecot.conf");
            self.found.extend(file.map(Found::Dovecot));
        } else if directory.ends_with("dovecot/conf.d")
            || directory.ends_with("etc/dovecot")
            || is_of_dovecot(directory)
        {
            // A partial tree: only the changed parts are kept here.
            let parts = if directory.ends_with("conf.d") {
                directory.to_path_buf()
            } else {
                directory.join("conf.d")
            };
            if parts.is_dir() && !self.ignored.holds(&parts, true) {
                self.found.push(Found::Dovecot(parts));
            }
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
        shown: server.clone(),
        named: server,
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
    root.tree.mount(daemon.clone(), mount.clone());
    // On the machine itself the daemon reads files, and a template beside them is none of its own.
    if !is_postfix && root.shown != Path::new("/") {
        for (made, template) in templates(&mount) {
            root.tree.mount(daemon.join(made), template);
        }
    }
    match found {
        Found::Postfix(_) => {
            for name in ["main.cf", "master.cf"] {
                // A template stands in for the file that it makes.
                let file = file_or_template(&mount, name);
                if let Some(file) = file.filter(|file| !file.ends_with(name)) {
                    root.tree.mount(daemon.join(name), file);
                }
            }
            root.postfix = Some(daemon);
        }
        Found::Dovecot(file) => {
            root.dovecot = Some(match file.file_name() {
                Some(name) if !file.ends_with("conf.d") => {
                    let made = daemon.join(made_name(&name.to_string_lossy()));
                    if !made.ends_with(name) {
                        root.tree.mount(made.clone(), file.clone());
                    }
                    made
                }
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
