//! A stream: input that is read once and may keep its reader waiting, such as a pipe or the journal; and how any input stops.
//!
//! A thread of its own waits for it, so that a scan which is to stop does not wait along.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use super::crew::Watch;

/// How much is read at a time, and how many such blocks lie ready.
const BLOCK: usize = 64 << 10;
const BLOCKS: usize = 16;

/// How long a reader waits before it asks whether to stop.
const PATIENCE: Duration = Duration::from_millis(50);

/// What a stream comes from.
#[derive(Debug)]
pub(crate) enum Spring {
    /// The standard input.
    Stdin,
    /// A pipe or a device that has a name.
    File(PathBuf),
    /// The mail of the running machine's journal; the words are further arguments of `journalctl`.
    Journal(Vec<String>),
}

/// A stream that is being read. Where the scan is to stop, it ends.
pub(crate) struct Stream {
    blocks: Receiver<io::Result<Vec<u8>>>,
    block: Vec<u8>,
    at: usize,
    watch: Arc<Watch>,
}

impl Stream {
    /// Begins to read.
    pub(crate) fn new(spring: Spring, watch: Arc<Watch>) -> Self {
        let (sender, blocks) = sync_channel(BLOCKS);
        // Nobody joins it: it ends with its source, or with the program.
        thread::spawn(move || {
            if let Err(error) = spring.pour(&sender) {
                // Where nobody receives any more, nobody is interested either.
                let _given_up = sender.send(Err(error));
            }
        });
        Self {
            blocks,
            block: Vec::new(),
            at: 0,
            watch,
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.block.len() {
            match self.blocks.recv_timeout(PATIENCE) {
                Ok(block) => (self.block, self.at) = (block?, 0),
                Err(RecvTimeoutError::Timeout) if !self.watch.stop.load(Ordering::Relaxed) => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Ok(0),
            }
        }
        let ready = &self.block[self.at..];
        let length = ready.len().min(buffer.len());
        buffer[..length].copy_from_slice(&ready[..length]);
        self.at += length;
        Ok(length)
    }
}

/// A source that ends where the scan is to stop.
pub(crate) struct Stoppable<R> {
    pub(crate) source: R,
    pub(crate) stop: Arc<AtomicBool>,
}

impl<R: Read> Read for Stoppable<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.load(Ordering::Relaxed) {
            return Ok(0);
        }
        self.source.read(buffer)
    }
}

impl Spring {
    fn pour(self, into: &SyncSender<io::Result<Vec<u8>>>) -> io::Result<()> {
        match self {
            Self::Stdin => pour(&mut io::stdin().lock(), into).map(drop),
            Self::File(path) => pour(&mut File::open(path)?, into).map(drop),
            Self::Journal(arguments) => journal(&arguments, into),
        }
    }
}

/// Hands on all that `source` gives; false where nobody wants it any more.
fn pour(source: &mut impl Read, into: &SyncSender<io::Result<Vec<u8>>>) -> io::Result<bool> {
    loop {
        let mut block = vec![0; BLOCK];
        match source.read(&mut block) {
            Ok(0) => return Ok(true),
            Ok(length) => block.truncate(length),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        if into.send(Ok(block)).is_err() {
            return Ok(false);
        }
    }
}

/// Reads what the facility mail (2, syslog.h) wrote into the journal, to which Postfix and Dovecot log by default.
fn journal(arguments: &[String], into: &SyncSender<io::Result<Vec<u8>>>) -> io::Result<()> {
    let told = |why: String| io::Error::other(why);
    let mut child = Command::new("journalctl")
        .args(["--no-pager", "--quiet", "-o", "json", "SYSLOG_FACILITY=2"])
        .arg("--output-fields=MESSAGE,SYSLOG_IDENTIFIER,SYSLOG_PID,_PID,_HOSTNAME")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| told(format!("journalctl cannot be started: {error}")))?;
    let read_to_end = match &mut child.stdout {
        Some(output) => pour(output, into)?,
        None => true,
    };
    if !read_to_end {
        // It may be gone already.
        let _gone = child.kill();
    }
    let status = child.wait()?;
    if read_to_end && !status.success() {
        return Err(told(format!("journalctl failed ({status})")));
    }
    Ok(())
}
