//! What the standard output is, and what the user wants of it: colours, links, a pager.

use std::env;
use std::io::{self, IsTerminal};

use clap::{Args, ValueEnum};

use crate::report::screen::{Detail, Screen};

/// When something is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum When {
    /// Where a terminal is that knows it
    #[default]
    Auto,
    /// In any case
    Always,
    /// Never
    Never,
}

/// How much of the text for people is wanted.
#[derive(Debug, Args)]
pub(super) struct DetailOptions {
    /// Print the answer alone, in one line; warnings and errors are told on stderr all the same
    #[arg(long, short, conflicts_with = "verbose")]
    quiet: bool,
    /// Print all that is known: what decides every endpoint, who uses TLS already, what silence in the log means
    #[arg(long, short)]
    verbose: bool,
}

impl DetailOptions {
    pub(super) const fn detail(&self) -> Detail {
        match (self.quiet, self.verbose) {
            (true, _) => Detail::Answer,
            (false, true) => Detail::All,
            (false, false) => Detail::Usual,
        }
    }
}

/// How to show text for people.
#[derive(Debug, Args)]
#[command(next_help_heading = "On the screen")]
pub(super) struct ScreenOptions {
    /// Whether text is in colour: auto, always or never; NO_COLOR, CLICOLOR_FORCE and FORCE_COLOR hold for auto
    #[arg(
        long,
        value_enum,
        default_value = "auto",
        value_name = "WHEN",
        global = true,
        hide_possible_values = true
    )]
    color: When,
    /// Whether places in files are links to them: auto, always or never
    #[arg(
        long,
        value_enum,
        default_value = "auto",
        value_name = "WHEN",
        global = true,
        hide_possible_values = true
    )]
    hyperlinks: When,
    /// Show the result in a pager: $PLAINSIGHT_PAGER, else $PAGER, else less
    #[arg(long, global = true)]
    pager: bool,
}

impl ScreenOptions {
    /// The standard output as the user wants it.
    pub(super) fn screen(&self) -> Screen {
        let linked = match self.hyperlinks {
            When::Auto => supports_hyperlinks::on(supports_hyperlinks::Stream::Stdout),
            When::Always => true,
            When::Never => false,
        };
        Screen {
            width: width(),
            coloured: self.is_coloured(io::stdout().is_terminal()),
            links: linked.then(machine),
        }
    }

    /// The standard output for a patch: in a pipe it is for a program, whatever the environment says of colours.
    pub(super) fn screen_for_patch(&self) -> Screen {
        if io::stdout().is_terminal() || self.color == When::Always {
            self.screen()
        } else {
            Screen::default()
        }
    }

    /// Whether the result is read in a pager; where there is no terminal, nobody can.
    pub(super) fn pages(&self) -> bool {
        self.pager && io::stdout().is_terminal()
    }

    /// The standard error, on which questions are asked.
    pub(super) fn dialogue(&self) -> Screen {
        Screen {
            width: Some(80),
            coloured: self.is_coloured(io::stderr().is_terminal()),
            links: None,
        }
    }

    /// Whether text is in colour on something that is a terminal or not.
    fn is_coloured(&self, on_terminal: bool) -> bool {
        match self.color {
            When::Always => true,
            When::Never => false,
            When::Auto => {
                if anstyle_query::no_color() {
                    false
                } else if anstyle_query::clicolor_force() || is_forced() {
                    true
                } else {
                    on_terminal
                        && anstyle_query::clicolor().unwrap_or(true)
                        && anstyle_query::term_supports_ansi_color()
                }
            }
        }
    }
}

/// force-color.org: any value but an empty one; Node.js and what follows it mean "not" by 0 and false.
fn is_forced() -> bool {
    env::var_os("FORCE_COLOR")
        .is_some_and(|value| !["", "0", "false"].iter().any(|not| value == **not))
}

/// How many columns the terminal has; none where the output goes elsewhere.
fn width() -> Option<usize> {
    let out = io::stdout();
    if !out.is_terminal() {
        return None;
    }
    let said = env::var("COLUMNS").ok().and_then(|said| said.parse().ok());
    let size = || rustix::termios::tcgetwinsize(&out).ok();
    let columns = said.or_else(|| Some(usize::from(size()?.ws_col)));
    // A terminal that does not know how wide it is, such as a serial line, says 0.
    Some(columns.filter(|&columns| columns > 0).unwrap_or(80))
}

/// The name of this machine, which a link to one of its files needs: the terminal may run on another one.
fn machine() -> String {
    let name = rustix::system::uname();
    name.nodename().to_string_lossy().into_owned()
}
