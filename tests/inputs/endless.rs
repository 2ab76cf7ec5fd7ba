//! What has no end: a line, a file, a pipe that nobody closes. None takes memory, which is read from /proc, and each can be
//! stopped.

use std::fs;
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use super::packed::{gz, zst, zst_of};
use super::shared::{place, write};
use super::{Said, counts, interrupt, login, program, said};

/// The most memory that a process held, in KiB, as long as it runs.
fn peak(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// Runs it to its end; the most memory that it was seen to hold, in KiB.
fn watched(mut child: Child) -> (u64, Said) {
    let mut most = 0;
    while child.try_wait().expect("it runs").is_none() {
        most = most.max(peak(&child).unwrap_or(0));
        thread::sleep(Duration::from_millis(2));
    }
    (most, said(child))
}

/// Less than any of what follows would take, were it held in memory.
const BOUND: u64 = 40 << 10;

#[test]
fn a_line_without_end_takes_no_memory() {
    let mut child = program()
        .arg("-")
        .stdin(Stdio::piped())
        .spawn()
        .expect("it was built");
    let mut pipe = child.stdin.take().expect("it is piped");
    for _ in 0..64 {
        pipe.write_all(&[b'x'; 1 << 20]).expect("it reads");
    }
    pipe.write_all(format!("\n{}", login(1, "ann")).as_bytes())
        .expect("it reads");
    let most = peak(&child).expect("it runs");
    drop(pipe);
    assert_eq!(said(child).logins, counts(&[("ann", 1)]));
    assert!(most < BOUND, "{most} KiB");
}

#[test]
fn what_unpacks_to_very_much_takes_no_memory() {
    let folder = place("files-bombs", &[]);
    let end = format!("\n{}", login(1, "ann"));
    let noise = gz(&[b'x'; 1 << 20]).repeat(48);
    // A window of 128 KiB; and one of 3.75 TiB, which nobody has room for.
    let (small, huge) = (7 << 3, 0xff);
    for (name, packed, logins) in [
        ("noise.gz", [noise, gz(end.as_bytes())].concat(), 1),
        (
            "zeros.zst",
            [zst_of(0, 384, small), zst(end.as_bytes())].concat(),
            1,
        ),
        (
            "noise.zst",
            [zst_of(b'x', 384, small), zst(end.as_bytes())].concat(),
            1,
        ),
        (
            "window.zst",
            [zst_of(b'x', 512, huge), zst(end.as_bytes())].concat(),
            0,
        ),
    ] {
        write(&folder.join(name), &packed);
        let child = program()
            .arg(folder.join(name))
            .spawn()
            .expect("it was built");
        let (most, said) = watched(child);
        assert!(most < BOUND, "{name}: {most} KiB");
        assert_eq!(
            said.logins,
            counts(&[("ann", 1)][..logins]),
            "{name}: {}",
            said.err
        );
    }
}

#[test]
fn what_unpacks_without_end_can_be_stopped() {
    let folder = place("files-endless", &[]);
    let path = folder.join("mail.log.zst");
    // 64 GiB, in the hole before the first line and in a line of its own.
    let begin = zst(login(1, "ann").as_bytes());
    for front in [&b""[..], &begin] {
        write(&path, [front, &zst_of(0, 1 << 19, 7 << 3)].concat());
        let child = program().arg(&path).spawn().expect("it was built");
        interrupt(&child, Duration::from_millis(100));
        let said = said(child);
        assert_eq!(said.code, Some(3), "{}", said.err);
        assert!(said.err.contains("stopped before the end"), "{}", said.err);
    }
}

#[test]
fn an_interrupted_scan_tells_what_was_read_so_far() {
    for (account_line, code) in [(login(1, "ann"), 1), (String::new(), 3)] {
        let secured = "Mar  1 08:00:00 mail dovecot: imap-login: Login: user=<x>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, TLS\n";
        let mut child = Command::new(env!("CARGO_BIN_EXE_plainsight"))
            .args(["scan", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program was built for this test");
        let mut pipe = child.stdin.take().expect("it is piped");
        let text = format!("{secured}{account_line}");
        pipe.write_all(text.as_bytes()).expect("it reads");
        // The pipe stays open, and the program waits for more once it has read what stands in it.
        while rustix::io::ioctl_fionread(&pipe).expect("it is a pipe") > 0 {
            thread::yield_now();
        }
        interrupt(&child, Duration::from_millis(300));
        let output = child.wait_with_output().expect("it ends");
        drop(pipe);
        assert_eq!(output.status.code(), Some(code));
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(err.contains("stopped before the end"), "{err}");
        let out = String::from_utf8_lossy(&output.stdout);
        assert!(out.contains("imap"), "{out}");
    }
}
