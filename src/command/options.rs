//! What several commands let the user say: which servers, which releases, which certificates, which format.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;

use crate::certificate::{Missing, Policy};
use crate::project::{Project, Projects};
use crate::report::redact::Redaction;
use crate::root::{self, Root, RootError};
use crate::rule::Rule;
use crate::source::FileTree;
use crate::source::absolute;
use crate::surface::server::{Surface, Versions};
use crate::surface::{Client, Question};
use crate::version::{Range, Version};
use clap::{Args, ValueEnum};

use super::clock::now;
use super::{Exit, Outcome};
use crate::parallel;

/// How to print the result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs; docs/json.md describes it.
    Json,
}

/// Whether names are shown.
#[derive(Debug, Args)]
pub(super) struct RedactOptions {
    /// Show pseudonyms in place of accounts and of the addresses and names of clients; the same name gets the same one each time
    #[arg(long)]
    redact: bool,
    /// A file with a secret that goes into the pseudonyms, so that nobody else can try names
    #[arg(long, value_name = "FILE", requires = "redact")]
    redact_key: Option<PathBuf>,
}

impl RedactOptions {
    /// How names are replaced; none where they are shown.
    ///
    /// # Errors
    /// Where the secret cannot be read.
    pub(super) fn redaction(&self) -> Result<Option<Redaction>, String> {
        if !self.redact {
            return Ok(None);
        }
        let secret = match &self.redact_key {
            Some(file) => Some(
                FileTree::rooted("/")
                    .read(&absolute(file))
                    .map_err(|why| format!("{}: {why}", file.display()))?,
            ),
            None => None,
        };
        Ok(Some(Redaction::new(secret.as_deref())))
    }
}

/// What a certificate or key file that is not there means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Certificates {
    /// It is taken for good and said so: the default below a --root other than /
    Assume,
    /// It is missing: the default on the running machine
    Require,
}

/// Which servers, and how to read them.
#[derive(Debug, Args)]
pub(super) struct ServerOptions {
    /// Where absolute paths in the configuration begin; the default is the server root that holds each file
    #[arg(long, value_name = "DIRECTORY")]
    root: Option<PathBuf>,
    /// Look for servers in what git ignores too
    #[arg(long)]
    no_gitignore: bool,
    /// The release of Postfix, such as 3.7.11
    #[arg(long, value_name = "VERSION")]
    postfix_version: Option<Version>,
    /// The release of Dovecot, such as 2.3.19.1
    #[arg(long, value_name = "VERSION")]
    dovecot_version: Option<Version>,
    /// What to make of certificate and key files that are not there
    #[arg(long, value_enum)]
    certificates: Option<Certificates>,
}

/// Which rules there are.
#[derive(Debug, Default, Args)]
pub(super) struct RuleOptions {
    /// A directory with rules of your own, one in each file NAME.toml; may be given several times
    #[arg(long, value_name = "DIRECTORY")]
    rules: Vec<PathBuf>,
}

impl RuleOptions {
    /// The rules that come with the program, those of the project file that holds for `path`, and those of the user.
    ///
    /// # Errors
    /// What is wrong with the user's rules.
    pub(super) fn all(&self, path: Option<&PathBuf>) -> Result<Vec<Rule>, Outcome> {
        let of_project = of_project(path).map_err(Outcome::trouble)?;
        let directories = of_project.iter().chain(&self.rules).map(PathBuf::as_path);
        Rule::all(directories).map_err(Outcome::trouble)
    }

    /// The directories of the project file that holds for `path`, where it does not hold for where the user stands.
    pub(super) fn of_project_elsewhere(path: Option<&PathBuf>) -> Vec<PathBuf> {
        let here = of_project(None).unwrap_or_default();
        let mut there = of_project(path).unwrap_or_default();
        there.retain(|directory| !here.contains(directory));
        there
    }
}

/// Where the project file that holds for a path says that rules are.
fn of_project(path: Option<&PathBuf>) -> Result<Vec<PathBuf>, Vec<String>> {
    let here = PathBuf::from(".");
    let project = Project::of(path.unwrap_or(&here))?;
    Ok(project.rule_directories())
}

