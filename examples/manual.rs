//! Writes the manual pages, and the completions for bash, zsh and fish, all from the definition of the commands:
//!
//!     cargo run --example manual -- DIRECTORY
//!
//! They are made when a package is built, so that they cannot be older than the program, and the program itself
//! carries none of what makes them.

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use clap::CommandFactory;
use clap_complete::Shell;

use plainsight::command::Arguments;

fn main() -> Result<(), Box<dyn Error>> {
    let Some(directory) = std::env::args_os().nth(1).map(PathBuf::from) else {
        return Err("usage: cargo run --example manual -- DIRECTORY".into());
    };
    fs::create_dir_all(&directory)?;
    clap_mangen::generate_to(Arguments::command(), &directory)?;
    for page in fs::read_dir(&directory)? {
        // What stands behind the options is headed "EXTRA" there, which tells nobody anything.
        let page = page?.path();
        let text = fs::read_to_string(&page)?;
        let text = text.replace(".SH EXTRA\nExamples:\n", ".SH EXAMPLES\n");
        fs::write(&page, text.replace(".SH EXTRA", ".SH NOTES"))?;
    }
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut Arguments::command(), "plainsight", &directory)?;
    }
    Ok(())
}
