//! `--redact`: no name of a person or address of a client is left in any format, and what belongs together stays together.

use std::process::Command;

fn said(words: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_plainsight"))
        .current_dir(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/testdata/preflight-causes/case.in"
        ))
        .args(words)
        .args(["--redact", "--postfix-version", "3.7.11"])
        .output()
        .expect("the program was built for this test");
    String::from_utf8(output.stdout).expect("what is printed is text")
}

#[test]
fn no_name_is_left_in_any_format() {
    let mut answers = Vec::new();
    for format in ["text", "json", "html", "markdown", "csv"] {
        answers.push(said(&[
            "preflight",
            "open",
            "--accept",
            "anna@example.org",
            "--format",
            format,
        ]));
    }
    for format in ["text", "json"] {
        answers.push(said(&["scan", "--root", "open", "--format", format]));
    }
    // Its lines have the address of the server.
    let log = "after/var/log/maillog";
    answers.push(said(&["scan", "--log", log, "--format", "json"]));
    for answer in answers {
        for name in [
            "scan@",
            "user0",
            "anna@",
            "192.0.2.10",
            "192.0.2.50",
            "192.0.2.80",
            "198.51.100.7",
            "webmail.example",
            "laser2",
        ] {
            assert!(!answer.contains(name), "{name}: {answer}");
        }
        assert!(answer.contains("account-"), "{answer}");
    }
}

#[test]
fn one_name_has_one_pseudonym_everywhere() {
    let text = said(&["preflight", "open", "--format", "text"]);
    let line = text
        .lines()
        .find(|line| line.contains("daily at 07:00"))
        .expect("the printer is in the report");
    let printer = line
        .split_whitespace()
        .next()
        .expect("its account comes first");
    assert!(said(&["scan", "--root", "open"]).contains(printer));
    assert_eq!(text, said(&["preflight", "open", "--format", "text"]));
}
