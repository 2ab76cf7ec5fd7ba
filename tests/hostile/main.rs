//! Strangers choose the names in logs, and whoever may propose a change chooses the text of configurations: the same attacks
//! go through both into every format, and each format is read by a parser that is not ours.

#![cfg(unix)]

mod attack;
mod format;
mod source;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use attack::{ATTACKS, lossy};

/// What is printed on stdout; stderr is plain text in any case, and the exit code one of an answer.
fn said(words: &[&str], root: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_plainsight"))
        .args(words)
        .current_dir(root)
        .env("PLAINSIGHT_TODAY", "2026-11-24")
        .output()
        .expect("the program was built for this test");
    let text = |bytes| String::from_utf8(bytes).expect("what is printed is text");
    let (out, err) = (text(output.stdout), text(output.stderr));
    format::is_plain("stderr", &err);
    assert!(
        matches!(output.status.code(), Some(0 | 1 | 3)),
        "{words:?}: {err}"
    );
    assert!(out.len() > 100, "{words:?}: {out}{err}");
    out
}

/// The accounts of a `scan`.
fn accounts(document: &serde_json::Value) -> BTreeSet<String> {
    let rows = document["evidence"].as_array().expect("rows");
    let accounts = rows.iter().filter_map(|row| row["account"].as_str());
    accounts.map(str::to_owned).collect()
}

/// What accounts are called that are attacks.
fn names() -> BTreeSet<String> {
    ATTACKS.iter().map(|attack| lossy(attack)).collect()
}

const PREFLIGHT: [&str; 6] = [
    "preflight",
    ".",
    "--log",
    "maillog",
    "--postfix-version",
    "3.7.11",
];

#[test]
fn names_in_logs_stay_names_in_every_format() {
    let root = source::log("hostile-log");
    source::project(&root);
    for format in ["text", "json", "html", "markdown", "csv"] {
        let text = said(&[&PREFLIGHT[..], &["--format", format]].concat(), &root);
        format::is_plain(format, &text);
        match format {
            "json" => {
                let impact = format::json(&text);
                let impact = impact["impact"].as_array().expect("impact").len();
                assert_eq!(impact, ATTACKS.len());
            }
            "html" => format::html(&text),
            "markdown" => {
                let rows = format::markdown(&text);
                let clients = rows.iter().filter(|row| row.len() == 8).count();
                assert_eq!(clients, ATTACKS.len(), "{text}");
            }
            "csv" => assert_eq!(format::csv(&text).len(), ATTACKS.len()),
            _ => {}
        }
    }
}

#[test]
fn scan_shows_names_as_they_are_and_acts_on_none() {
    let known = source::log("hostile-scan");
    for root in [&known, &source::refusals("hostile-refusals")] {
        for format in ["text", "json", "evidence"] {
            let text = said(&["scan", "maillog", "--format", format], root);
            format::is_plain(format, &text);
            match format {
                "json" => {
                    let document = format::json(&text);
                    if *root == known {
                        assert_eq!(accounts(&document), names());
                    }
                }
                "evidence" => text.lines().for_each(|line| drop(format::json(line))),
                _ => {}
            }
        }
    }
}

#[test]
fn configurations_say_nothing_but_text_in_every_format() {
    let root = source::repository("hostile-repository");
    source::project(&root);
    for arguments in [
        &[][..],
        &["--no-ignores"],
        &["--postfix-version", "3.10", "--dovecot-version", "2.4.1"],
    ] {
        for format in ["text", "json", "sarif", "github", "junit"] {
            let words = [&["check", ".", "--format", format], arguments].concat();
            let text = said(&words, &root);
            format::is_plain(format, &text);
            match format {
                "json" | "sarif" => drop(format::json(&text)),
                "github" => format::github(&text),
                "junit" => format::junit(&text),
                _ => {}
            }
        }
    }
}

#[test]
fn the_answer_of_preflight_shows_a_hostile_configuration_as_text() {
    let root = source::repository("hostile-answer");
    std::fs::write(
        root.join("maillog"),
        "Oct 29 07:00:00 mail dovecot: hello\n",
    )
    .expect("writable");
    let log = root.join("maillog");
    let log = log.to_str().expect("the build directory has a plain name");
    for number in 0..ATTACKS.len() {
        let server = root.join(number.to_string());
        let server = std::fs::read_dir(&server)
            .expect("it was made")
            .flatten()
            .next()
            .expect("one")
            .path();
        for format in ["html", "markdown"] {
            let text = said(
                &["preflight", ".", "--log", log, "--format", format],
                &server,
            );
            format::is_plain(format, &text);
            match format {
                "html" => format::html(&text),
                "markdown" => drop(format::markdown(&text)),
                _ => {}
            }
        }
    }
}

#[test]
fn the_summary_of_a_step_holds_no_markup_of_strangers() {
    let root = source::repository("hostile-summary");
    let summary = root.join("summary.md");
    let output = Command::new(env!("CARGO_BIN_EXE_plainsight"))
        .args(["check", ".", "--format", "github"])
        .current_dir(&root)
        .env("GITHUB_STEP_SUMMARY", &summary)
        .output()
        .expect("the program was built for this test");
    assert_eq!(output.status.code(), Some(1));
    let text = std::fs::read_to_string(summary).expect("it was written");
    format::is_plain("summary", &text);
    assert!(format::markdown(&text).iter().all(|row| row.len() == 4));
}

#[test]
fn an_annotation_names_the_very_file() {
    let root = source::servers(
        "hostile-files",
        &["a\nb\rc", "::error::x, y=z", "100%25%0A"],
    );
    // A repository of its own, wherever it is built: annotations name files from its root.
    std::fs::create_dir_all(root.join(".git")).expect("the directory can be written");
    let text = said(&["check", ".", "--format", "github"], &root);
    let files = format::annotated(&text);
    assert_eq!(files.len(), 3, "{text}");
    for file in files {
        assert!(root.join(&file).is_file(), "{file:?}");
    }
}
