//! The project file: what plainsight.toml says about the servers of a repository.
//!
//! It is looked for from a path upward to the root of its repository, and holds what no configuration tells;
//! docs/plainsight-toml.md describes every key. `release`, `host`, `network`, `accept` and `ignore` beside this file are the nouns in it, `entry` a new one.

mod accept;
mod entry;
mod host;
mod ignore;
mod network;
mod release;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::source::{FileTree, ReadError, absolute};
use crate::toml::{Reader, TomlError};

pub use accept::Acceptance;
pub use entry::NewIgnore;
pub use host::HostNames;
pub use ignore::{Ignore, fits};
pub use network::{Network, range};
pub use release::{Releases, Versions};

/// The name of the file.
pub const NAME: &str = "plainsight.toml";

/// More days are not asked of logs, which nobody keeps for so long.
pub const MOST_DAYS: i64 = 3650;

/// What a plainsight.toml says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Project {
    /// The file it was read from, to show; none where there is none.
    pub file: Option<PathBuf>,
    /// The directory of that file, else of the repository, from which servers and files get their names; absolute.
    pub base: PathBuf,
    /// Where the servers of the repository are, as patterns from its directory.
    pub roots: Vec<String>,
    /// Where its own rules are, from its directory.
    pub rules: Vec<String>,
    /// Which releases run.
    pub versions: Versions,
    /// What the logs call the servers.
    pub hosts: Vec<HostNames>,
    /// The networks that have a name.
    pub networks: Vec<Network>,
    /// Who may break.
    pub acceptances: Vec<Acceptance>,
    /// Findings to put up with.
    pub ignores: Vec<Ignore>,
    /// How many days the logs have to cover before a change is made.
    pub days: Option<i64>,
}

impl Project {
    /// Finds and reads the project file that holds for `path`; the default where there is none.
    ///
    /// # Errors
    /// Everything that is wrong with it, each as `file:line:column: message`.
    pub fn of(path: &Path) -> Result<Self, Vec<String>> {
        Projects::default()
            .of(path)
            .map(|project| project.as_ref().clone())
    }

    /// The directories with the repository's own rules, as the user would type them.
    pub fn rule_directories(&self) -> Vec<PathBuf> {
        let directories = self.rules.iter().map(|rules| self.base.join(rules));
        directories.map(|directory| shown(&directory)).collect()
    }

    /// How the repository names a path: from the directory of its project file, with `/`; `.` for that itself.
    pub fn name_of(&self, path: &Path) -> String {
        name_below(&self.base, path)
    }

    fn read(file: &Path, bytes: &[u8]) -> Result<Self, Vec<String>> {
        let place = |error: &dyn std::fmt::Display| format!("{}:{error}", file.display());
        let text = std::str::from_utf8(bytes)
            .map_err(|error| vec![place(&format!(" {error}; TOML is UTF-8"))])?;
        let mut project = Self::parse(text)
            .map_err(|errors| errors.iter().map(|error| place(error)).collect::<Vec<_>>())?;
        project.file = Some(file.to_path_buf());
        Ok(project)
    }

    /// Reads the text of a project file.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the text.
    pub fn parse(text: &str) -> Result<Self, Vec<TomlError>> {
        let (mut reader, document) = Reader::parse(text)?;
        let top = document.as_table();
        reader.only(
            top,
            NAME,
            &[
                "roots",
                "rules",
                "versions",
                "preflight",
                "hosts",
                "networks",
                "accept",
                "ignore",
            ],
        );
        let mut paths = |key: &str| -> Vec<String> {
            let texts = reader.texts(top, key);
            let mut paths = Vec::new();
            for (text, span) in texts {
                match glob::Pattern::new(&text) {
                    Ok(_) => paths.push(text),
                    Err(error) => {
                        reader.complain(span, format!("\"{key}\" is no pattern: {}", error.msg))
                    }
                }
            }
            paths
        };
        let mut project = Self {
            roots: paths("roots"),
            rules: paths("rules"),
            ..Self::default()
        };
        if let Some(versions) = reader.table(top, "versions") {
            project.versions = release::versions(&mut reader, versions);
        }
        if let Some(preflight) = reader.table(top, "preflight") {
            reader.only(preflight, "[preflight]", &["days"]);
            project.days = reader.number(preflight, "days", MOST_DAYS);
        }
        if let Some(hosts) = reader.table(top, "hosts") {
            project.hosts = host::hosts(&mut reader, hosts);
        }
        if let Some(networks) = reader.table(top, "networks") {
            project.networks = network::networks(&mut reader, networks);
        }
        project.acceptances = accept::acceptances(&mut reader, top, &project.networks);
        project.ignores = ignore::ignores(&mut reader, top);
        reader.finish(project)
    }

    /// What the logs call a server, by its path from the project file.
    pub fn hosts_of(&self, server: &str) -> Vec<String> {
        let named = self.hosts.iter().filter(|one| one.is_of(server));
        named.flat_map(|one| one.names.iter().cloned()).collect()
    }

