//! `plainsight apply`: the change that `diff` prints, on the disk, and the way back.
//!
//! `plan` beside this file works out what is to be written, `site` where it lies, and `checkers` asks the daemons
//! what they think of it; `transaction` to the left writes.

mod checkers;
mod plan;
mod site;

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::report;
use crate::report::invocation::Invocation;
use crate::report::plain::{plain, plain_path};
use crate::report::screen::Screen;
use crate::root::Root;
use crate::surface::Server;
use crate::transaction::{Pending, Store};

use super::diff::shown;
use super::options::ServerOptions;
use super::screen::ScreenOptions;
use super::wish::WishOptions;
use super::{Exit, Outcome};
use checkers::Answer;
use plan::Plan;
use site::Site;

const EXAMPLES: &str = "\
Examples:
  plainsight apply --dry-run           show the change
  plainsight apply                     ask, then make it
  plainsight apply --revert            take it back";

/// Arguments of `apply`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The server root, or its postfix or dovecot directory [default: the running machine]
    path: Option<PathBuf>,
    #[command(flatten)]
    server: ServerOptions,
    #[command(flatten)]
    wish: WishOptions,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Print the patch and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Undo a change that was made: the last one, or the one of this number
    #[arg(long, value_name = "ID", num_args = 0..=1, conflicts_with = "unsafe_fixes")]
    #[expect(
        clippy::option_option,
        reason = "clap's way to say: absent, without a number, with one"
    )]
    revert: Option<Option<PathBuf>>,
}

impl Arguments {
    /// The server that is meant: also `apply --revert PATH` names one.
    fn path(&self) -> Option<&PathBuf> {
        let behind_revert = || self.revert.iter().flatten().find(|it| number(it).is_none());
        self.path.as_ref().or_else(behind_revert)
    }

    /// Whether a change is to be reverted, and which.
    ///
    /// # Errors
    /// What is no number.
    fn revert(&self) -> Result<Option<Option<u32>>, Outcome> {
        match (&self.revert, &self.path) {
            (None, _) => Ok(None),
            (Some(None), _) => Ok(Some(None)),
            (Some(Some(id)), path) => match (number(id), path) {
                (Some(id), _) => Ok(Some(Some(id))),
                (None, None) => Ok(Some(None)),
                (None, Some(_)) => Err(trouble(format!(
                    "{}: --revert takes the number of a change",
                    id.display()
                ))),
            },
        }
    }
}

fn number(text: &Path) -> Option<u32> {
    text.to_str()?.parse().ok()
}

pub(super) fn run(
    arguments: &Arguments,
    invocation: &Invocation,
    screen: &ScreenOptions,
    err: &mut dyn Write,
) -> Outcome {
    match attempt(arguments, invocation, screen, err) {
        Ok(outcome) | Err(outcome) => outcome,
    }
}

/// Trouble in words becomes the outcome at once.
fn trouble(error: impl ToString) -> Outcome {
    Outcome::trouble(vec![error.to_string()])
}

fn attempt(
    arguments: &Arguments,
    invocation: &Invocation,
    screen: &ScreenOptions,
    err: &mut dyn Write,
) -> Result<Outcome, Outcome> {
    let site = Site::of(one_root(arguments)?);
    let store = Store::existing(&site.store(), site.base()).map_err(trouble)?;
    let mut notes = Vec::new();
    if let Some(store) = &store {
        if !arguments.dry_run {
            notes.extend(store.recover().map_err(trouble)?);
        } else if let Some(id) = store.interrupted().map_err(trouble)? {
            return Err(trouble(format!(
                "an earlier run was interrupted while it made change {id}; run it without --dry-run to mend that"
            )));
        }
    }
    let plan = match arguments.revert()? {
        Some(id) => Plan::way_back(arguments, &site, store.as_ref(), id)?,
        None => Plan::change(arguments, &site, &mut notes)?,
    };
    if plan.targets.is_empty() {
        return Ok(Outcome {
            exit: Exit::Clean,
            result: b"nothing to change\n".to_vec(),
            notes,
        });
    }
    if arguments.dry_run {
        return Ok(Outcome {
            exit: Exit::Found,
            result: shown(&plan.patch, &screen.screen_for_patch())?,
            notes,
        });
    }
    if !arguments.yes && !agreed(&plan, &mut notes, &screen.dialogue(), err)? {
        return Ok(Outcome {
            exit: Exit::Found,
            result: Vec::new(),
            notes: vec!["nothing was written".to_owned()],
        });
    }
    plan.still_stands()?;
    let store = match store {
        Some(store) => store,
        None => Store::create(&site.store(), site.base()).map_err(trouble)?,
    };
    let again = invocation.apply(&site.root);
    write(&site, &store, plan, &again, notes)
}

