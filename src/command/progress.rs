//! Progress: how far a scan has come, on a terminal; and the end of it on Ctrl-C, with what was read so far.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::log::Watch;

use super::interrupt::Stopping;

/// How long a scan may take before it says anything, and how often it does then.
const PATIENCE: Duration = Duration::from_millis(400);
const EVERY: Duration = Duration::from_millis(100);

/// Watches a scan until it is dropped.
pub(super) struct Progress {
    pub(super) watch: Arc<Watch>,
    shown: Option<(Sender<()>, JoinHandle<()>)>,
    _stopping: Stopping,
}

impl Progress {
    /// Begins to watch.
    pub(super) fn new() -> Self {
        let watch = Arc::new(Watch::default());
        // The first Ctrl-C stops the scan; whoever presses it again has waited long enough. What comes after the scan
        // cannot be stopped halfway.
        let stopping = Stopping::by(&watch.stop);
        let shown = io::stderr().is_terminal().then(|| {
            let (sender, ended) = channel::<()>();
            let watch = Arc::clone(&watch);
            let shower = thread::spawn(move || {
                let begun = Instant::now();
                let mut wait = PATIENCE;
                let mut width = 0;
                while ended.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                    width = show(&line(&watch, begun.elapsed()), width);
                    wait = EVERY;
                }
                if width > 0 {
                    show("", width);
                }
            });
            (sender, shower)
        });
        Self {
            watch,
            shown,
            _stopping: stopping,
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((sender, shower)) = self.shown.take() {
            drop(sender);
            let _shown = shower.join();
        }
    }
}

/// Writes a line over the one before, which was `width` wide.
fn show(text: &str, width: usize) -> usize {
    let mut err = io::stderr();
    // Where the terminal is gone nobody misses it.
    let _gone = write!(err, "\r{text:width$}\r{text}").and_then(|()| err.flush());
    text.len()
}

/// `1.2 of 4.0 GiB, 2.9 GiB/s, 1 s left`
fn line(watch: &Watch, elapsed: Duration) -> String {
    if watch.stop.load(Ordering::Relaxed) {
        return "stopping; Ctrl-C again to give up".to_owned();
    }
    let done = watch.done.load(Ordering::Relaxed);
    let total = watch.total.load(Ordering::Relaxed);
    if done == 0 {
        return "waiting for the first lines".to_owned();
    }
    let rate = done as f64 / elapsed.as_secs_f64().max(0.001);
    let mut text = if total >= done && total > 0 {
        format!("{} of {}", size(done as f64), size(total as f64))
    } else {
        size(done as f64)
    };
    text.push_str(&format!(", {}/s", size(rate)));
    if total > done && rate >= 1.0 {
        let left = Duration::from_secs_f64(((total - done) as f64 / rate).min(1e9));
        text.push_str(&format!(", {} left", span(left)));
    }
    text
}

fn size(bytes: f64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 || value >= 100.0 {
        format!("{value:.0} {}", units[unit])
    } else {
        format!("{value:.1} {}", units[unit])
    }
}

fn span(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{} s", seconds + 1),
        seconds @ 60..3600 => format!("{} min", seconds / 60 + 1),
        seconds => format!("{} h", seconds / 3600 + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_how_far_how_fast_and_how_long_still() {
        let watch = Watch::default();
        watch.done.store(3 << 29, Ordering::Relaxed);
        let shown = |seconds| line(&watch, Duration::from_secs(seconds));
        assert_eq!(shown(1), "1.5 GiB, 1.5 GiB/s");
        watch.total.store(3 << 30, Ordering::Relaxed);
        assert_eq!(shown(1), "1.5 GiB of 3.0 GiB, 1.5 GiB/s, 2 s left");
        assert_eq!(shown(300), "1.5 GiB of 3.0 GiB, 5.1 MiB/s, 6 min left");
        assert_eq!(shown(30_000_000), "1.5 GiB of 3.0 GiB, 54 B/s, 8334 h left");
        watch.stop.store(true, Ordering::Relaxed);
        assert!(shown(1).starts_with("stopping"));
    }
}
