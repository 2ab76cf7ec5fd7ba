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

/// How many servers the large repository holds.
const SERVERS: usize = 1000;

/// How many of them differ: the rest repeats them, and is asked about one by one where `PLAINSIGHT_EVERY_SERVER` is set.
const KINDS: usize = 3 * 5 * 7;

/// Servers of several kinds: strict or open, with and without a misspelt name, and every seventh with an exception.
fn large_repository() -> PathBuf {
    let repository = scratch("repository-many");
    for number in 0..SERVERS {
        let mut text = MAIN_CF.to_owned();
        if number % 3 == 0 {
            text.push_str("smtpd_tls_auth_only = yes\n");
        }
        if number % 5 == 0 {
            text.push_str("smtpd_tsl_loglevel = 1\n");
        }
        if number % 7 == 0 {
            text.push_str("# plainsight: ignore[tls-not-logged] the front end logs it\n");
        }
        let file = format!("host{number:04}/etc/postfix/main.cf");
        write(&repository.join(file), &text);
    }
    write(
        &repository.join("plainsight.toml"),
        "[versions]\npostfix = \"3.7.11\"\n",
    );
    repository
}

#[test]
fn a_thousand_servers_are_judged_as_each_by_itself() {
    let repository = large_repository();
    let together = json(&repository, &["."]);
    let every = std::env::var_os("PLAINSIGHT_EVERY_SERVER").is_some();
    let mut one_by_one = Vec::new();
    for number in 0..if every { SERVERS } else { KINDS } {
        let alone = json(&repository, &[&format!("./host{number:04}")]);
        one_by_one.extend(alone["findings"].as_array().expect("a list").clone());
    }
    let found = together["findings"].as_array().expect("a list");
    assert_eq!(found[..one_by_one.len()], one_by_one[..]);
    assert_eq!(together["summary"]["roots"], SERVERS);
}

/// Runs git in a repository; false where there is no git.
fn git(repository: &Path, arguments: &[&str]) -> bool {
    let identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"];
    let status = Command::new("git")
        .args(identity)
        .args(arguments)
        .current_dir(repository)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .status();
    status.is_ok_and(|status| status.success())
}

