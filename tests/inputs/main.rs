//! What a scan is given: files and pipes of every kind, packed ones, endless ones, and lines that are not as they should be.

#![cfg(unix)]

#[path = "../shared/mod.rs"]
mod shared;

#[cfg(target_os = "linux")]
mod endless;
mod files;
mod lines;
mod packed;

use std::ffi::OsStr;
use std::process::{Child, Command, Stdio};

fn login(day: u32, account: &str) -> String {
    format!(
        "2026-03-{day:02}T08:00:00+01:00 mail dovecot: imap-login: Login: user=<{account}>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid={day}, session=<{day}>\n"
    )
}

/// A scan to be started; what it says is read by [`said`].
fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plainsight"));
    command
        .args(["scan", "--format", "json"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// What a scan said.
struct Said {
    code: Option<i32>,
    /// Accounts and their numbers of logins.
    logins: Vec<(String, u64)>,
    err: String,
}

fn said(child: Child) -> Said {
    let output = child.wait_with_output().expect("it ends");
    let out = String::from_utf8_lossy(&output.stdout);
    let document: serde_json::Value = serde_json::from_str(&out).unwrap_or_default();
    let rows = document["evidence"].as_array().cloned().unwrap_or_default();
    let logins = rows.iter().map(|row| {
        let account = row["account"].as_str().expect("an account").to_owned();
        (account, row["logins"].as_u64().expect("a number"))
    });
    Said {
        code: output.status.code(),
        logins: logins.collect(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn scan<S: AsRef<OsStr>>(paths: impl IntoIterator<Item = S>) -> Said {
    said(program().args(paths).spawn().expect("it was built"))
}

fn counts(logins: &[(&str, u64)]) -> Vec<(String, u64)> {
    let owned = |(account, number): &(&str, u64)| ((*account).to_owned(), *number);
    logins.iter().map(owned).collect()
}

/// Presses Ctrl-C, so to say, some time after the scan has begun to catch it.
#[cfg(target_os = "linux")]
fn interrupt(child: &Child, after: std::time::Duration) {
    let status = format!("/proc/{}/status", child.id());
    // It is ready when it catches the signal, number 2.
    let catches = |status: &str| {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
            .is_some_and(|mask| mask & 2 != 0)
    };
    while !catches(&std::fs::read_to_string(&status).expect("it runs")) {
        std::thread::yield_now();
    }
    std::thread::sleep(after);
    let killed = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(killed.is_ok_and(|status| status.success()));
}