/// The one server that is meant.
fn one_root(arguments: &Arguments) -> Result<Root, Outcome> {
    let paths: Vec<PathBuf> = arguments.path().into_iter().cloned().collect();
    let mut roots = arguments.server.roots(&paths)?;
    match roots.pop() {
        Some(root) if roots.is_empty() => Ok(root),
        Some(_) | None => Err(trouble(format!(
            "apply changes one server, and there are {}; name one of them, or hand the patch of `plainsight diff` to git apply",
            roots.len() + 1
        ))),
    }
}

/// Shows the patch on the terminal, with everything there is to say, and asks.
fn agreed(
    plan: &Plan,
    notes: &mut Vec<String>,
    screen: &Screen,
    err: &mut dyn Write,
) -> Result<bool, Outcome> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(trouble(
            "there is no terminal to ask on, so nothing is written; \
             --yes makes the change without asking, --dry-run prints it",
        ));
    }
    let question = match plan.targets.len() {
        1 => "Write this to 1 file?".to_owned(),
        many => format!("Write this to {many} files?"),
    };
    let mut ask = || {
        report::patch::write(err, &plan.patch, screen)?;
        for note in notes.drain(..) {
            writeln!(err, "plainsight: {}", plain(note.as_bytes()))?;
        }
        write!(err, "{question} [y/N] ")?;
        err.flush()?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        let answer = answer.trim().to_ascii_lowercase();
        Ok::<_, io::Error>(matches!(answer.as_str(), "y" | "yes"))
    };
    ask().map_err(trouble)
}

/// Writes the files, lets the daemons' own checkers look, and puts everything back if one of them objects. `again` is the
/// command that was given, for the same server.
fn write(
    site: &Site,
    store: &Store,
    plan: Plan,
    again: &str,
    mut notes: Vec<String>,
) -> Result<Outcome, Outcome> {
    let ask = || match site.running {
        true => checkers::ask(&plan.servers),
        false => Vec::new(),
    };
    let before = ask();
    let files: Vec<PathBuf> = plan
        .targets
        .iter()
        .map(|target| site.shown(&target.path))
        .collect();
    let pending = store
        .begin(plan.targets, plan.reverts)
        .and_then(Pending::replace)
        .map_err(trouble)?;
    let answers = ask();
    if let Some((command, why)) = checkers::new_objection(&before, &answers) {
        notes.push(format!(
            "`{command}` refuses the change, so the old files are put back: {why}"
        ));
        notes.extend(pending.undo().map_err(trouble)?);
        return Err(Outcome::trouble(notes));
    }
    let id = pending.accept().map_err(trouble)?;
    let mut result = String::new();
    for file in &files {
        result.push_str(&format!("changed {}\n", plain_path(file)));
    }
    for Answer { command, objection } in &answers {
        match objection {
            None => result.push_str(&format!("`{command}` accepts it\n")),
            Some(why) => notes.push(format!("`{command}` objects, as it did before: {why}")),
        }
    }
    let copies = site.store().join(id.to_string());
    result.push_str(&format!(
        "this is change {id}; the old files are in {}\n\nto put it into force:\n",
        plain_path(&copies)
    ));
    for server in &plan.servers {
        result.push_str(match server {
            Server::Postfix => "  postfix reload\n",
            Server::Dovecot => "  doveadm reload\n",
        });
    }
    result.push_str(&format!("to go back:\n  {again} --revert {id}\n"));
    Ok(Outcome {
        exit: Exit::Clean,
        result: result.into_bytes(),
        notes,
    })
}
