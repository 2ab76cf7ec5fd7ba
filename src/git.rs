//! Git: what a repository held at an earlier revision, and which of its files have changed since. It asks the git program.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bstr::ByteSlice;

mod held;

use crate::source::{LARGEST_FILE, absolute};

use held::{Entry, Held};

/// A repository, by a directory in it.
#[derive(Clone, Debug)]
pub struct Repository {
    /// Its topmost directory, without links on the way there.
    top: PathBuf,
}

impl Repository {
    /// The repository in which a path lies.
    ///
    /// # Errors
    /// Says that there is none, or what git says.
    pub fn around(path: &Path) -> Result<Self, String> {
        let path = absolute(path);
        let directory = if path.is_dir() {
            path.as_path()
        } else {
            path.parent().unwrap_or(&path)
        };
        let top = run(
            directory,
            &["rev-parse".as_ref(), "--show-toplevel".as_ref()],
        )?;
        let top = top.strip_suffix(b"\n").unwrap_or(&top);
        Ok(Self {
            top: PathBuf::from(OsString::from_vec(top.to_vec())),
        })
    }

    /// Its topmost directory.
    pub fn top(&self) -> &Path {
        &self.top
    }

    /// The path from the top of what was named by an absolute path; none where that lies elsewhere.
    fn inside(&self, path: &Path) -> Option<PathBuf> {
        // Links inside of the repository stay: they may have led elsewhere at an earlier revision.
        let leads_to_top = |one: &&Path| one.canonicalize().is_ok_and(|one| one == self.top);
        if let Some(top) = path.ancestors().find(leads_to_top) {
            return path.strip_prefix(top).ok().map(Path::to_path_buf);
        }
        let path = path.canonicalize().ok()?;
        path.strip_prefix(&self.top).ok().map(Path::to_path_buf)
    }

    /// The commit from which both `revision` and what is checked out come.
    ///
    /// # Errors
    /// Says that there is no such revision, or what git says.
    pub fn base(&self, revision: &str) -> Result<String, String> {
        let commit = format!("{revision}^{{commit}}");
        let arguments = [
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            &commit,
        ];
        let found = run(&self.top, &arguments.map(OsStr::new));
        let commit = found.map_err(|_| {
            format!(
                "{}: git knows no revision \"{revision}\"",
                self.top.display()
            )
        })?;
        let commit = commit.trim_ascii_end().to_str_lossy().into_owned();
        let both = ["merge-base", &commit, "HEAD"].map(OsStr::new);
        // Where the two have nothing in common, the revision itself is meant.
        let base = run(&self.top, &both).ok();
        let base = base.map(|base| base.trim_ascii_end().to_str_lossy().into_owned());
        Ok(base.filter(|base| !base.is_empty()).unwrap_or(commit))
    }

    /// The absolute paths of all files that differ from a commit, those that git does not track yet among them.
    /// A repository inside of this one is told by its directory.
    ///
    /// # Errors
    /// What git says.
    pub fn changed_since(&self, commit: &str) -> Result<Vec<PathBuf>, String> {
        let differing = [
            "diff",
            "--name-only",
            "-z",
            "--no-renames",
            "--ignore-submodules=none",
            commit,
            "--",
        ];
        let new = ["ls-files", "--others", "--exclude-standard", "-z"];
        let mut changed = run(&self.top, &differing.map(OsStr::new))?;
        changed.extend(run(&self.top, &new.map(OsStr::new))?);
        let names = changed
            .split(|&byte| byte == 0)
            .filter(|name| !name.is_empty());
        Ok(names
            .map(|name| self.top.join(OsStr::from_bytes(name)))
            .collect())
    }

    /// The files that a commit held at or below these absolute paths, through the links that it held.
    ///
    /// # Errors
    /// What git says.
    pub fn files_at(
        &self,
        commit: &str,
        paths: &[PathBuf],
    ) -> Result<BTreeMap<PathBuf, Vec<u8>>, String> {
        let held = self.held(commit)?;
        let mut wanted = BTreeMap::new();
        for path in paths {
            let inside = self.inside(path).map(|inside| self.top.join(inside));
            let files = inside.map(|inside| held.files(&inside));
            for (rest, id) in files.unwrap_or_default() {
                let named = match rest.as_os_str().is_empty() {
                    true => path.clone(),
                    false => path.join(rest),
                };
                wanted.insert(named, id);
            }
        }
        let ids: Vec<&[u8]> = wanted.values().copied().collect();
        let contents = contents(&self.top, &ids)?;
        Ok(wanted.into_keys().zip(contents).collect())
    }

