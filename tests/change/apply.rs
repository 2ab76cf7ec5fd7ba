//! `apply` makes the change that `diff` prints, on the disk, and takes it back.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::shared::{place, run, write};

/// A server of this test's own that lets people log in without TLS.
fn server(name: &str) -> PathBuf {
    place(
        name,
        &[
            (
                "etc/postfix/main.cf",
                "compatibility_level = 2\nsmtpd_sasl_auth_enable = yes\nsmtpd_tls_security_level = may\n\
          smtpd_tls_cert_file = /etc/ssl/mail.pem\nsmtpd_tls_auth_only = no\n",
            ),
            (
                "etc/dovecot/dovecot.conf",
                "protocols = imap\n!include conf.d/*.conf\n",
            ),
            (
                "etc/dovecot/conf.d/10-ssl.conf",
                "ssl = yes\nssl_cert = </etc/ssl/mail.pem\nssl_key = </etc/ssl/mail.key\nauth_mechanisms = plain cram-md5\n",
            ),
        ],
    )
}

const MAIN: &str = "etc/postfix/main.cf";
const SSL: &str = "etc/dovecot/conf.d/10-ssl.conf";

fn text(root: &Path, file: &str) -> String {
    fs::read_to_string(root.join(file)).expect("it is there")
}

#[test]
fn without_a_terminal_or_yes_nothing_is_written() {
    let root = server("ask");
    let (code, out, err) = run(&root, &["apply", "."]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(err.contains("--yes"), "{err}");
    let (code, out, _) = run(&root, &["apply", "--dry-run", "."]);
    assert_eq!((code, out), (Some(1), run(&root, &["diff", "."]).1));
    assert!(!root.join(".plainsight").exists());
    assert!(text(&root, MAIN).ends_with("smtpd_tls_auth_only = no\n"));
}

#[test]
fn the_change_is_made_once_and_taken_back() {
    let root = server("there-and-back");
    let before = (text(&root, MAIN), text(&root, SSL));
    let (code, out, err) = run(&root, &["apply", "--yes", "."]);
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    assert!(text(&root, MAIN).ends_with("smtpd_tls_auth_only = yes\n"));
    assert!(text(&root, SSL).starts_with("ssl = required\n"));
    let (code, out, _) = run(&root, &["check", "."]);
    assert_eq!(code, Some(0), "{out}");
    let (code, out, _) = run(&root, &["apply", "--yes", "."]);
    assert_eq!((code, out.as_str()), (Some(0), "nothing to change\n"));
    let (code, out, _) = run(&root, &["apply", "--revert", "--dry-run", "."]);
    assert_eq!(code, Some(1));
    assert!(out.starts_with("--- a/etc/postfix/main.cf\n"), "{out}");
    let (code, _, err) = run(&root, &["apply", "--revert", "--yes", "."]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert_eq!((text(&root, MAIN), text(&root, SSL)), before);
    let (code, _, err) = run(&root, &["apply", "--revert", "--yes", "."]);
    assert_eq!(code, Some(2));
    assert!(err.contains("there is no change to revert"), "{err}");
}

#[test]
fn a_change_on_top_is_not_lost_by_going_back() {
    let root = server("on-top");
    run(&root, &["apply", "--yes", "."]);
    let edited = text(&root, MAIN) + "myhostname = mail.example.org\n";
    write(&root.join(MAIN), &edited);
    let (code, _, err) = run(&root, &["apply", "--revert", "--yes", "."]);
    assert_eq!(code, Some(2));
    assert!(
        err.contains("main.cf: somebody has written to it since change 1"),
        "{err}"
    );
    assert_eq!(text(&root, MAIN), edited);
    assert!(
        text(&root, SSL).starts_with("ssl = required\n"),
        "both or none"
    );
}

#[test]
fn a_link_stays_a_link() {
    let root = server("link");
    fs::create_dir(root.join("etc/postfix/real")).expect("it is writable");
    fs::rename(root.join(MAIN), root.join("etc/postfix/real/main.cf.1")).expect("it is there");
    symlink("real/main.cf.1", root.join(MAIN)).expect("it can be made");
    let (code, out, _) = run(&root, &["apply", "--yes", "."]);
    assert_eq!(code, Some(0));
    assert!(
        out.contains("changed etc/postfix/real/main.cf.1\n"),
        "{out}"
    );
    assert!(
        fs::symlink_metadata(root.join(MAIN))
            .expect("it is there")
            .is_symlink()
    );
    assert!(text(&root, MAIN).ends_with("smtpd_tls_auth_only = yes\n"));
}

#[test]
fn a_link_out_of_the_server_is_not_followed() {
    let root = server("link-out");
    let outside = root.with_extension("shared");
    let _ = fs::remove_file(&outside);
    fs::rename(root.join(SSL), &outside).expect("it is there");
    symlink(&outside, root.join(SSL)).expect("it can be made");
    let before = text(&root, MAIN);
    let (code, _, err) = run(&root, &["apply", "--yes", "."]);
    assert_eq!(code, Some(2));
    assert!(err.contains("it lies outside of"), "{err}");
    assert_eq!(text(&root, MAIN), before, "both or none");
    assert!(
        fs::read_to_string(&outside)
            .expect("it is there")
            .starts_with("ssl = yes\n")
    );
}

#[test]
fn several_servers_are_not_changed_at_once() {
    let root = server("several/one");
    server("several/two");
    let (code, _, err) = run(&root, &["apply", "--yes", ".."]);
    assert_eq!(code, Some(2));
    assert!(err.contains("there are 2"), "{err}");
}

#[test]
fn what_a_killed_run_left_is_told_and_undone_first() {
    let root = server("killed");
    run(&root, &["apply", "--yes", "."]);
    let records = root.join(".plainsight");
    fs::rename(records.join("1"), records.join("1.pending")).expect("it is there");
    let (code, _, err) = run(&root, &["apply", "--dry-run", "."]);
    assert_eq!(code, Some(2));
    assert!(err.contains("interrupted while it made change 1"), "{err}");
    let (code, out, err) = run(&root, &["apply", "--yes", "."]);
    assert_eq!(code, Some(0));
    assert!(
        err.contains("interrupted while it made change 1; putting the old files back"),
        "{err}"
    );
    assert!(out.contains("this is change 1;"), "{out}");
    assert!(text(&root, SSL).starts_with("ssl = required\n"));
}

#[test]
fn the_command_that_goes_back_can_be_copied() {
    let root = server("names/a b's");
    let (_, out, _) = run(&root.join(".."), &["apply", "--yes", "a b's"]);
    assert!(
        out.contains(r"plainsight apply 'a b'\''s' --revert 1"),
        "{out}"
    );
    let root = server("names/-x");
    let (_, out, _) = run(&root.join(".."), &["apply", "--yes", "--", "-x"]);
    assert!(out.contains("plainsight apply ./-x --revert 1"), "{out}");
}
