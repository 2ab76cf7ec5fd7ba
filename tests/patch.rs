//! The patch that `diff` prints is taken by `patch -p1` and `git apply`, and enforces what it says.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn plainsight(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_plainsight"))
        .args(arguments)
        .current_dir(directory)
        .output()
        .expect("the program was built for this test")
}

/// A copy of the demo server of this test's own.
fn demo(name: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&target);
    copy(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/demo/case.in"),
        &target,
    );
    target
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the build directory is writable");
    for entry in fs::read_dir(from).expect("testdata is part of the project") {
        let entry = entry.expect("testdata can be listed");
        if entry.path().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).expect("testdata can be copied");
        }
    }
}

/// Feeds a patch to a tool; none where the tool is not installed.
fn take(tool: &str, arguments: &[&str], directory: &Path, patch: &[u8]) -> Option<bool> {
    let mut child = Command::new(tool)
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .ok()?;
    child
        .stdin
        .take()
        .expect("its input is a pipe")
        .write_all(patch)
        .expect("it reads its input");
    Some(child.wait().expect("it ends by itself").success())
}

#[test]
fn patch_and_git_take_it_and_a_second_run_is_empty() {
    for (name, tool, arguments) in [
        ("patch-patch", "patch", &["-p1", "-s"][..]),
        ("patch-git", "git", &["apply", "-"][..]),
    ] {
        let server = demo(name);
        let diff = plainsight(&server, &["diff", "."]);
        assert_eq!(diff.status.code(), Some(1), "there is something to change");
        let Some(taken) = take(tool, arguments, &server, &diff.stdout) else {
            continue;
        };
        assert!(taken, "{tool} takes the patch");
        let check = plainsight(&server, &["check", "."]);
        assert_eq!(check.status.code(), Some(0), "every endpoint is enforced");
        let again = plainsight(&server, &["diff", "."]);
        assert_eq!((again.status.code(), again.stdout), (Some(0), Vec::new()));
    }
}

#[test]
fn a_server_without_a_certificate_is_not_cut_off() {
    let server = demo("patch-no-certificate");
    let main = server.join("etc/postfix/main.cf");
    let text = fs::read_to_string(&main).expect("the demo is text");
    fs::write(
        &main,
        text.replace("smtpd_tls_cert_file", "#smtpd_tls_cert_file"),
    )
    .expect("the copy is writable");
    let diff = plainsight(&server, &["diff", "."]);
    let (out, err) = (
        String::from_utf8_lossy(&diff.stdout),
        String::from_utf8_lossy(&diff.stderr),
    );
    assert!(!out.contains("main.cf"), "Postfix is left alone:\n{out}");
    assert!(out.contains("ssl = required"), "Dovecot is not:\n{out}");
    assert!(
        err.contains("nobody could log in"),
        "and that is said:\n{err}"
    );
    let diff = plainsight(&server, &["diff", "--unsafe-fixes", "."]);
    let out = String::from_utf8_lossy(&diff.stdout);
    assert!(
        out.contains("+smtpd_tls_auth_only = yes"),
        "unless asked for:\n{out}"
    );
}

#[test]
fn a_comment_in_prose_is_no_setting_to_revive() {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("patch-prose");
    let _ = fs::remove_dir_all(&root);
    for (file, text) in [
        (
            "etc/postfix/main.cf",
            "compatibility_level = 2\nsmtpd_sasl_auth_enable = yes\nsmtpd_tls_security_level = may\n\
             smtpd_tls_cert_file = /etc/ssl/mail.pem\n# smtpd_tls_auth_only = yes would shut the scanner out\n",
        ),
        (
            "etc/dovecot/dovecot.conf",
            "protocols = imap\nssl_cert = </etc/ssl/mail.pem\nssl_key = </etc/ssl/mail.key\n\
             # ssl = required would shut the scanner out\nauth_mechanisms = plain cram-md5\n",
        ),
    ] {
        let file = root.join(file);
        fs::create_dir_all(file.parent().expect("it has a directory")).expect("writable");
        fs::write(file, text).expect("the build directory is writable");
    }
    let output = plainsight(&root, &["diff", "--dovecot-version", "2.3.19", "."]);
    let patch = String::from_utf8_lossy(&output.stdout);
    assert!(patch.contains("\n+smtpd_tls_auth_only = yes\n"), "{patch}");
    assert!(patch.contains("\n+ssl = required\n"), "{patch}");
    let lost = |line: &str| line.starts_with('-') && !line.starts_with("---");
    assert!(!patch.lines().any(lost), "no line goes away: {patch}");
}

