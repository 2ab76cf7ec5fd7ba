//! Logs that are not as they should be, and what the user may say about them.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use super::login;
use super::shared::{Said, place, run, write};

/// Exit code, stdout and stderr of `scan`.
fn scan(arguments: &[&str], stdin: &[u8]) -> Said {
    let mut child = Command::new(env!("CARGO_BIN_EXE_plainsight"))
        .arg("scan")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program was built for this test");
    let mut pipe = child.stdin.take().expect("it is piped");
    // Where the program does not read its input, it need not.
    let _ = pipe.write_all(stdin);
    drop(pipe);
    let output = child.wait_with_output().expect("it ends");
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

/// The logins of each account, by the JSON of a scan.
fn logins(arguments: &[&str], stdin: &[u8]) -> Vec<(String, u64)> {
    let (_, out, err) = scan(&[arguments, &["--format", "json"]].concat(), stdin);
    let document: serde_json::Value =
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"));
    let rows = document["evidence"].as_array().expect("rows");
    rows.iter()
        .map(|row| {
            let account = row["account"].as_str().expect("an account").to_owned();
            (account, row["logins"].as_u64().expect("a number"))
        })
        .collect()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the build directory has a plain name")
}

fn one(account: &str) -> Vec<(String, u64)> {
    vec![(account.to_owned(), 1)]
}

#[test]
fn what_stands_before_the_first_line_does_not_hide_it() {
    let folder = place("input-front", &[]);
    let line = login(1, "ann");
    for (name, front) in [
        ("mark.log", b"\xef\xbb\xbf".to_vec()),
        ("hole.log", vec![0; 100]),
        ("long-hole.log", vec![0; 3_000_000]),
    ] {
        let bytes = [&front[..], line.as_bytes()].concat();
        let path = folder.join(name);
        write(&path, &bytes);
        assert_eq!(logins(&[text(&path)], b""), one("ann"), "{name}");
        assert_eq!(logins(&["-"], &bytes), one("ann"), "{name}");
        let (_, out, _) = scan(&[text(&path)], b"");
        assert!(out.contains("2026-03-01 to 2026-03-01"), "{name}: {out}");
        // In the middle of a log too.
        let twice = [line.as_bytes(), &front, login(2, "bob").as_bytes()].concat();
        write(&path, &twice);
        assert_eq!(logins(&[text(&path)], b"").len(), 2, "{name}");
    }
}

#[test]
fn what_is_no_log_is_said_to_be_none() {
    let folder = place("input-none", &[]);
    let utf16: Vec<u8> = "\u{feff}Mar 1"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let path = folder.join("utf16.log");
    write(&path, &utf16);
    let (code, out, err) = scan(&[text(&path)], b"");
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(err.contains("UTF-16"), "{err}");
    let (code, _, err) = scan(&["-"], &vec![0; 20 << 20]);
    assert_eq!(code, Some(2));
    assert!(err.contains("-: is not a text file"), "{err}");
}

#[test]
fn a_missing_file_is_missing_whatever_its_name() {
    for name in ["no[thing", "no[1]thing", "nothing*", "nothing"] {
        let (code, out, err) = run(Path::new("."), &["scan", name]);
        assert_eq!((code, out.as_str()), (Some(2), ""));
        assert!(err.contains(&format!("{name}: No such file")), "{err}");
    }
    let folder = place("input-brackets", &[]);
    for name in ["mail[1.log", "mail[12].log", "mail*.log"] {
        let path = folder.join(name);
        write(&path, login(1, "ann").as_bytes());
        assert_eq!(logins(&[text(&path)], b""), one("ann"));
    }
    assert_eq!(logins(&[text(&folder.join("mail[[]*"))], b""), one("ann"));
}

#[test]
fn a_period_is_kept_to() {
    let log: String = (1..=20)
        .map(|day| login(day, &format!("u{day:02}")))
        .collect();
    let folder = place("input-period", &[]);
    let path = folder.join("mail.log");
    write(&path, log.as_bytes());
    let mut packed = flate2::write::GzEncoder::new(
        fs::File::create(folder.join("packed.gz")).expect("writable"),
        flate2::Compression::fast(),
    );
    packed.write_all(log.as_bytes()).expect("writable");
    packed.finish().expect("writable");
    for (arguments, first, last) in [
        (vec!["--since", "2026-03-05"], 5, 20),
        (vec!["--until", "2026-03-05"], 1, 5),
        (vec!["--since", "2026-03-05T08:00:01"], 6, 20),
        (vec!["--since", "2026-03-05T07:00:01Z"], 6, 20),
        (vec!["--since", "3d"], 17, 20),
        (vec!["--since", "2w", "--until", "24h"], 6, 18),
    ] {
        let wanted: Vec<_> = (first..=last)
            .map(|day| (format!("u{day:02}"), 1))
            .collect();
        for name in ["mail.log", "packed.gz"] {
            let path = folder.join(name);
            let found = logins(&[&[text(&path)], &arguments[..]].concat(), b"");
            assert_eq!(found, wanted, "{arguments:?}");
        }
    }
    let (code, _, err) = scan(&["-", "--since", "3d"], log.as_bytes());
    assert_eq!(code, Some(2));
    assert!(err.contains("give a date"), "{err}");
}

#[test]
fn a_zone_and_a_year_can_be_said() {
    let line = "Jul  1 08:00:00 mail dovecot: imap-login: Login: user=<ann>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid=1\n";
    let first = |arguments: &[&str]| {
        let (_, out, err) = scan(
            &[&["-", "--format", "json"], arguments].concat(),
            line.as_bytes(),
        );
        let document: serde_json::Value = serde_json::from_str(&out).expect("JSON");
        (document["window"]["first"].as_str().map(str::to_owned), err)
    };
    let (time, err) = first(&[]);
    assert_eq!(time, None);
    assert!(err.contains("--year"), "{err}");
    for (zone, time) in [
        ("Europe/Berlin", "2026-07-01T08:00:00+02:00"),
        ("UTC", "2026-07-01T08:00:00Z"),
        ("Z", "2026-07-01T08:00:00Z"),
        ("-03:30", "2026-07-01T08:00:00-03:30"),
    ] {
        let (found, err) = first(&["--year", "2026", "--timezone", zone]);
        assert_eq!((found.as_deref(), err.as_str()), (Some(time), ""));
    }
}

#[test]
fn a_pipe_with_a_name_is_read() {
    let pipe = place("input-pipe", &[]).join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.is_ok_and(|status| status.success()));
    let writer = {
        let pipe = pipe.clone();
        thread::spawn(move || fs::write(pipe, login(1, "ann")))
    };
    assert_eq!(logins(&[text(&pipe)], b""), one("ann"));
    writer.join().expect("no panic").expect("it was read");
}