    /// The name of the network in which an address lies: the first in the file that holds it.
    pub fn network_of(&self, address: std::net::IpAddr) -> Option<&str> {
        let network = self.networks.iter().find(|one| one.contains(address))?;
        Some(&network.name)
    }
}

/// The project files of a repository, each read once.
#[derive(Debug, Default)]
pub struct Projects {
    /// What holds in a directory.
    known: HashMap<PathBuf, Arc<Project>>,
}

impl Projects {
    /// The project that holds for `path`; the default where there is no file.
    ///
    /// # Errors
    /// Everything that is wrong with the file, each as `file:line:column: message`.
    pub fn of(&mut self, path: &Path) -> Result<Arc<Project>, Vec<String>> {
        let start = absolute(path);
        let mut passed: Vec<PathBuf> = Vec::new();
        let mut found: Option<Arc<Project>> = None;
        for directory in start.ancestors() {
            if let Some(known) = self.known.get(directory) {
                found = Some(Arc::clone(known));
                break;
            }
            passed.push(directory.to_path_buf());
            let in_file = project_in(directory)?;
            let ends = in_file.is_some() || directory.join(".git").exists();
            if ends {
                found = Some(Arc::new(Project {
                    base: directory.to_path_buf(),
                    ..in_file.unwrap_or_default()
                }));
                break;
            }
        }
        let project = found.unwrap_or_else(|| {
            Arc::new(Project {
                base: std::env::current_dir().unwrap_or_default(),
                ..Project::default()
            })
        });
        for directory in passed {
            self.known.insert(directory, Arc::clone(&project));
        }
        Ok(project)
    }
}

/// What the project file in a directory says, if there is one.
fn project_in(directory: &Path) -> Result<Option<Project>, Vec<String>> {
    let file = directory.join(NAME);
    match FileTree::rooted("/").read(&file) {
        Ok(bytes) => Project::read(&shown(&file), &bytes).map(Some),
        Err(ReadError::Outside | ReadError::Missing | ReadError::NotAFile) => Ok(None),
        Err(error) => Err(vec![format!("{}: {error}", shown(&file).display())]),
    }
}

/// A path as seen from `base`: with `/`, `.` for that itself, and from the root of the file system where it lies elsewhere.
pub fn name_below(base: &Path, path: &Path) -> String {
    let absolute = absolute(path);
    let name = absolute.strip_prefix(base).unwrap_or(&absolute);
    if name.as_os_str().is_empty() {
        ".".to_owned()
    } else {
        name.display().to_string()
    }
}

