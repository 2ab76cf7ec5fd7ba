//! Inputs of every kind that a path can name: packed, damaged, endless, linked, and none at all.

#![cfg(unix)]

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

/// An empty directory of this test's own.
fn scratch(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("the build directory is writable");
    path
}

fn write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).expect("the build directory is writable");
}

fn login(day: u32, account: &str) -> String {
    format!(
        "2026-03-{day:02}T08:00:00+01:00 mail dovecot: imap-login: Login: user=<{account}>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid={day}, session=<{day}>\n"
    )
}

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

fn gz(text: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(text).expect("memory");
    packed.finish().expect("memory")
}

fn bz2(text: &[u8]) -> Vec<u8> {
    let mut packed = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
    packed.write_all(text).expect("memory");
    packed.finish().expect("memory")
}

/// A zstd frame of blocks as they are (RFC 8878, section 3.1.1).
fn zst(text: &[u8]) -> Vec<u8> {
    let mut packed = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x50];
    let mut blocks = text.chunks(1000).peekable();
    while let Some(block) = blocks.next() {
        let last = u32::from(blocks.peek().is_none());
        let header = u32::try_from(block.len()).expect("a thousand") << 3 | last;
        packed.extend(&header.to_le_bytes()[..3]);
        packed.extend(block);
    }
    packed
}

/// A zstd frame of so many blocks of 128 KiB of one byte.
fn zst_of(byte: u8, blocks: usize, window: u8) -> Vec<u8> {
    let mut packed = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, window];
    for number in 1..=blocks {
        let header = (128 << 10) << 3 | 1 << 1 | u32::from(number == blocks);
        packed.extend(&header.to_le_bytes()[..3]);
        packed.push(byte);
    }
    packed
}

/// An xz stream of one block, whose LZMA2 chunks hold the text as it is (the .xz File Format, version 1.1.0).
fn xz(text: &[u8]) -> Vec<u8> {
    let crc = |bytes: &[u8]| {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        crc.sum().to_le_bytes()
    };
    let number = |mut value: usize| {
        let mut bytes = Vec::new();
        while value > 0x7f {
            bytes.push(u8::try_from(value & 0x7f).expect("seven bits") | 0x80);
            value >>= 7;
        }
        bytes.push(u8::try_from(value).expect("seven bits"));
        bytes
    };
    let padded = |mut bytes: Vec<u8>| {
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    };
    let flags = [0, 0];
    let header = padded(vec![2, 0, 0x21, 1, 0x10]);
    let mut block = [header.clone(), crc(&header).to_vec()].concat();
    for (place, chunk) in text.chunks(1000).enumerate() {
        block.push(if place == 0 { 1 } else { 2 });
        block.extend(
            u16::try_from(chunk.len() - 1)
                .expect("a thousand")
                .to_be_bytes(),
        );
        block.extend(chunk);
    }
    block.push(0);
    let index = padded([vec![0, 1], number(block.len()), number(text.len())].concat());
    let index = [index.clone(), crc(&index).to_vec()].concat();
    let size = u32::try_from(index.len() / 4 - 1).expect("it is short");
    let footer = [&size.to_le_bytes()[..], &flags].concat();
    [
        &b"\xfd7zXZ\0"[..],
        &flags,
        &crc(&flags),
        &padded(block),
        &index,
        &crc(&footer),
        &footer,
        b"YZ",
    ]
    .concat()
}

