//! How long `check` takes: a repository of 1,000 server trees in one run, and the start-up on one server.
//!
//! `cargo bench --bench check` prints both in milliseconds, beside the time the system takes to start a program at all.
//! It fails on no machine; on two cores the repository takes less than a second, and one server less than 10 ms.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How many servers the repository holds.
const SERVERS: usize = 1000;

/// How often each thing is timed; the least time counts, since everything else is noise of the machine.
const RUNS: usize = 5;

fn main() {
    let repository = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-check");
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/demo/case.in/etc");
    let _ = fs::remove_dir_all(&repository);
    for number in 0..SERVERS {
        let host = format!("host{number:04}");
        copy(&demo, &repository.join(&host).join("etc"), &host);
    }
    let program = env!("CARGO_BIN_EXE_plainsight");
    let one = repository.join("host0000");
    let bare = least(|| Command::new("true"));
    let start = least(|| check(program, &one));
    let all = least(|| check(program, &repository));
    println!(
        "a program that does nothing      {:8.2} ms",
        milliseconds(bare)
    );
    println!(
        "check, one server                {:8.2} ms",
        milliseconds(start)
    );
    println!(
        "check, {SERVERS} servers              {:8.2} ms",
        milliseconds(all)
    );
    let _ = fs::remove_dir_all(&repository);
}

fn check(program: &str, path: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(["check", "--format", "json"]).arg(path);
    command
}

/// The least time of several runs.
fn least(command: impl Fn() -> Command) -> Duration {
    (0..RUNS)
        .map(|_| {
            let begin = Instant::now();
            command()
                .stdout(Stdio::null())
                .status()
                .expect("the program can be started");
            begin.elapsed()
        })
        .min()
        .unwrap_or_default()
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Copies the files of a server, each with a line of its own at the end: no two servers are alike.
fn copy(from: &Path, to: &Path, host: &str) {
    fs::create_dir_all(to).expect("the build directory is writable");
    for entry in fs::read_dir(from).expect("testdata is part of the project") {
        let entry = entry.expect("testdata can be listed");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target, host);
        } else {
            let mut text = fs::read(entry.path()).expect("testdata can be read");
            text.extend_from_slice(format!("# {host}\n").as_bytes());
            fs::write(target, text).expect("the build directory is writable");
        }
    }
}
