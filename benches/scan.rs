//! How fast a scan is, beside ripgrep and mawk on the same file.
//!
//! `cargo bench --bench scan -- [MIB]` makes its logs below target/, checks every answer, and prints how fast they were read.
//! `… -- parse FILE` only parses every entry of a journal, as a program would that does not look first which ones matter.
//! `… -- make MIB bsd|rfc3339|journal FILE [OTHERS]` makes a log with so many lines of other programs for each session, and
//! `… -- one THREADS FILE…` scans once, for profilers: benches/instructions counts its instructions with valgrind.

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

mod maker;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use maker::{Answers, Form, Plan};
use plainsight::evidence::Evidence;
use plainsight::log::{self, Named, Options};

/// What a run took, in seconds, and the most memory in KiB where it is known.
struct Run {
    wall: f64,
    cpu: f64,
    peak: u64,
}

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    match arguments.first().map(String::as_str) {
        Some("one") => {
            let threads = arguments.get(1).and_then(|n| n.parse().ok()).unwrap_or(1);
            let files: Vec<PathBuf> = arguments.iter().skip(2).map(PathBuf::from).collect();
            let evidence = scan(&files, threads);
            println!("{} {}", evidence.rows.len(), peak());
            // As the command does.
            std::mem::forget(evidence);
            Ok(())
        }
        Some("parse") => {
            let path = arguments.get(1).map_or("bench.json", String::as_str);
            println!("{} {}", parse(Path::new(path))?, peak());
            Ok(())
        }
        Some("make") => {
            let mib = arguments.get(1).and_then(|n| n.parse().ok()).unwrap_or(16);
            let form = match arguments.get(2).map(String::as_str) {
                Some("rfc3339") => Form::Rfc3339,
                Some("journal") => Form::Journal,
                Some(_) | None => Form::Bsd,
            };
            let path = arguments.get(3).map_or("bench.log", String::as_str);
            let others = arguments.get(4).and_then(|n| n.parse().ok()).unwrap_or(0);
            make(Path::new(path), form, mib, others).map(drop)
        }
        size => {
            let mib = size.and_then(|n| n.parse().ok()).unwrap_or(256);
            let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench");
            fs::create_dir_all(&folder)?;
            for others in OTHERS {
                compare(&folder, mib, others)?;
            }
            packed(&folder, &folder.join("bsd.log"))
        }
    }
}

fn scan(files: &[PathBuf], threads: usize) -> Evidence {
    let options = Options {
        threads,
        year: Some(2026),
        ..Options::default()
    };
    let named: Vec<Named> = files.iter().cloned().map(Named::Path).collect();
    match log::scan(&named, &options) {
        Ok(evidence) => evidence,
        Err(errors) => panic!("{errors:?}"),
    }
}

/// What a mail log needs of an entry of the journal.
#[derive(serde::Deserialize)]
struct Entry<'a> {
    #[serde(rename = "MESSAGE", borrow)]
    message: Cow<'a, str>,
    #[serde(rename = "SYSLOG_IDENTIFIER", borrow)]
    program: Cow<'a, str>,
    #[serde(rename = "_HOSTNAME", borrow)]
    host: Cow<'a, str>,
    #[serde(rename = "_PID", borrow)]
    pid: Option<Cow<'a, str>>,
    #[serde(rename = "__REALTIME_TIMESTAMP", borrow)]
    time: Cow<'a, str>,
}

/// Parses every entry, and counts those of login servers.
fn parse(path: &Path) -> io::Result<usize> {
    let mut file = BufReader::with_capacity(256 << 10, File::open(path)?);
    let (mut line, mut found) = (Vec::new(), 0);
    while file.read_until(b'\n', &mut line)? > 0 {
        let entry: Entry<'_> = serde_json::from_slice(&line).map_err(io::Error::other)?;
        let login = entry.program.ends_with("/smtpd") || entry.message.contains("-login: ");
        let whole = !entry.host.is_empty() && !entry.time.is_empty() && entry.pid.is_some();
        found += usize::from(login && whole);
        line.clear();
    }
    Ok(found)
}

/// How many lines other programs write for each session: much where mail is filtered, little, and nothing.
const OTHERS: [u64; 3] = [13, 6, 0];

fn make(path: &Path, form: Form, mib: u64, others: u64) -> io::Result<Answers> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let plan = Plan {
        seed: 7,
        bytes: mib << 20,
        accounts: 20_000,
        others,
        form,
    };
    let answers = maker::make(plan, &mut out)?;
    out.flush()?;
    Ok(answers)
}