#[test]
fn what_is_packed_is_read_as_far_as_it_goes() {
    let folder = scratch("files-packed");
    let text: String = (1..=28).map(|day| login(day, "ann")).collect();
    let more = login(29, "bob");
    type Pack = fn(&[u8]) -> Vec<u8>;
    let packings: [(&str, Pack); 4] = [("gz", gz), ("bz2", bz2), ("zst", zst), ("xz", xz)];
    for (name, pack) in packings {
        let packed = pack(text.as_bytes());
        let scanned = |bytes: &[u8]| {
            // By content, not by name.
            let path = folder.join(format!("{name}.log"));
            write(&path, bytes);
            scan([path])
        };
        let whole = scanned(&packed);
        assert_eq!(whole.logins, counts(&[("ann", 28)]), "{name}");
        assert_eq!(whole.err, "", "{name}");
        let members = scanned(&[&packed[..], &pack(more.as_bytes())].concat());
        assert_eq!(members.logins, counts(&[("ann", 28), ("bob", 1)]), "{name}");
        assert_eq!(members.err, "", "{name}");
        let junk = scanned(&[&packed[..], b"junk behind it"].concat());
        assert_eq!(junk.logins, counts(&[("ann", 28)]), "{name}");
        assert!(junk.err.contains("cannot be unpacked to its end"), "{name}");
        // The second member is cut in its middle.
        let second = pack(text.replace("ann", "bob").as_bytes());
        let cut = scanned(&[&packed[..], &second[..second.len() / 2]].concat());
        assert_eq!(cut.logins[0], ("ann".to_owned(), 28), "{name}");
        assert!(cut.err.contains("cannot be unpacked to its end"), "{name}");
        // What stands in the middle of a line when the file ends was never a login without TLS.
        let cut = scanned(&packed[..packed.len() - packed.len() / 3]);
        assert!(cut.logins.iter().all(|(account, _)| account == "ann"));
        assert!(cut.err.contains("cannot be unpacked to its end"), "{name}");
    }
}

#[test]
fn a_line_that_the_end_of_a_damaged_file_cuts_is_none() {
    let folder = scratch("files-cut-line");
    let secured = login(1, "ann").replace(", session", ", TLS, session");
    let cut = login(2, "bob").replace(", session=<2>\n", "");
    let packed = zst(format!("{secured}{cut}").as_bytes());
    write(&folder.join("mail.log"), &[&packed[..], b"junk"].concat());
    let said = scan([folder.join("mail.log")]);
    assert_eq!(said.logins, counts(&[("ann", 1)]));
    assert_eq!(said.code, Some(0));
}

#[test]
fn a_line_counts_once_however_many_files_and_names_it_has() {
    let folder = scratch("files-names");
    let line = login(1, "ann");
    let [log, copy, hard, soft, packed] =
        ["a.log", "b.log", "hard.log", "soft.log", "c.gz"].map(|name| folder.join(name));
    write(&log, line.as_bytes());
    write(&copy, line.as_bytes());
    write(&packed, &gz(line.as_bytes()));
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
    let folder = scratch("files-repeated");
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
    let folder = scratch("files-kinds");
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
    let folder = scratch("files-journal");
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
#[cfg(target_os = "linux")]
const BOUND: u64 = 40 << 10;

#[test]
#[cfg(target_os = "linux")]
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
#[cfg(target_os = "linux")]
fn what_unpacks_to_very_much_takes_no_memory() {
    let folder = scratch("files-bombs");
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
#[cfg(target_os = "linux")]
fn what_unpacks_without_end_can_be_stopped() {
    let folder = scratch("files-endless");
    let path = folder.join("mail.log.zst");
    // 64 GiB, in the hole before the first line and in a line of its own.
    let begin = zst(login(1, "ann").as_bytes());
    for front in [&b""[..], &begin] {
        write(&path, &[front, &zst_of(0, 1 << 19, 7 << 3)].concat());
        let child = program().arg(&path).spawn().expect("it was built");
        let status = format!("/proc/{}/status", child.id());
        // It is ready when it catches the signal, number 2.
        let catches = |status: &str| {
            let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
            mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
                .is_some_and(|mask| mask & 2 != 0)
        };
        while !catches(&fs::read_to_string(&status).expect("it runs")) {
            thread::yield_now();
        }
        thread::sleep(Duration::from_millis(100));
        let killed = Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status();
        assert!(killed.is_ok_and(|status| status.success()));
        let said = said(child);
        assert_eq!(said.code, Some(3), "{}", said.err);
        assert!(said.err.contains("stopped before the end"), "{}", said.err);
    }
}