/// The path from where the user stands, where it lies below.
fn shown(file: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    file.strip_prefix(here)
        .map_or_else(|_| file.to_path_buf(), Path::to_path_buf)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::version::Version;

    #[test]
    fn releases_are_read_and_mistakes_have_a_place() {
        let text = "[versions]\npostfix = \"3.7.11\"\n[versions.\"hosts/new*\"]\npostfix = \"3.10.5\"\n\
            [versions.\"**\"]\ndovecot = \"2.4.1\"\n";
        let project = Project::parse(text).expect("it is well formed");
        for (server, postfix) in [
            ("hosts/old", Version::patch(3, 7, 11)),
            ("hosts/new1", Version::patch(3, 10, 5)),
        ] {
            let releases = project.versions.of(server);
            assert_eq!(releases.postfix, Some(postfix), "{server}");
            assert_eq!(releases.dovecot, Some(Version::patch(2, 4, 1)), "{server}");
        }
        assert_eq!(
            complaints("[versions]\ndovcot = \"2.3\"\n[versions.\"[\"]\npostfx = \"3.7\"\n"),
            [
                "2:1: unknown key \"dovcot\" in [versions]; did you mean \"dovecot\"?",
                "4:1: \"[\" is no pattern for the path of a server: invalid range pattern",
                "4:1: unknown key \"postfx\" in [versions.\"[\"]; did you mean \"postfix\"?",
            ]
        );
        let text = "[version]\npostfix = 3\n[versions]\ndovecot = \"new\"\n[preflight]\ndays = 0\n";
        assert_eq!(
            complaints(text),
            [
                "1:2: unknown key \"version\" in plainsight.toml; did you mean \"versions\"?",
                "4:11: \"new\" is not a version such as 3.7.11",
                "6:8: \"days\" must be a whole number from 1 to 3650",
            ]
        );
    }

    #[test]
    fn no_log_reaches_back_for_ever_and_a_reason_says_something() {
        let text = "[preflight]\ndays = 99999999999\n[[ignore]]\nrule = \"a\"\nreason = \"\"\n[[accept]]\naccount = \"b\"\nreason = 7\n";
        assert_eq!(
            complaints(text),
            [
                "2:8: \"days\" must be a whole number from 1 to 3650",
                "5:10: \"reason\" must not be empty",
                "8:10: \"reason\" must be a text",
            ]
        );
        let text = "[preflight]\ndays = 3650\n";
        assert_eq!(
            Project::parse(text).map(|project| project.days).ok(),
            Some(Some(MOST_DAYS))
        );
    }

    fn complaints(text: &str) -> Vec<String> {
        let errors = Project::parse(text).expect_err("it is full of mistakes");
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn logs_have_names_for_servers() {
        let text = "[hosts]\n\"hosts/mx1\" = \"mx1\"\n\"imap*\" = [\"imap\", \"node-*\"]\n";
        let project = Project::parse(text).expect("it is well formed");
        assert_eq!(project.hosts_of("hosts/mx1"), ["mx1"]);
        assert_eq!(project.hosts_of("imap2"), ["imap", "node-*"]);
        assert!(project.hosts_of("hosts/mx2").is_empty());
        assert_eq!(
            complaints("[hosts]\n\"a\" = 3\n\"[\" = \"b\"\n"),
            [
                "2:7: \"a\" must be a text or a list of texts",
                "3:1: \"[\" is no pattern for the path of a server: invalid range pattern",
            ]
        );
    }

    #[test]
    fn networks_have_names_and_the_first_that_holds_an_address_counts() {
        let text = "[networks]\nprinters = \"192.0.2.48/28\"\noffice = [\"192.0.2.0/24\", \"2001:db8::/32\"]\n";
        let project = Project::parse(text).expect("it is well formed");
        for (address, name) in [
            ("192.0.2.50", Some("printers")),
            ("::ffff:192.0.2.50", Some("printers")),
            ("192.0.2.1", Some("office")),
            ("2001:db8:1::1", Some("office")),
            ("198.51.100.1", None),
        ] {
            let address = address.parse().expect("an address");
            assert_eq!(project.network_of(address), name, "{address}");
        }
        assert_eq!(
            complaints("[networks]\noffice = [\"192.0.2.0/33\", 4]\nhome = true\n"),
            [
                "2:11: \"192.0.2.0/33\" is no address or network such as 192.0.2.0/24",
                "2:27: \"office\" holds texts in quotes",
                "3:8: \"home\" must be a text or a list of texts",
            ]
        );
    }

    #[test]
    fn an_acceptance_speaks_of_an_account_a_network_or_both() {
        let text = "[networks]\nprinters = \"192.0.2.48/28\"\n\
            [[accept]]\naccount = \"scanner\"\nnetwork = \"printers\"\nreason = \"new device\"\nuntil = 2027-01-31\n\
            [[accept]]\nnetwork = \"198.51.100.7\"\nreason = \"told\"\nowner = \"it\"\n";
        let project = Project::parse(text).expect("it is well formed");
        let [scanner, host] = &project.acceptances[..] else {
            panic!("there are two");
        };
        let at = |text: &str| Some(text.parse().expect("an address"));
        assert!(scanner.covers(Some("scanner".into()), at("192.0.2.50")));
        assert!(!scanner.covers(Some("scanner".into()), at("192.0.2.1")));
        assert!(!scanner.covers(Some("other".into()), at("192.0.2.50")));
        assert!(!scanner.covers(None, at("192.0.2.50")));
        assert!(!scanner.covers(Some("scanner".into()), None));
        assert!(host.covers(None, at("198.51.100.7")));
        assert_eq!((scanner.line, host.line), (3, 8));
        let day = |text: &str| crate::toml::day(text).expect("a day");
        assert!(!scanner.is_expired(day("2027-01-31")) && scanner.is_expired(day("2027-02-01")));
        assert!(!host.is_expired(day("2099-01-01")));
        assert_eq!(
            complaints(
                "[[accept]]\naccount = \"a\"\nuntil = \"soon\"\n[[accept]]\nreason = \"x\"\nnetwork = \"home\"\n[[accept]]\nreason = \"y\"\n[[accept]]\nnetwork = []\nreason = \"z\"\n[[ignore]]\nrule = []\nreason = \"z\"\n"
            ),
            [
                "2:1: \"reason\" is missing",
                "3:9: \"until\" must be a day such as 2027-01-31",
                "6:11: \"home\" is no address or network such as 192.0.2.0/24, nor a name under [networks]",
                "8:1: [[accept]] needs an \"account\" or a \"network\"",
                "10:11: \"network\" is an empty list",
                "13:8: \"rule\" is an empty list",
            ]
        );
    }

    #[test]
    fn a_word_of_the_command_line_is_a_network_or_an_account() {
        let known = [Network {
            name: "office".to_owned(),
            ranges: vec![range("192.0.2.0/24").expect("a network")],
        }];
        let at = Some("192.0.2.9".parse().expect("an address"));
        for word in ["office", "192.0.2.9", "192.0.2.0/28"] {
            assert!(
                Acceptance::from_word(word, &known, "told").covers(None, at),
                "{word}"
            );
        }
        let account = Acceptance::from_word("ben", &known, "told");
        assert!(account.covers(Some("ben".into()), None) && !account.covers(None, at));
    }
}