fn compare(folder: &Path, mib: u64, others: u64) -> io::Result<()> {
    let (bsd, iso, json) = (
        folder.join("bsd.log"),
        folder.join("iso.log"),
        folder.join("journal.json"),
    );
    println!(
        "{mib} MiB, 20,000 accounts, three hosts, {others} lines of other programs for each session"
    );
    for (path, form) in [
        (&bsd, Form::Bsd),
        (&iso, Form::Rfc3339),
        (&json, Form::Journal),
    ] {
        let answers = make(path, form, mib, others)?;
        let evidence = scan(std::slice::from_ref(path), 2);
        let wrong = wrong(&evidence, &answers);
        println!(
            "{:<44} {wrong} of {} answers wrong, {} % of the lines are of login servers",
            format!("{form:?}"),
            answers.len(),
            evidence.lines.candidate * 100 / evidence.lines.read
        );
    }
    let rg = |log: &Path| {
        run(Command::new("rg")
            .args(["-c", r"smtpd\[|-login: "])
            .arg(log))
    };
    let scan = |threads, log: &Path| ours(threads, &[log.to_owned()]);
    let [of_rg, one, two, iso_rg, iso_two] = in_turn([
        &|| rg(&bsd),
        &|| scan(1, &bsd),
        &|| scan(2, &bsd),
        &|| rg(&iso),
        &|| scan(2, &iso),
    ]);
    show("rg -c", &of_rg, None);
    let cpu = of_rg.as_ref().zip(one.as_ref());
    show(
        "scan, one thread",
        &one,
        cpu.map(|(rg, one)| one.cpu / rg.cpu),
    );
    show("scan, two threads", &two, ratio(&two, &of_rg));
    show("rg -c, RFC 3339", &iso_rg, None);
    show(
        "scan, RFC 3339, two threads",
        &iso_two,
        ratio(&iso_two, &iso_rg),
    );
    let mawk = best_of(1, || run(Command::new("mawk").arg(MAWK).arg(&bsd)));
    show("mawk, one correct pass", &mawk, ratio(&mawk, &two));
    let program = std::env::current_exe()?;
    let [parsed, json_one, json_two] = in_turn([
        &|| run(Command::new(&program).arg("parse").arg(&json)),
        &|| scan(1, &json),
        &|| scan(2, &json),
    ]);
    show("parsing every journal entry, one thread", &parsed, None);
    show(
        "scan, journal JSON, one thread",
        &json_one,
        ratio(&parsed, &json_one),
    );
    show(
        "scan, journal JSON, two threads",
        &json_two,
        ratio(&parsed, &json_two),
    );
    Ok(())
}

/// One large and eight smaller gzip files.
fn packed(folder: &Path, log: &Path) -> io::Result<()> {
    let one = folder.join("one.gz");
    pack(log, &one)?;
    let gzip = best(|| {
        run(Command::new("sh")
            .arg("-c")
            .arg(format!("gzip -dc {} | wc -l", one.display())))
    });
    show("gzip -dc | wc -l", &gzip, None);
    let ours_one = best(|| ours(1, std::slice::from_ref(&one)));
    let cpu = gzip
        .as_ref()
        .zip(ours_one.as_ref())
        .map(|(gzip, ours)| ours.cpu / gzip.cpu);
    show("scan, one .gz", &ours_one, cpu);
    let eight: Vec<PathBuf> = (1..=8)
        .map(|n| folder.join(format!("part.log.{n}.gz")))
        .collect();
    for part in &eight {
        fs::copy(&one, part)?;
    }
    let names: Vec<String> = eight
        .iter()
        .map(|part| part.display().to_string())
        .collect();
    let zcat = best_of(1, || {
        run(Command::new("sh")
            .arg("-c")
            .arg(format!("zcat {} | mawk '{MAWK}'", names.join(" "))))
    });
    show("zcat | mawk, eight .gz", &zcat, None);
    let ours_eight = best(|| ours(2, &eight));
    show(
        "scan, eight .gz, two threads",
        &ours_eight,
        ratio(&zcat, &ours_eight),
    );
    Ok(())
}

fn pack(from: &Path, to: &Path) -> io::Result<()> {
    let mut packed = flate2::write::GzEncoder::new(File::create(to)?, flate2::Compression::new(6));
    io::copy(&mut File::open(from)?, &mut packed)?;
    packed.finish().map(drop)
}