#[test]
fn the_logs_are_those_that_the_configuration_names() {
    let root = place("input-named", &[]);
    let put = |name: &str, text: &str| write(&root.join(name), text);
    put(
        "etc/postfix/main.cf",
        "maillog_file = /var/log/postfix.log\ncompatibility_level = 3.6\n",
    );
    put(
        "etc/dovecot/dovecot.conf",
        "log_path = /var/log/dovecot/dovecot.log\n",
    );
    let names = || -> Vec<String> {
        let logins = logins(&["--root", text(&root)], b"");
        logins.into_iter().map(|(account, _)| account).collect()
    };
    let (code, out, err) = scan(&["--root", text(&root)], b"");
    assert_eq!((code, out.as_str()), (Some(3), ""));
    assert!(
        err.contains("no /var/log/dovecot/dovecot.log (log_path)"),
        "{err}"
    );
    put("var/log/mail.log", &login(1, "by-syslog"));
    assert_eq!(names(), ["by-syslog"]);
    put("var/log/dovecot/dovecot.log", &login(2, "now"));
    put("var/log/dovecot/dovecot.log.1", &login(1, "before"));
    put("var/log/dovecot/other.log", &login(1, "other"));
    assert_eq!(
        names(),
        ["before", "by-syslog", "now"],
        "Postfix has no file of its own yet"
    );
    put("var/log/postfix.log.20260301-000000", "");
    assert_eq!(names(), ["before", "now"]);
}

