//! Bad input gives a clear message on stderr, the right exit code, nothing half printed, and never a panic.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Exit code, stdout and stderr.
fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_plainsight"))
        .args(arguments)
        .output()
        .expect("the program was built for this test");
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

/// An empty directory of this test's own.
fn scratch(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("the build directory is writable");
    path
}

fn text_of(path: &Path) -> &str {
    path.to_str().expect("the build directory has a plain name")
}

#[test]
fn no_such_path() {
    for command in ["check", "preflight", "diff"] {
        let (code, out, err) = run(&[command, "/nonexistent/server"]);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{command}");
        assert!(err.contains("/nonexistent/server"), "{command}: {err}");
    }
    let (code, out, err) = run(&["scan", "/nonexistent/maillog"]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(err.contains("/nonexistent/maillog"), "{err}");
}

#[test]
fn every_bad_path_is_named_at_once() {
    let (code, _, err) = run(&["check", "/nonexistent/one", "/nonexistent/two"]);
    assert_eq!(code, Some(2));
    assert!(err.contains("one") && err.contains("two"), "{err}");
}

#[test]
fn a_directory_without_any_configuration() {
    let directory = scratch("bad-empty");
    let (code, out, err) = run(&["check", text_of(&directory)]);
    assert_eq!((code, out.as_str()), (Some(3), ""));
    assert!(err.contains("no main.cf and no dovecot.conf"), "{err}");
}

#[test]
fn a_strange_file() {
    let file = scratch("bad-strange").join("notes.txt");
    fs::write(&file, "hello\n").expect("the build directory is writable");
    let (code, out, err) = run(&["check", text_of(&file)]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(err.contains("notes.txt"), "{err}");
}

#[test]
fn binary_files() {
    let root = scratch("bad-binary");
    let noise: Vec<u8> = (0..20_000_u32)
        .map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    for name in [
        "etc/postfix/main.cf",
        "etc/postfix/master.cf",
        "etc/dovecot/dovecot.conf",
    ] {
        let file = root.join(name);
        fs::create_dir_all(file.parent().expect("it has a directory")).expect("writable");
        fs::write(file, &noise).expect("the build directory is writable");
    }
    let log = root.join("maillog");
    fs::write(&log, &noise).expect("the build directory is writable");
    let (code, out, _) = run(&["check", text_of(&root)]);
    assert!(matches!(code, Some(1 | 3)), "{code:?}\n{out}");
    let controls = |c: char| c.is_control() && c != '\n';
    assert!(
        !out.contains(controls),
        "no control character reaches the terminal"
    );
    let (code, ..) = run(&["diff", text_of(&root)]);
    assert_eq!(code, Some(0), "there is nothing that could be mended");
    let (code, ..) = run(&["scan", text_of(&log)]);
    assert_eq!(code, Some(3));
}

#[test]
fn a_log_without_any_login() {
    let log = scratch("bad-log").join("maillog");
    fs::write(&log, "Oct 30 08:52:45 mail kernel: hello\n").expect("writable");
    let (code, out, _) = run(&["scan", text_of(&log)]);
    assert_eq!(code, Some(3));
    assert!(out.starts_with("no login found in 1 line"), "{out}");
}

#[test]
fn a_project_file_with_mistakes() {
    let root = scratch("bad-project");
    let main = root.join("host/etc/postfix/main.cf");
    fs::create_dir_all(main.parent().expect("it has a directory")).expect("writable");
    fs::write(&main, "smtpd_sasl_auth_enable = yes\n").expect("writable");
    let file = root.join("plainsight.toml");
    fs::write(&file, "[versions]\npostfx = \"3.7.11\"\n").expect("writable");
    let (code, out, err) = run(&["check", text_of(&root.join("host"))]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(
        err.contains("plainsight.toml:2:1: unknown key \"postfx\""),
        "{err}"
    );
    fs::write(&file, "[versions]\npostfix = \"3.7.11\"\n").expect("writable");
    let (code, ..) = run(&["check", text_of(&root.join("host"))]);
    assert_eq!(code, Some(1), "it counts as said");
}

#[test]
fn a_log_that_does_not_tell_proves_nothing() {
    let log = scratch("bad-silent").join("maillog");
    let line = "Oct 29 07:00:07 mail postfix/smtpd[9]: 9AE13C0073: client=scanner.example.org[192.0.2.50], \
                sasl_method=LOGIN, sasl_username=scanner\n";
    fs::write(&log, line).expect("writable");
    let (code, out, _) = run(&["scan", text_of(&log)]);
    assert_eq!(code, Some(3), "{out}");
    assert!(out.contains("the log does not tell"), "{out}");
}

#[test]
fn a_lone_part_of_a_configuration_assumes_the_rest() {
    let root = scratch("bad-partial");
    let part = root.join("dovecot/conf.d/10-ssl.conf");
    fs::create_dir_all(part.parent().expect("it has a directory")).expect("writable");
    fs::write(&part, "ssl = yes\n").expect("writable");
    for path in [root.as_path(), &part] {
        let (code, out, _) = run(&["check", text_of(path)]);
        assert_eq!(code, Some(0), "{out}");
        assert!(
            out.contains("a file that is not here names a certificate"),
            "{out}"
        );
    }
}

#[test]
fn a_master_cf_that_master_refuses() {
    let file = scratch("bad-master").join("master.cf");
    fs::write(&file, "smtp inet n - n - - smtpd -o { x = y\n").expect("writable");
    let (code, out, _) = run(&["check", text_of(&file)]);
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("master does not start"), "{out}");
}

#[test]
fn a_fix_that_would_shut_people_out_is_not_called_safe() {
    let file = scratch("bad-safe").join("main.cf");
    fs::write(&file, "smtpd_sasl_auth_enable = yes\n").expect("writable");
    let (code, out, _) = run(&["check", text_of(&file)]);
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("--unsafe-fixes"), "{out}");
}

#[test]
fn wrong_arguments() {
    for arguments in [
        &["chekc"][..],
        &["check", "--postfix-version", "new"],
        &["check", "--from", "nowhere"],
        &["explain", "no-such-rule"],
    ] {
        let (code, out, err) = run(arguments);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(!err.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_server_under_several_names_is_judged_once() {
    let directory = scratch("bad-names");
    let postfix = directory.join("etc/postfix");
    fs::create_dir_all(&postfix).expect("the scratch directory is writable");
    fs::write(postfix.join("main.cf"), "smtpd_sasl_auth_enable = yes\n").expect("writable");
    let (_, once, _) = run(&["check", text_of(&directory)]);
    let (_, twice, _) = run(&[
        "check",
        text_of(&directory),
        text_of(&postfix),
        text_of(&directory.join("etc/../.")),
    ]);
    assert_eq!(once, twice);
}

#[test]
fn a_value_that_only_the_running_server_knows_is_not_taken_for_enforced() {
    // Live, 2.4.1: with FOO=no in the environment, doveconf and the daemon take `ssl = %{env:FOO}` for `no`.
    let directory = scratch("bad-expansion");
    let dovecot = directory.join("etc/dovecot");
    fs::create_dir_all(&dovecot).expect("the scratch directory is writable");
    let head = "dovecot_config_version = 2.4.1\ndovecot_storage_version = 2.4.1\nprotocols = imap\n\
                ssl_server_cert_file = /a.pem\nssl_server_key_file = /a.key\n";
    for line in ["ssl = %{env:FOO}", "auth_allow_cleartext = %{env:FOO}"] {
        let configuration = format!("{head}{line}\n");
        fs::write(dovecot.join("dovecot.conf"), configuration).expect("writable");
        let (code, out, err) = run(&["check", text_of(&directory)]);
        assert_eq!(code, Some(1), "{line}: {out}{err}");
        assert!(out.contains("what %{env:FOO} expands to"), "{line}: {out}");
    }
}

const DOVECOT: &str =
    "protocols = imap\nssl = yes\nssl_cert = </etc/ssl/mail.pem\nssl_key = </etc/ssl/mail.key\n";

/// A Dovecot whose configuration ends in `text`, and files beside it.
fn dovecot(name: &str, text: &str, files: &[(&str, &str)]) -> PathBuf {
    let root = scratch(name);
    let directory = root.join("etc/dovecot");
    fs::create_dir_all(&directory).expect("the scratch directory is writable");
    fs::write(directory.join("dovecot.conf"), format!("{DOVECOT}{text}")).expect("writable");
    for (file, text) in files {
        fs::write(directory.join(file), text).expect("writable");
    }
    root
}

#[test]
fn includes_without_end_are_answered_with_a_message() {
    let long = format!("# {}\n", "x".repeat(1 << 20));
    let doubled: Vec<(String, String)> = (0..30)
        .map(|number| {
            let next = format!("!include {}.conf\n", number + 1);
            (format!("{number}.conf"), next.repeat(2))
        })
        .collect();
    let doubled: Vec<(&str, &str)> = doubled
        .iter()
        .map(|(file, text)| (file.as_str(), text.as_str()))
        .collect();
    for (name, text, files, words) in [
        (
            "cycle",
            "!include a.conf\n".to_owned(),
            &[
                ("a.conf", "!include b.conf\n"),
                ("b.conf", "!include a.conf\n"),
            ][..],
            "recursive include file: /etc/dovecot/a.conf",
        ),
        (
            "many",
            "!include a.conf\n".repeat(100_000),
            &[("a.conf", "ssl = yes\n")],
            "more than 4096 files",
        ),
        (
            "missing",
            (0..5_000)
                .map(|number| format!("!include {number}.conf\n"))
                .collect(),
            &[],
            "no file matches /etc/dovecot/0.conf",
        ),
        (
            "doubled",
            "!include 0.conf\n".to_owned(),
            &doubled,
            "more than 4096 files",
        ),
        (
            "long",
            "!include a.conf\n".repeat(4000),
            &[("a.conf", long.as_str())],
            "more than 64 MiB are not read",
        ),
    ] {
        let root = dovecot(&format!("bad-includes-{name}"), &text, files);
        let (code, out, err) = run(&["check", text_of(&root)]);
        // Where not everything is read, nothing is judged.
        let given_up = words.starts_with("more than");
        let (wanted, said) = if given_up { (2, &err) } else { (1, &out) };
        assert_eq!(code, Some(wanted), "{name}: {err}");
        assert!(said.contains(words), "{name}: {said:.2000}");
    }
}

#[test]
fn nesting_without_end_is_answered_with_a_message() {
    for (name, text, words) in [
        ("open", "service a {\n".repeat(20_000), "never closed"),
        (
            "closed",
            "protocol imap {\n".repeat(20_000) + &"}\n".repeat(20_000),
            "not allowed",
        ),
    ] {
        let root = dovecot(&format!("bad-nested-{name}"), &text, &[]);
        let (code, out, err) = run(&["check", text_of(&root)]);
        assert_eq!(code, Some(1), "{name}: {err}");
        assert!(out.contains(words), "{name}: {:.2000}", out);
    }
    let root = scratch("bad-heredocs");
    let file = root.join("dovecot.conf");
    let head = "dovecot_config_version = 2.4.5\ndovecot_storage_version = 2.4.5\n";
    for (text, words) in [
        ("ssl = <<EOD\n".repeat(200_000), "Missing EOD"),
        (
            "ssl = <<EOD\nEOD\n".repeat(20_000),
            "not supported for this setting",
        ),
    ] {
        fs::write(&file, format!("{head}protocols = imap\n{text}")).expect("writable");
        let (code, out, err) = run(&["check", text_of(&root)]);
        assert_eq!(code, Some(1), "{err}");
        assert!(out.contains(words), "{out:.2000}");
    }
    let root = scratch("bad-nested-expansion");
    let chain: String = (0..1000)
        .map(|n| format!("a{n} = $a{}$a{}\n", n + 1, n + 1))
        .collect();
    let main = root.join("main.cf");
    fs::write(
        &main,
        format!("smtpd_sasl_auth_enable = yes\nsmtpd_tls_auth_only = $a0\n{chain}"),
    )
    .expect("writable");
    let (code, out, _) = run(&["check", text_of(&main)]);
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("unreasonable macro call nesting"), "{out}");
    let project = root.join("plainsight.toml");
    fs::write(project, format!("roots = {}", "[".repeat(100_000))).expect("writable");
    let (code, out, err) = run(&["check", text_of(&main)]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(err.contains("max recursion depth"), "{err}");
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_not_waited_for() {
    let root = scratch("bad-kinds");
    let made = Command::new("mkfifo").arg(root.join("pipe")).status();
    assert!(made.is_ok_and(|status| status.success()));
    fs::write(root.join("maillog"), "Oct 30 08:52:45 mail kernel: hello\n").expect("writable");
    let large = fs::File::create(root.join("large")).expect("writable");
    large.set_len(1 << 30).expect("a hole takes no room");
    let log = root.join("maillog");
    for (number, (kind, words)) in [
        (root.join("pipe"), "file"),
        (PathBuf::from("/dev/zero"), "file"),
        (root.join("large"), "larger than 64 MiB"),
    ]
    .into_iter()
    .enumerate()
    {
        for place in [
            "etc/postfix/main.cf",
            "etc/postfix/master.cf",
            "etc/dovecot/dovecot.conf",
            "etc/dovecot/a.conf",
            "plainsight.toml",
        ] {
            let server = root.join(format!("{number}-{}", place.replace('/', "-")));
            for (file, text) in [
                ("etc/postfix/main.cf", "smtpd_sasl_auth_enable = yes\n"),
                (
                    "etc/dovecot/dovecot.conf",
                    "protocols = imap\n!include a.conf\n",
                ),
                ("etc/dovecot/a.conf", "ssl = yes\n"),
                (place, ""),
            ] {
                let path = server.join(file);
                fs::create_dir_all(path.parent().expect("it has a directory")).expect("writable");
                if file == place {
                    let _ = fs::remove_file(&path);
                    std::os::unix::fs::symlink(&kind, &path).expect("it can hold links");
                } else {
                    fs::write(path, text).expect("writable");
                }
            }
            let (code, out, err) = run(&["check", text_of(&server)]);
            assert_eq!(
                (code, out.as_str()),
                (Some(2), ""),
                "{kind:?} as {place}: {err}"
            );
            assert!(err.contains(words), "{kind:?} as {place}: {err}");
        }
        if number < 2 {
            let kept = text_of(&kind);
            let (code, _, err) = run(&["scan", "--resume", kept, text_of(&log)]);
            assert_eq!(code, Some(2), "{err}");
            assert!(err.contains("not a file"), "{err}");
        }
    }
}

/// Dovecot 2.3.19.1 and 2.4.1 die of a protocol that they do not know, also where it is the only one.
#[test]
fn a_dovecot_of_unknown_protocols_alone_is_down() {
    let directory = scratch("bad-protocols");
    let file = directory.join("etc/dovecot/dovecot.conf");
    fs::create_dir_all(file.parent().expect("it has a directory")).expect("writable");
    for head in [
        "",
        "dovecot_config_version = 2.4.1\ndovecot_storage_version = 2.4.1\n",
    ] {
        for protocols in ["nope", "IMAP", "!imap"] {
            let text = format!("{head}protocols = {protocols}\nssl = no\n");
            fs::write(&file, text).expect("the build directory is writable");
            let (code, out, err) = run(&["check", text_of(&directory)]);
            assert_eq!(code, Some(1), "{out}{err}");
            assert!(out.contains("2 are down"), "{out}");
            assert!(
                out.contains(&format!("protocols: Unknown protocol: {protocols}")),
                "{out}"
            );
        }
    }
}