/// For which client.
#[derive(Debug, Default, Args)]
pub(super) struct ClientOptions {
    /// Judge for the client at this address, with the exemptions that apply to it
    #[arg(long, value_name = "ADDRESS")]
    from: Option<IpAddr>,
    /// The address of the server that this client connects to
    #[arg(long, value_name = "ADDRESS", requires = "from")]
    to: Option<IpAddr>,
}

impl ClientOptions {
    /// Whether no client in particular is meant.
    pub(super) const fn is_everybody(&self) -> bool {
        self.from.is_none()
    }

    fn client(&self) -> Option<Client> {
        self.from.map(|from| Client { from, to: self.to })
    }
}

impl ServerOptions {
    /// Whether the user said where a configuration is.
    pub(super) const fn names_a_root(&self) -> bool {
        self.root.is_some()
    }

    /// Reads and judges every server at and below `paths`, or the running machine where none is named.
    ///
    /// # Errors
    /// A message for everything that could not be read; exit code 3 where there was only nothing to find.
    pub(super) fn surfaces(
        &self,
        paths: &[PathBuf],
        client: &ClientOptions,
    ) -> Result<Vec<Surface>, Outcome> {
        self.of_surfaces(paths, client, |surface| surface)
    }

    /// What `answer` makes of every server at and below `paths`, as soon as it is judged.
    ///
    /// # Errors
    /// As [`ServerOptions::surfaces`].
    pub(super) fn of_surfaces<T: Send>(
        &self,
        paths: &[PathBuf],
        client: &ClientOptions,
        answer: impl Fn(Surface) -> T + Sync,
    ) -> Result<Vec<T>, Outcome> {
        let roots = self.roots(paths)?;
        let mut errors = Vec::new();
        let mut answers = Vec::new();
        // A project file that holds for many servers is read once.
        let mut projects = Projects::default();
        let mut jobs: Vec<(Root, Arc<Project>)> = Vec::new();
        for root in roots {
            match projects.of(&root.shown) {
                Ok(project) => jobs.push((root, project)),
                Err(mistakes) if errors.ends_with(&mistakes) => {}
                Err(mistakes) => errors.extend(mistakes),
            }
        }
        let judge =
            |(root, project): (Root, Arc<Project>)| self.read(root, client, &project).map(&answer);
        for judged in parallel::map(jobs, judge) {
            match judged {
                Ok(answer) => answers.push(answer),
                Err(mistakes) => errors.extend(mistakes),
            }
        }
        if errors.is_empty() {
            Ok(answers)
        } else {
            Err(Outcome::trouble(errors))
        }
    }

    /// Finds every server at and below `paths`, or the running machine where none is named; nothing is read yet.
    ///
    /// # Errors
    /// As [`ServerOptions::surfaces`].
    pub(super) fn roots(&self, paths: &[PathBuf]) -> Result<Vec<Root>, Outcome> {
        let mut roots: Vec<Root> = Vec::new();
        let mut errors = Vec::new();
        let mut exit = Exit::Nothing;
        let default = [self.root.clone().unwrap_or_else(|| PathBuf::from("/"))];
        let mut named: Vec<PathBuf> = Vec::new();
        for path in if paths.is_empty() { &default } else { paths } {
            named.extend(roots_of_project(path).map_err(Outcome::trouble)?);
        }
        for path in &named {
            match root::find(path, self.root.as_deref(), !self.no_gitignore) {
                Ok(found) => roots.extend(found),
                Err(error) => {
                    match &error {
                        RootError::Nothing { .. } | RootError::Machine => {}
                        RootError::Unreadable { .. } | RootError::Stranger { .. } => {
                            exit = Exit::Trouble;
                        }
                    }
                    errors.push(error.to_string());
                }
            }
        }
        roots.sort_by(|a, b| a.shown.cmp(&b.shown));
        // One server under several names (`host`, `./host`, a link to it) is judged once.
        let mut seen = BTreeSet::new();
        roots.retain(|root| {
            let place = root.shown.canonicalize();
            let place = place.unwrap_or_else(|_| root.shown.clone());
            seen.insert((place, root.postfix.clone(), root.dovecot.clone()))
        });
        if errors.is_empty() {
            Ok(roots)
        } else {
            Err(Outcome {
                exit,
                result: Vec::new(),
                notes: errors,
            })
        }
    }

