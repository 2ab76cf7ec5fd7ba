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

#[test]
fn fingerprints_survive_that_somebody_names_the_release() {
    let server = Path::new(env!("CARGO_TARGET_TMPDIR")).join("outputs-release");
    let _ = fs::remove_dir_all(&server);
    fs::create_dir_all(server.join("etc/postfix")).unwrap();
    // A repository of its own, so that its files have the same names before there is a project file.
    fs::create_dir_all(server.join(".git")).unwrap();
    let text =
        "smtpd_tls_cert_file = /c\nsmtpd_tls_security_level = may\nsmtpd_sasl_auth_enable = yes\n";
    fs::write(server.join("etc/postfix/main.cf"), text).unwrap();
    let open = check(&server, "text");
    assert!(
        open.contains("note: this holds for postfix before 3.3"),
        "{open}"
    );
    let before = fingerprints(&server);
    let versions = "[versions]\npostfix = \"2.11.3\"\n";
    fs::write(server.join("plainsight.toml"), versions).unwrap();
    let after = fingerprints(&server);
    assert!(!after.is_empty() && after.is_subset(&before));
}

#[test]
fn of_many_servers_github_shows_ten_of_a_kind_and_the_summary_all() {
    let repository = Path::new(env!("CARGO_TARGET_TMPDIR")).join("outputs-many");
    let _ = fs::remove_dir_all(&repository);
    for number in 0..12 {
        let directory = repository.join(format!("host{number:02}/etc/postfix"));
        fs::create_dir_all(&directory).unwrap();
        let text = "smtpd_tls_chain_files = /c\nsmtpd_tls_security_level = may\nsmtpd_sasl_auth_enable = yes\nsmtpd_tsl_loglevel = 1\n";
        fs::write(directory.join("main.cf"), text).unwrap();
    }
    let summary = repository.join("summary.md");
    let output = Command::new(env!("CARGO_BIN_EXE_plainsight"))
        .args(["check", ".", "--format=github", "--postfix-version=3.7.11"])
        .env("GITHUB_STEP_SUMMARY", &summary)
        .current_dir(&repository)
        .output()
        .expect("the program can be started");
    let text = String::from_utf8(output.stdout).expect("the output is text");
    let count = |start: &str| text.lines().filter(|line| line.starts_with(start)).count();
    assert_eq!((count("::error "), count("::warning ")), (10, 10));
    let last = text.lines().last();
    let counts = "12 errors (2 not annotated), 12 warnings (2 not annotated)";
    assert_eq!(last, Some(&*format!("plainsight: {counts} on 12 servers")));
    let summary = fs::read_to_string(summary).expect("a summary is written");
    let rows = summary.lines().filter(|line| line.starts_with("| error |"));
    assert_eq!(rows.count(), 12, "{summary}");
    // So many servers are judged by several threads.
    for format in ["text", "json", "sarif", "github", "junit"] {
        assert_eq!(check(&repository, format), check(&repository, format));
    }
}

#[test]
fn junit_has_a_case_for_each_endpoint_and_rule_with_a_name_of_its_own() {
    let text = check(&project("testdata/outputs/case.in"), "junit");
    let cases = text.lines().filter(|line| line.contains("<testcase "));
    let names: Vec<&str> = cases
        .map(|line| line.trim().trim_end_matches(['/', '>']))
        .collect();
    let distinct: BTreeSet<&&str> = names.iter().collect();
    assert_eq!((names.len(), distinct.len()), (75, 75));
}
