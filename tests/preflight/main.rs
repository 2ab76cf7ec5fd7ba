//! What `preflight` answers: the decision, whose logs it rests on, who is who in it, and what it says of Dovecot.

#[path = "../shared/mod.rs"]
mod shared;

mod decision;
mod dovecot;
mod logs;
mod who;

use std::path::Path;

use shared::{Said, run};

/// Runs `preflight` on a server and its maillog, with one lone day asked for.
fn answer(root: &Path, arguments: &[&str]) -> Said {
    let usual = [
        "preflight",
        ".",
        "--log",
        "maillog",
        "--window",
        "1",
        "--postfix-version",
        "3.7.11",
    ];
    run(root, &[&usual, arguments].concat())
}