/// Follows each process through its sessions: the least that is correct where TLS is logged.
const MAWK: &str = r#"{ if (index($0, "smtpd[")) { k = $4 $5; m = $6
  if (m == "connect") tls[k] = 0
  else if ($7 == "TLS" && $8 == "connection") tls[k] = 1
  else if (substr($7, 1, 7) == "client=" && (i = index($0, "sasl_username="))) n[substr($0, i + 14) " " tls[k]]++ }
  else if (index($0, "-login: Login: ")) { i = index($0, "user=<"); u = substr($0, i + 6); u = substr(u, 1, index(u, ">") - 1); n[u " " (index($0, ", TLS") > 0)]++ } }
END { for (a in n) c++; print c }"#;

fn ratio(a: &Option<Run>, b: &Option<Run>) -> Option<f64> {
    Some(a.as_ref()?.wall / b.as_ref()?.wall)
}

fn show(what: &str, run: &Option<Run>, ratio: Option<f64>) {
    match run {
        Some(Run { wall, cpu, peak }) => {
            let peak = if *peak > 0 {
                format!("{:6.1} MiB", *peak as f64 / 1024.0)
            } else {
                String::new()
            };
            let ratio = ratio.map_or(String::new(), |ratio| format!("{ratio:6.2} x"));
            println!("{what:<44} wall {wall:7.3} s  cpu {cpu:7.3} s  {peak:>10} {ratio}");
        }
        None => println!("{what:<44} is not installed"),
    }
}

fn best(run: impl FnMut() -> Option<Run>) -> Option<Run> {
    best_of(5, run)
}

/// Runs several in turn, since a machine is faster at one time than at another, and gives the best run of each; with the mean of
/// the processor's time, which the kernel tells in hundredths only.
fn in_turn<const N: usize>(commands: [&dyn Fn() -> Option<Run>; N]) -> [Option<Run>; N] {
    let mut runs = commands.map(|_| Vec::new());
    for _ in 0..7 {
        for (runs, command) in runs.iter_mut().zip(commands) {
            runs.extend(command());
        }
    }
    runs.map(|runs: Vec<Run>| {
        let cpu = runs.iter().map(|run| run.cpu).sum::<f64>() / runs.len() as f64;
        let best = runs.into_iter().min_by(|a, b| a.wall.total_cmp(&b.wall));
        best.map(|best| Run { cpu, ..best })
    })
}

fn best_of(times: usize, mut run: impl FnMut() -> Option<Run>) -> Option<Run> {
    (0..times)
        .filter_map(|_| run())
        .min_by(|a, b| a.wall.total_cmp(&b.wall))
}

/// A scan in a process of its own.
fn ours(threads: usize, files: &[PathBuf]) -> Option<Run> {
    let program = std::env::current_exe().ok()?;
    run(Command::new(program)
        .arg("one")
        .arg(threads.to_string())
        .args(files))
}

fn run(command: &mut Command) -> Option<Run> {
    let before = children_cpu();
    let start = Instant::now();
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let wall = start.elapsed().as_secs_f64();
    let text = String::from_utf8_lossy(&output.stdout);
    Some(Run {
        wall,
        cpu: children_cpu() - before,
        peak: text
            .split_whitespace()
            .nth(1)
            .and_then(|kib| kib.parse().ok())
            .unwrap_or(0),
    })
}

/// Processor seconds of the children that ended; in hundredths, as the kernel counts them.
fn children_cpu() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let ticks = |at: usize| {
        fields
            .get(at)
            .and_then(|field| field.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    (ticks(13) + ticks(14)) / 100.0
}

/// The most memory that this process had, in KiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

/// How many answers differ.
fn wrong(evidence: &Evidence, answers: &Answers) -> usize {
    let mut found = BTreeMap::new();
    for row in evidence.rows.iter().chain(&evidence.anonymous) {
        let account = row
            .account
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        let protocol = match row.way.protocol.to_string().as_str() {
            "imap" => "imap",
            "pop3" => "pop3",
            _ => "smtp",
        };
        let key = (
            row.way.host.to_string(),
            protocol,
            account,
            row.client.to_string(),
            row.way.transport.word(),
        );
        *found.entry(key).or_default() += row.logins;
    }
    let all: std::collections::BTreeSet<_> = found.keys().chain(answers.keys()).collect();
    all.into_iter()
        .filter(|key| found.get(*key) != answers.get(*key))
        .count()
}