#[test]
fn only_what_is_new_since_a_revision_is_shown() {
    let repository = scratch("repository-changed");
    for host in ["mx1", "mx2", "mx3"] {
        write(&repository.join(host).join("etc/postfix/main.cf"), MAIN_CF);
    }
    write(
        &repository.join("mx1/etc/dovecot/dovecot.conf"),
        "protocols = imap\nssl = required\nssl_cert = </c\nssl_key = </k\n!include_try conf.d/*.conf\n",
    );
    if !git(&repository, &["init", "-q", "-b", "main"]) {
        return;
    }
    let commit = |message: &str| {
        assert!(
            git(&repository, &["add", "-A"]) && git(&repository, &["commit", "-q", "-m", message])
        );
    };
    commit("three servers");
    let check = |arguments: &[&str]| {
        let arguments = [&[".", "--changed-since", "main"], arguments].concat();
        json(&repository, &arguments)
    };
    let rules = |document: &Value| -> Vec<String> {
        let findings = document["findings"].as_array().expect("a list");
        let shown = findings
            .iter()
            .map(|one| format!("{} {}", one["root"], one["rule"]).replace('"', ""));
        shown.collect()
    };
    let output = plainsight(&repository, &["check", ".", "--changed-since", "main"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stdout, b"no server here has changed\n");

    // A file that git does not track yet weakens Dovecot, and a line above moves what is known.
    write(
        &repository.join("mx1/etc/dovecot/conf.d/10-ssl.conf"),
        "ssl = yes\ndisable_plaintext_auth = no\n",
    );
    write(
        &repository.join("mx2/etc/postfix/main.cf"),
        &format!("# moved\n{MAIN_CF}"),
    );
    write(&repository.join("README"), "no server's\n");
    let document = check(&[]);
    assert_eq!(roots(&document), ["./mx1", "./mx1", "./mx1", "./mx2"]);
    assert_eq!(rules(&document), ["./mx1 dovecot-cleartext-login"]);

    // What another branch did in the meantime is not this one's.
    assert!(git(&repository, &["checkout", "-q", "-b", "topic"]));
    commit("weaken");
    assert!(git(&repository, &["checkout", "-q", "main"]));
    write(&repository.join("mx3/etc/postfix/main.cf"), "# elsewhere\n");
    commit("mx3 by somebody else");
    assert!(git(&repository, &["checkout", "-q", "topic"]));
    assert_eq!(rules(&check(&[])), ["./mx1 dovecot-cleartext-login"]);

    // A new server is new with all that is found there.
    write(&repository.join("mx4/etc/postfix/main.cf"), MAIN_CF);
    let found = rules(&check(&["--postfix-version", "3.7.11"]));
    let new = ["./mx4 postfix-cleartext-login", "./mx4 tls-not-logged"];
    assert_eq!(found[1..], new);

    let output = plainsight(
        &repository,
        &["check", ".", "--changed-since", "--output=x"],
    );
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let output = plainsight(&repository, &["check", ".", "--changed-since=--output=x"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("git knows no revision") && !repository.join("x").exists(),
        "{said}"
    );
}

/// A change counts where the file lies that a server reads, and a link leads where it led then.
#[test]
fn a_change_is_seen_through_links_and_in_a_repository_inside() {
    use std::os::unix::fs::symlink;

    let repository = scratch("repository-links");
    let tight = format!("{MAIN_CF}smtpd_tls_auth_only = yes\n");
    write(&repository.join("shared/common.cf"), &tight);
    write(&repository.join("mx1/etc/postfix/notes"), "one\n");
    write(&repository.join("mx2/etc/postfix/main.cf"), &tight);
    let link = repository.join("mx1/etc/postfix/main.cf");
    symlink("../../../shared/common.cf", &link).expect("the build directory is writable");
    symlink("mx1", repository.join("alias")).expect("the build directory is writable");
    if !git(&repository, &["init", "-q", "-b", "main"]) {
        return;
    }
    let commit = || {
        assert!(git(&repository, &["add", "-A"]) && git(&repository, &["commit", "-qm", "x"]));
    };
    commit();
    let found = |path: &str| -> Vec<String> {
        let document = json(&repository, &[path, "--changed-since", "main"]);
        let findings = document["findings"].as_array().expect("a list");
        let shown = findings
            .iter()
            .map(|one| format!("{} {}", one["root"], one["rule"]).replace('"', ""));
        shown
            .filter(|finding| finding.ends_with("postfix-cleartext-login"))
            .collect()
    };
    assert!(found(".").is_empty());

    write(&repository.join("shared/common.cf"), MAIN_CF);
    assert_eq!(found("."), ["./mx1 postfix-cleartext-login"]);
    assert_eq!(found("alias"), ["alias postfix-cleartext-login"]);

    // What was there through the link is known, whatever else changes.
    commit();
    write(&repository.join("mx1/etc/postfix/notes"), "two\n");
    assert!(found(".").is_empty());

    // A link that leads elsewhere is a change of its own.
    commit();
    fs::remove_file(&link).expect("it was made above");
    symlink("../../../mx2/etc/postfix/main.cf", &link).expect("the build directory is writable");
    assert!(found(".").is_empty());
    commit();
    fs::remove_file(&link).expect("it was made above");
    symlink("../../../shared/common.cf", &link).expect("the build directory is writable");
    assert_eq!(found("."), ["./mx1 postfix-cleartext-login"]);

    // A repository inside of this one is judged where it differs in any way.
    commit();
    let inside = repository.join("inside");
    write(&inside.join("mx3/etc/postfix/main.cf"), MAIN_CF);
    assert!(git(&inside, &["init", "-q"]));
    assert_eq!(found("."), ["./inside/mx3 postfix-cleartext-login"]);
    let both = ["check", ".", "inside", "--changed-since", "main"];
    let output = plainsight(&repository, &both);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.starts_with("plainsight: inside: not in the repository "),
        "{said}"
    );
}

/// Roles of configuration management keep the parts that they change in a `conf.d` of any place.
#[test]
fn a_conf_d_away_from_dovecot_is_known_by_the_names_in_it() {
    let root = scratch("repository-conf-d");
    for (directory, file) in [
        ("mail/conf.d", "10-auth.conf"),
        ("web/conf.d", "default.conf"),
    ] {
        write(
            &root.join(directory).join(file),
            "disable_plaintext_auth = no\n",
        );
    }
    let check = |path: &str| plainsight(&root, &["check", path, "--dovecot-version", "2.3.19"]);
    assert_eq!(check("mail").status.code(), Some(1));
    assert_eq!(check("mail/conf.d").status.code(), Some(1));
    assert_eq!(check("web").status.code(), Some(3));
}

/// A Postfix that is there and cannot be read must not pass for one that is not there.
#[test]
fn a_main_cf_that_is_no_file_is_named() {
    let root = scratch("repository-no-file");
    write(&root.join("etc/dovecot/dovecot.conf"), "protocols = imap\n");
    fs::create_dir_all(root.join("etc/postfix")).expect("the build directory is writable");
    let main = root.join("etc/postfix/main.cf");
    std::os::unix::fs::symlink("/nowhere/main.cf", &main).expect("a link can be made");
    let output = plainsight(&root, &["check", "."]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("main.cf: it is a link"), "{said}");
    fs::remove_file(&main).expect("it was made above");
    fs::create_dir(&main).expect("the build directory is writable");
    let output = plainsight(&root, &["check", "."]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("main.cf: it is no regular file"), "{said}");

    // Nor may a master.cf be taken for the stock one.
    fs::remove_dir(&main).expect("it was made above");
    write(&main, MAIN_CF);
    let master = root.join("etc/postfix/master.cf");
    std::os::unix::fs::symlink("/nowhere/master.cf", &master).expect("a link can be made");
    let output = plainsight(&root, &["check", "."]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("master.cf: it is a link"), "{said}");
}