    /// Reads and judges one server.
    ///
    /// # Errors
    /// What is wrong with its project file, or which of its files cannot be read.
    pub(super) fn surface(
        &self,
        root: Root,
        client: &ClientOptions,
    ) -> Result<Surface, Vec<String>> {
        let project = Project::of(&root.shown)?;
        self.read(root, client, &project)
    }

    fn read(
        &self,
        root: Root,
        client: &ClientOptions,
        project: &Project,
    ) -> Result<Surface, Vec<String>> {
        let surface = self.judge(root, client, project);
        let unreadable: Vec<String> = surface
            .sources
            .unreadable()
            .map(|(path, why)| {
                let advice = if why.contains("denied") {
                    "; run as a user who may read it"
                } else {
                    ""
                };
                format!("{}: {why}{advice}", path.display())
            })
            .collect();
        if unreadable.is_empty() {
            Ok(surface)
        } else {
            Err(unreadable)
        }
    }

    /// Judges one server. Its releases are those of the options, else of the project file, else of the programs installed.
    fn judge(&self, root: Root, client: &ClientOptions, project: &Project) -> Surface {
        let running = root.shown == Path::new("/");
        let missing = match self.certificates {
            Some(Certificates::Assume) => Missing::Assume,
            Some(Certificates::Require) => Missing::Fault,
            None if running => Missing::Fault,
            None => Missing::Assume,
        };
        let name = project.name_of(&root.shown);
        let releases = project.versions.of(&name);
        let version = |given: Option<Version>, command: &str, arguments: &[&str]| {
            given
                .or_else(|| {
                    running
                        .then(|| installed_version(command, arguments))
                        .flatten()
                })
                .map(Range::exactly)
        };
        let versions = Versions {
            postfix: version(
                self.postfix_version.or(releases.postfix),
                "postconf",
                &["-d", "-h", "mail_version"],
            ),
            dovecot: version(
                self.dovecot_version.or(releases.dovecot),
                "dovecot",
                &["--version"],
            ),
        };
        let question = Question {
            client: client.client(),
            certificates: Policy {
                missing,
                now: now(),
            },
            sasl: None,
        };
        let mut surface = Surface::of(root, versions, question);
        surface.hosts = project.hosts_of(&name);
        surface
    }
}

/// The one server that a command is about; `words` say what the command does with one.
///
/// # Errors
/// Names the servers where there are several.
pub(super) fn only<'a>(surfaces: &'a [Surface], words: &str) -> Result<&'a Surface, Outcome> {
    match surfaces {
        [surface] => Ok(surface),
        many => {
            let names: Vec<String> = many
                .iter()
                .map(|surface| surface.root.shown.display().to_string())
                .collect();
            Err(Outcome::trouble(vec![format!(
                "{words} one server, and there are {}: {}; name one of them",
                many.len(),
                names.join(", ")
            )]))
        }
    }
}

/// The roots that the project file names, where `path` is its directory; else the path itself.
///
/// # Errors
/// What is wrong with the file, or which of its roots there is nothing of.
fn roots_of_project(path: &Path) -> Result<Vec<PathBuf>, Vec<String>> {
    let project = Project::of(path)?;
    if project.roots.is_empty() || project.base != absolute(path) {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut roots = Vec::new();
    let mut errors = Vec::new();
    for pattern in &project.roots {
        let found = below(path, pattern);
        if found.is_empty() {
            let file = project.file.as_deref().unwrap_or(path).display();
            errors.push(format!(
                "{file}: roots: there is no directory \"{pattern}\""
            ));
        }
        roots.extend(found);
    }
    if errors.is_empty() {
        Ok(roots)
    } else {
        Err(errors)
    }
}

/// The directories below `path` that a pattern names, sorted.
fn below(path: &Path, pattern: &str) -> Vec<PathBuf> {
    let base = glob::Pattern::escape(&path.to_string_lossy());
    let found = glob::glob(&format!("{base}/{pattern}"));
    let found = found.into_iter().flatten().flatten();
    found.filter(|path| path.is_dir()).collect()
}

/// The release that an installed server says it is.
fn installed_version(command: &str, arguments: &[&str]) -> Option<Version> {
    let output = process::Command::new(command)
        .args(arguments)
        .stdin(process::Stdio::null())
        .output()
        .ok()?;
    String::from_utf8_lossy(&output.stdout).parse().ok()
}
