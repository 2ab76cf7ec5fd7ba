//! A repository of servers: what is looked at, and that a thousand servers are judged as each by itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const MAIN_CF: &str = "compatibility_level = 3.6\nsmtpd_tls_chain_files = /etc/ssl/mail.pem\n\
    smtpd_tls_security_level = may\nsmtpd_sasl_auth_enable = yes\n";

fn scratch(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).expect("the build directory is writable");
    directory
}

fn write(file: &Path, text: &str) {
    let directory = file.parent().expect("it has a directory");
    fs::create_dir_all(directory).expect("the build directory is writable");
    fs::write(file, text).expect("the build directory is writable");
}

fn plainsight(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_plainsight"))
        .args(arguments)
        .current_dir(directory)
        .output()
        .expect("the program can be started")
}

fn json(directory: &Path, arguments: &[&str]) -> Value {
    let arguments = [&["check", "--format", "json"], arguments].concat();
    let output = plainsight(directory, &arguments);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

fn roots(document: &Value) -> Vec<String> {
    let endpoints = document["endpoints"].as_array().expect("a list");
    let roots = endpoints
        .iter()
        .map(|one| one["root"].as_str().unwrap_or_default().to_owned());
    roots.collect()
}

#[test]
fn what_git_ignores_and_what_is_left_over_is_not_looked_at() {
    let repository = scratch("repository-ignored");
    for host in [
        "hosts/mx1",
        "hosts/mx2",
        "build/mx3",
        "hosts/mx4.bak",
        "hosts/mx5~",
        "hosts/kept/mx6",
    ] {
        write(&repository.join(host).join("etc/postfix/main.cf"), MAIN_CF);
    }
    write(
        &repository.join("hosts/mx7/etc/postfix.dpkg-dist/main.cf"),
        MAIN_CF,
    );
    write(&repository.join(".gitignore"), "/build/\nmx2\nkept/*\n");
    write(&repository.join("hosts/.gitignore"), "!mx2\n");
    write(&repository.join("hosts/kept/.gitignore"), "!mx6\n");
    let all = [
        "./build/mx3",
        "./hosts/kept/mx6",
        "./hosts/mx1",
        "./hosts/mx2",
    ];
    assert_eq!(
        roots(&json(&repository, &["."])),
        all,
        "outside of git the files mean nothing"
    );
    write(&repository.join(".git/info/exclude"), "mx1\n");
    assert_eq!(
        roots(&json(&repository, &["."])),
        ["./hosts/kept/mx6", "./hosts/mx2"]
    );
    assert_eq!(
        roots(&json(&repository.join("hosts"), &["."])),
        ["./kept/mx6", "./mx2"]
    );
    assert_eq!(roots(&json(&repository, &[".", "--no-gitignore"])), all);
    assert_eq!(
        roots(&json(&repository, &["build/mx3"])),
        ["build/mx3"],
        "what is named is meant"
    );
}

#[test]
fn many_servers_are_judged_as_each_by_itself() {
    let repository = scratch("repository-many");
    for number in 0..40 {
        let strict = if number % 3 == 0 {
            "smtpd_tls_auth_only = yes\n"
        } else {
            ""
        };
        let odd = if number % 5 == 0 {
            "smtpd_tsl_loglevel = 1\n"
        } else {
            ""
        };
        let text = format!("{MAIN_CF}{strict}{odd}");
        write(
            &repository.join(format!("host{number:02}/etc/postfix/main.cf")),
            &text,
        );
    }
    write(
        &repository.join("plainsight.toml"),
        "[versions]\npostfix = \"3.7.11\"\n",
    );
    let together = json(&repository, &["."]);
    let mut one_by_one = Vec::new();
    for number in 0..40 {
        let alone = json(&repository, &[&format!("./host{number:02}")]);
        one_by_one.extend(alone["findings"].as_array().expect("a list").clone());
    }
    assert_eq!(together["findings"], Value::Array(one_by_one));
    assert_eq!(together["summary"]["roots"], 40);
}
