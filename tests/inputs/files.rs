//! Inputs of every kind that a path can name: linked, named twice, no file at all, and the journal.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use super::packed::gz;
use super::shared::{place, write};
use super::{counts, login, program, said, scan};

#[test]
fn a_line_counts_once_however_many_files_and_names_it_has() {
    let folder = place("files-names", &[]);
    let line = login(1, "ann");
    let [log, copy, hard, soft, packed] =
        ["a.log", "b.log", "hard.log", "soft.log", "c.gz"].map(|name| folder.join(name));
    write(&log, line.as_bytes());
    write(&copy, line.as_bytes());
    write(&packed, gz(line.as_bytes()));
    fs::hard_link(&log, &hard).expect("the build directory can hold links");
    symlink("a.log", &soft).expect("the build directory can hold links");
    let around = folder.join("../files-names/a.log");
    for other in [&log, &copy, &hard, &soft, &packed, &around] {
        assert_eq!(
            scan([&log, other]).logins,
            counts(&[("ann", 1)]),
            "{other:?}"
        );
    }
    // What logrotate leaves while it works: two parts of one log that are the same.
    let part = folder.join("mail.log.1");
    write(&part, line.as_bytes());
    write(&folder.join("mail.log.1.gz"), &gz(line.as_bytes())[..20]);
    let said = scan([folder.join("mail.log*")]);
    assert_eq!(said.logins, counts(&[("ann", 1)]));
    assert!(said.err.contains("mail.log.1.gz: left out"), "{}", said.err);
    let long: String = (1..=30)
        .flat_map(|day| [login(day, "ann"), login(day, "cat")])
        .collect();
    write(&folder.join("maillog-20260331"), long.as_bytes());
    write(
        &folder.join("maillog"),
        format!("{long}{}", login(31, "bob")).as_bytes(),
    );
    // It begins alike and goes on otherwise.
    let other = long.replace("2026-03-30", "2026-03-29");
    write(&folder.join("maillog-20260330"), other.as_bytes());
    let both = scan([folder.join("maillog-202603*")]);
    assert_eq!(both.err, "");
    fs::remove_file(folder.join("maillog-20260330")).expect("it is there");
    let said = scan([folder.join("maillog*")]);
    assert_eq!(said.logins, counts(&[("ann", 30), ("bob", 1), ("cat", 30)]));
    assert!(
        said.err.contains("maillog-20260331: left out"),
        "{}",
        said.err
    );
}

#[test]
fn repetitions_count_as_often_as_they_say() {
    let folder = place("files-repeated", &[]);
    let line = login(1, "ann");
    let (stamp, message) = line.trim_end().split_once("imap-login").expect("a login");
    let inside = format!("{stamp}message repeated 3 times: [ imap-login{message}]\n");
    let after = format!("{line}2026-03-01T08:00:09+01:00 mail last message repeated 2 times\n");
    for (text, times) in [(&inside, 3), (&after, 3)] {
        write(&folder.join("mail.log"), text.as_bytes());
        let said = scan([folder.join("mail.log")]);
        assert_eq!(said.logins, counts(&[("ann", times)]), "{text}");
    }
}

#[test]
fn what_is_no_file_is_read_or_said_to_be_none() {
    let folder = place("files-kinds", &[]);
    write(&folder.join("empty.log"), b"");
    symlink("nowhere", folder.join("dangling.log")).expect("the build directory can hold links");
    fs::create_dir(folder.join("directory")).expect("the build directory is writable");
    // The name of a socket must be short.
    let socket = std::env::temp_dir().join(format!("plainsight-{}", std::process::id()));
    let _listener = UnixListener::bind(&socket).expect("there is room for temporary files");
    let cases = [
        (Path::new("/dev/zero"), 2, "is not a text file"),
        (Path::new("/dev/urandom"), 2, "is not a text file"),
        (Path::new("/dev/null"), 3, ""),
        (&folder.join("empty.log"), 3, ""),
        (
            &folder.join("dangling.log"),
            2,
            "is a link to nowhere, which is not there",
        ),
        (&folder.join("absent.log"), 2, "No such file"),
        (
            &folder.join("absent*.log"),
            2,
            "no file matches it as a pattern",
        ),
        (&folder.join("directory"), 3, "no log in this directory"),
        (&socket, 2, "is a socket"),
    ];
    for (path, code, words) in cases {
        let said = scan([path]);
        assert_eq!(said.code, Some(code), "{path:?}: {}", said.err);
        assert!(said.err.contains(words), "{path:?}: {}", said.err);
    }
    fs::remove_file(&socket).expect("it is there");
    // A directory with what else may lie in it.
    let directory = folder.join("directory");
    write(&directory.join("mail.log"), login(1, "ann").as_bytes());
    fs::create_dir(directory.join("mail.log.d")).expect("the build directory is writable");
    symlink("nowhere", directory.join("mail.log.1")).expect("it can hold links");
    assert_eq!(scan([&directory]).logins, counts(&[("ann", 1)]));
    // Root may read it all the same.
    let closed = folder.join("closed.log");
    write(&closed, login(1, "ann").as_bytes());
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).expect("it is ours");
    if fs::File::open(&closed).is_err() {
        let said = scan([&closed]);
        assert_eq!(said.code, Some(2));
        assert!(
            said.err.contains("closed.log: Permission denied"),
            "{}",
            said.err
        );
    }
}

#[test]
fn a_journal_that_cannot_be_asked_is_an_error() {
    let folder = place("files-journal", &[]);
    let ask = |script: Option<&str>| {
        if let Some(script) = script {
            let path = folder.join("journalctl");
            write(&path, format!("#!/bin/sh\n{script}\n").as_bytes());
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
        }
        let child = program().arg("--journal").env("PATH", &folder).spawn();
        said(child.expect("it was built"))
    };
    let absent = ask(None);
    assert_eq!(absent.code, Some(2));
    assert!(
        absent.err.contains("journalctl cannot be started"),
        "{}",
        absent.err
    );
    let failed = ask(Some("echo no permission >&2; exit 1"));
    assert_eq!(failed.code, Some(2));
    assert!(failed.err.contains("no permission"), "{}", failed.err);
    assert!(failed.err.contains("journalctl failed"), "{}", failed.err);
    let entry = r#"{"__CURSOR":"c","__REALTIME_TIMESTAMP":"1772348400000000","_HOSTNAME":"mail","SYSLOG_IDENTIFIER":"dovecot","MESSAGE":"imap-login: Login: user=<ann>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid=1, session=<1>"}"#;
    let given = ask(Some(&format!("echo '{entry}'")));
    assert_eq!(given.logins, counts(&[("ann", 1)]), "{}", given.err);
    // What it gave before it failed is not all that there is.
    let half = ask(Some(&format!("echo '{entry}'; exit 1")));
    assert_eq!(half.code, Some(2), "{}", half.err);
}