    /// All files and links of a commit.
    fn held(&self, commit: &str) -> Result<Held, String> {
        let all = ["ls-tree", "-r", "-z", "--full-tree", "-l", commit];
        let listed = run(&self.top, &all.map(OsStr::new))?;
        let blobs = || listed.split(|&byte| byte == 0).filter_map(blob);
        let links: Vec<Blob> = blobs().filter(|blob| blob.is_link).collect();
        let ids: Vec<&[u8]> = links.iter().map(|link| link.id).collect();
        let targets = contents(&self.top, &ids)?;
        let links = links.iter().zip(targets).map(|(link, target)| {
            let target = Entry::Link(PathBuf::from(OsString::from_vec(target)));
            (self.top.join(OsStr::from_bytes(link.path)), target)
        });
        let files = blobs().filter(|blob| !blob.is_link).map(|file| {
            let id = Entry::File(file.id.to_vec());
            (self.top.join(OsStr::from_bytes(file.path)), id)
        });
        Ok(Held(files.chain(links).collect()))
    }
}

/// A file or a link in a listing of git.
struct Blob<'l> {
    is_link: bool,
    id: &'l [u8],
    path: &'l [u8],
}

/// `100644 blob ID SIZE<TAB>PATH`, where it is no larger than any configuration; a link has the mode 120000.
fn blob(line: &[u8]) -> Option<Blob<'_>> {
    let (head, path) = line.split_once_str(b"\t")?;
    let mut fields = head.fields_with(|c| c == ' ');
    let (mode, kind, id, size) = (
        fields.next()?,
        fields.next()?,
        fields.next()?,
        fields.next()?,
    );
    let size: u64 = size.to_str().ok()?.parse().ok()?;
    let is_link = mode == b"120000";
    let is_meant = kind == b"blob" && (is_link || mode.starts_with(b"100"));
    (is_meant && size <= LARGEST_FILE).then_some(Blob { is_link, id, path })
}

/// The contents of these blobs, in their order.
fn contents(top: &Path, blobs: &[&[u8]]) -> Result<Vec<Vec<u8>>, String> {
    let failed = |error: std::io::Error| format!("git cat-file: {error}");
    let mut child = command(top, &["cat-file".as_ref(), "--batch".as_ref()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let asked: Vec<u8> = blobs.iter().flat_map(|id| [*id, b"\n"].concat()).collect();
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let mut answer = Vec::new();
    std::thread::scope(|scope| {
        // Both ends at once: git answers while it is still asked.
        scope.spawn(move || {
            let _ = stdin.map(|mut stdin| stdin.write_all(&asked));
        });
        stdout.map_or(Ok(0), |mut stdout| stdout.read_to_end(&mut answer))
    })
    .map_err(failed)?;
    child.wait().map_err(failed)?;
    let mut contents = Vec::new();
    let mut rest = answer.as_slice();
    for _ in blobs {
        // `ID blob SIZE`, the content, and a newline.
        let (head, behind) = rest
            .split_once_str(b"\n")
            .ok_or("git cat-file: its answer is too short")?;
        let size = head
            .rsplit_str(" ")
            .next()
            .and_then(|size| size.to_str().ok()?.parse().ok());
        let size: usize = size.ok_or("git cat-file: its answer has no size")?;
        let content = behind
            .get(..size)
            .ok_or("git cat-file: its answer is too short")?;
        contents.push(content.to_vec());
        rest = behind.get(size + 1..).unwrap_or_default();
    }
    Ok(contents)
}

/// What git prints.
fn run(directory: &Path, arguments: &[&OsStr]) -> Result<Vec<u8>, String> {
    let output = command(directory, arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("git cannot be started: {error}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = output.stderr.to_str_lossy();
    let said = said.lines().next().unwrap_or("git failed without a word");
    Err(format!("{}: {said}", directory.display()))
}

fn command(directory: &Path, arguments: &[&OsStr]) -> Command {
    let mut command = Command::new("git");
    // Nothing that the repository itself sets may start a program or change what is printed.
    command
        .arg("-C")
        .arg(directory)
        .args(["--no-optional-locks", "--literal-pathspecs"])
        .args(["-c", "core.fsmonitor=false", "-c", "core.quotePath=false"])
        .args(arguments)
        .env("LC_ALL", "C")
        // A hook runs with these set, and they do not go together with -C.
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE");
    command
}