/// The patch for a Postfix whose main.cf ends in these lines.
fn patch_of_main_cf(name: &str, lines: &str) -> (String, String) {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&root);
    let directory = root.join("etc/postfix");
    fs::create_dir_all(&directory).expect("the build directory is writable");
    let text = format!(
        "compatibility_level = 2\nsmtpd_sasl_auth_enable = yes\nsmtpd_tls_security_level = may\n\
         smtpd_tls_cert_file = /etc/ssl/mail.pem\n{lines}"
    );
    fs::write(directory.join("main.cf"), text).expect("the build directory is writable");
    let output = plainsight(&root, &["diff", "."]);
    (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn a_copy_that_an_indented_line_would_continue_stays_a_comment() {
    let (patch, err) = patch_of_main_cf(
        "patch-continued",
        "mynetworks = 127.0.0.0/8\n#smtpd_tls_auth_only = no\nmyhostname = mail.example.org\n",
    );
    assert!(
        patch.contains("\n+smtpd_tls_auth_only = yes\n"),
        "{patch}{err}"
    );
    assert!(patch.contains("\n-#smtpd_tls_auth_only = no\n"), "{patch}");
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("patch-continued-head");
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(root.join("etc/postfix")).expect("the build directory is writable");
    fs::write(
        root.join("etc/postfix/main.cf"),
        "#smtpd_tls_auth_only = no\n  stray\ncompatibility_level = 2\nsmtpd_sasl_auth_enable = yes\n\
         smtpd_tls_security_level = may\nsmtpd_tls_cert_file = /etc/ssl/mail.pem\n",
    )
    .expect("the build directory is writable");
    let output = plainsight(&root, &["diff", "."]);
    let patch = String::from_utf8_lossy(&output.stdout);
    assert!(patch.contains("\n+smtpd_tls_auth_only = yes\n"), "{patch}");
    let lost = |line: &str| line.starts_with('-') && !line.starts_with("---");
    assert!(!patch.lines().any(lost), "the comment stays: {patch}");
}

/// An empty value and a misspelt one are fatal to every smtpd (live, 3.7.11), so the service is down until they are mended.
#[test]
fn a_value_that_keeps_smtpd_down_is_mended() {
    for (name, line) in [
        ("empty", "smtpd_tls_auth_only =\n"),
        ("ja", "smtpd_tls_auth_only = ja\n"),
    ] {
        let (patch, err) = patch_of_main_cf(&format!("patch-fatal-{name}"), line);
        assert!(
            patch.contains("\n+smtpd_tls_auth_only = yes\n"),
            "{patch}{err}"
        );
    }
}

/// 2.4 does not start with these (live 2.4.1: "auth_allow_cleartext=yes has no effect with ssl=required"; "Invalid value").
/// What is down for another reason is not touched, since the change would not bring it up.
#[test]
fn a_value_that_keeps_dovecot_down_is_mended() {
    let patch_of = |name: &str, ssl: &str, rest: &str| {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("etc/dovecot")).expect("the build directory is writable");
        let text = format!(
            "dovecot_config_version = 2.4.0\ndovecot_storage_version = 2.4.0\nprotocols = imap\n{ssl}\n\
             ssl_server_cert_file = /etc/ssl/mail.pem\nssl_server_key_file = /etc/ssl/mail.key\n{rest}"
        );
        fs::write(root.join("etc/dovecot/dovecot.conf"), text).expect("it is writable");
        let output = plainsight(&root, &["diff", "--dovecot-version", "2.4.1", "."]);
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let patch = patch_of(
        "patch-fatal-cleartext",
        "ssl = required",
        "auth_allow_cleartext = yes\n",
    );
    assert!(patch.contains("\n+auth_allow_cleartext = no\n"), "{patch}");
    let patch = patch_of("patch-fatal-ssl", "ssl = Yes", "");
    assert!(patch.contains("\n+ssl = required\n"), "{patch}");
    let rest = "protocol lmtp {\n  ssl = Yes\n}\n";
    assert_eq!(patch_of("patch-fatal-other", "ssl = yes", rest), "");
}

/// A name on a disk is bytes; `git apply` and GNU patch take them quoted in octal.
#[test]
fn a_file_whose_name_is_not_utf8_is_patched() {
    use std::os::unix::ffi::OsStrExt;
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("patch-name");
    let _ = fs::remove_dir_all(&root);
    let parts = root.join("etc/dovecot/conf.d");
    fs::create_dir_all(&parts).expect("the build directory is writable");
    fs::write(
        root.join("etc/dovecot/dovecot.conf"),
        "protocols = imap\n!include conf.d/*.conf\n",
    )
    .expect("the build directory is writable");
    let file = parts.join(std::ffi::OsStr::from_bytes(b"z\xe9ro one.conf"));
    fs::write(
        &file,
        "ssl = yes\nssl_cert = </etc/x.pem\nssl_key = </etc/x.key\ndisable_plaintext_auth = no\n",
    )
    .expect("the build directory is writable");
    let diff = plainsight(&root, &["diff", ".", "--dovecot-version", "2.3.19"]);
    assert_eq!(diff.status.code(), Some(1));
    if let Some(taken) = take("patch", &["-p1", "-s"], &root, &diff.stdout) {
        assert!(taken, "{}", String::from_utf8_lossy(&diff.stdout));
        let text = fs::read_to_string(&file).expect("it is still there");
        assert!(text.starts_with("ssl = required\n"), "{text}");
    }
}