#[test]
fn the_forms_of_journalctl_that_cannot_be_read_are_named() {
    let entry = r#"{"_HOSTNAME":"mail","SYSLOG_IDENTIFIER":"dovecot","MESSAGE":"imap-login: Login: user=<ann>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid=1, session=<1>"}"#;
    // `-o json-seq`
    let seq = format!("\u{1e}{entry}\n");
    assert_eq!(logins(&["-"], seq.as_bytes()), one("ann"));
    let pretty = entry
        .replace('{', "{\n\t")
        .replace(",\"", ",\n\t\"")
        .replace('}', "\n}\n");
    let verbose = "Sun 2026-03-01 07:00:00.000000 UTC [s=a1;i=1;b=6f;m=f4240;t=5e;x=c3]\n    SYSLOG_IDENTIFIER=dovecot\n";
    for text in [pretty.as_str(), verbose] {
        let (code, _, err) = scan(&["-"], text.as_bytes());
        assert_eq!(code, Some(2), "{err}");
        assert!(err.contains("give that of journalctl -o json"), "{err}");
    }
}

#[test]
fn years_are_told_over_new_year() {
    let folder = place("input-years", &[]);
    let line =
        |day: &str, account: &str| login(1, account).replace("2026-03-01T08:00:00+01:00", day);
    let lines = line("Dec 30 10:00:00", "ann") + &line("Jan  2 10:00:00", "bob");
    let path = folder.join("mail.log");
    write(&path, lines.as_bytes());
    // A copy that was made long after.
    let week = folder.join("copy.log");
    let copied = line("Nov 20 10:00:00", "ann") + &line("Nov 30 10:00:00", "bob");
    write(&week, copied.as_bytes());
    let time = UNIX_EPOCH + Duration::from_secs(1_795_500_000);
    let file = fs::File::options().append(true).open(&week);
    file.and_then(|file| file.set_modified(time))
        .expect("it is ours");
    let firsts = |arguments: &[&str], stdin: &[u8]| -> Vec<String> {
        let (_, out, err) = scan(&[arguments, &["--format", "json"]].concat(), stdin);
        let document: serde_json::Value = serde_json::from_str(&out).expect(&err);
        let rows = document["evidence"].as_array().expect("rows").iter();
        rows.map(|row| row["first"].as_str().unwrap_or("-").to_owned())
            .collect()
    };
    let new_year = ["2025-12-30T10:00:00", "2026-01-02T10:00:00"];
    assert_eq!(firsts(&[text(&path), "--year", "2026"], b""), new_year);
    assert_eq!(firsts(&["-", "--year", "2026"], lines.as_bytes()), new_year);
    assert_eq!(firsts(&["-"], lines.as_bytes()), ["-", "-"]);
    assert_eq!(
        firsts(&[text(&week)], b""),
        ["2025-11-20T10:00:00", "2025-11-30T10:00:00"]
    );
}

#[test]
fn a_line_written_twice_counts_once_if_it_is_the_same() {
    let line = login(1, "ann");
    let line = line.trim_end();
    let filled = |length: usize| {
        let (front, back) = line.split_at(line.find("session=<").expect("it has one") + 9);
        format!("{front}{}{back}", "x".repeat(length - line.len()))
    };
    for (text, times) in [
        (format!("{line}\n{line}\n"), 1),
        (format!("{line}\r\n{line}\n"), 1),
        (format!("{line}\n{line}\r\n"), 1),
        // One has a return of its own.
        (format!("{line}\r\r\n{line}\r\n"), 2),
        // Lines of 4096 bytes and more are never taken for a repetition, with their return.
        (format!("{0}\n{0}\n", filled(4095)), 1),
        (format!("{0}\n{0}\r\n", filled(4095)), 2),
        (format!("{0}\n{0}\n", filled(4096)), 2),
    ] {
        assert_eq!(
            logins(&["-"], text.as_bytes()),
            [("ann".to_owned(), times)],
            "{}",
            text.len()
        );
    }
}

#[test]
fn an_entry_without_the_words_of_a_login_server_is_none() {
    let list = "user=<ann>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid=7, TLS";
    for (program, message, times) in [
        ("dovecot", format!("imap-login: Login: {list}"), 1),
        // Of these not all lines would be found, so none is.
        ("imap-login", format!("Login: {list}"), 0),
        ("dovecot", format!("imap-logi\\u006e: Login: {list}"), 0),
    ] {
        let entry = format!(
            "{{\"__REALTIME_TIMESTAMP\":\"1795490807158776\",\"_HOSTNAME\":\"mx\",\"SYSLOG_IDENTIFIER\":\"{program}\",\"MESSAGE\":\"{message}\"}}\n"
        );
        let expected = vec![("ann".to_owned(), 1); times];
        assert_eq!(logins(&["-"], entry.as_bytes()), expected, "{message}");
    }
}
