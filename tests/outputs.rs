//! The outputs that machines read: the same bytes on every run, nobody's address, and names that survive edits.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn check(directory: &Path, format: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_plainsight"))
        .args(["check", ".", "--format", format])
        .current_dir(directory)
        .output()
        .expect("the program can be started");
    assert!(output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).expect("the output is text")
}

#[test]
fn what_a_pull_request_shows_names_no_address() {
    let directory = project("testdata/outputs/case.in");
    assert!(
        check(&directory, "text").contains("192.0.2."),
        "the case has some"
    );
    for format in ["sarif", "github", "junit"] {
        let text = check(&directory, format);
        for secret in ["192.0.2.", "198.51.100.", "2001:db8", "postmaster@"] {
            assert!(!text.contains(secret), "{format} names {secret}:\n{text}");
        }
        assert_eq!(
            text,
            check(&directory, format),
            "{format} is the same on every run"
        );
    }
}

fn fingerprints(directory: &Path) -> BTreeSet<String> {
    let text = check(directory, "sarif");
    let lines = text.lines().filter(|line| line.contains("plainsight/v1"));
    lines.map(str::to_owned).collect()
}

#[test]
fn fingerprints_survive_edits_above() {
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("outputs-fingerprints");
    let _ = fs::remove_dir_all(&copy);
    let files = [
        "plainsight.toml",
        "etc/postfix/main.cf",
        "etc/postfix/master.cf",
        "etc/dovecot/dovecot.conf",
    ];
    for file in files {
        let text = fs::read_to_string(project("testdata/outputs/case.in").join(file)).unwrap();
        let target = copy.join(file);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(target, text).unwrap();
    }
    let before = fingerprints(&copy);
    assert!(before.len() > 4);
    for file in &files[1..] {
        let text = fs::read_to_string(copy.join(file)).unwrap();
        fs::write(copy.join(file), format!("# one\n\n# two\n{text}# three\n")).unwrap();
    }
    assert_eq!(before, fingerprints(&copy));
}
