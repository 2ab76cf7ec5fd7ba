//! Reading: a log as a row of chunks of whole lines, and the files of the log side.
//!
//! Files are read into a buffer, not mapped: logrotate may truncate one while it is read.

use std::io::{self, Read};

use memchr::{memchr, memrchr};

use super::repeated::{self, LONGEST_REPEATED};

/// How much is read at a time.
pub(crate) const CHUNK: usize = 256 << 10;

/// Cuts a stream into chunks.
#[derive(Debug)]
pub(crate) struct Chunks<R> {
    source: R,
    buffer: Vec<u8>,
    /// What was handed out and may go.
    done: usize,
    /// How many bytes have gone.
    gone: u64,
    filled: usize,
    /// The rest of a line that is longer than the buffer is skipped.
    skipping: bool,
    ended: bool,
    /// Why it ended before its end.
    failed: Option<io::Error>,
}

/// Whole lines.
#[derive(Debug)]
pub(crate) struct Chunk<'a> {
    /// The lines, and behind them, where there is one, the next line to look ahead at.
    pub(crate) bytes: &'a [u8],
    /// How many bytes of them are lines that were not handed out before.
    pub(crate) own: usize,
    /// How many bytes before them were skipped: the rest of a line, or a hole in the file.
    pub(crate) skipped: usize,
}

impl<R: Read> Chunks<R> {
    /// Reads from `source` into `buffer`; the rest of a line at the front is skipped if `skipping`.
    pub(crate) const fn new(source: R, buffer: Vec<u8>, skipping: bool) -> Self {
        Self {
            source,
            buffer,
            done: 0,
            gone: 0,
            filled: 0,
            skipping,
            ended: false,
            failed: None,
        }
    }

    /// How many bytes of the source were handed out or skipped.
    pub(crate) const fn taken(&self) -> u64 {
        self.gone + self.done as u64
    }

    /// The buffer, to be used again.
    pub(crate) fn into_buffer(self) -> Vec<u8> {
        self.buffer
    }

    /// The next chunk; none at the end.
    ///
    /// # Errors
    /// What the source says. The whole lines before the error come first, so that nothing readable is lost;
    /// of a line that it cut nobody knows how it goes on.
    pub(crate) fn next(&mut self) -> io::Result<Option<Chunk<'_>>> {
        let mut skipped = 0;
        loop {
            self.buffer.copy_within(self.done..self.filled, 0);
            self.filled -= self.done;
            self.gone += self.done as u64;
            self.done = 0;
            self.fill();
            // A hole in the file is no part of the line behind it, which may be all that a buffer has room for.
            let hole = self.buffer[..self.filled]
                .iter()
                .take_while(|byte| **byte == 0);
            self.done = hole.count();
            if self.done > 0 && !self.skipping {
                skipped += self.done;
                continue;
            }
            if self.skipping {
                let newline = memchr(b'\n', &self.buffer[..self.filled]);
                self.done = newline.map_or(self.filled, |newline| newline + 1);
                self.skipping = newline.is_none() && !self.ended;
                skipped += self.done;
                if self.ended && self.done == self.filled {
                    return self.failed.take().map_or(Ok(None), Err);
                }
                continue;
            }
            if self.failed.is_some() {
                let lines = memrchr(b'\n', &self.buffer[..self.filled]);
                self.filled = lines.map_or(0, |newline| newline + 1);
            }
            if self.filled == 0 {
                return self.failed.take().map_or(Ok(None), Err);
            }
            let own = if self.ended { self.filled } else { self.own() };
            self.done = own;
            return Ok(Some(Chunk {
                bytes: &self.buffer[..self.filled],
                own,
                skipped,
            }));
        }
    }

    fn fill(&mut self) {
        while self.filled < self.buffer.len() && !self.ended {
            match self.source.read(&mut self.buffer[self.filled..]) {
                Ok(0) => self.ended = true,
                Ok(read) => self.filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.ended = true;
                    self.failed = Some(error);
                }
            }
        }
    }

    /// All whole lines but the last, which waits for the one behind it. Where that is one that says how often the line before it
    /// was repeated, this one waits too.
    fn own(&mut self) -> usize {
        let bytes = &self.buffer[..self.filled];
        let Some(last) = memrchr(b'\n', bytes) else {
            self.skipping = true;
            return self.filled;
        };
        let before = |newline: usize| memrchr(b'\n', &bytes[..newline]);
        let mut waiting = before(last);
        let mut end = last;
        while let Some(start) = waiting
            && last - start <= LONGEST_REPEATED
            && repeated::is_said(&bytes[start + 1..end])
        {
            (end, waiting) = (start, before(start));
        }
        waiting.or_else(|| before(last)).unwrap_or(last) + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_handed_out_once() {
        let text: Vec<u8> = (0..200)
            .flat_map(|n| format!("line {n}\n").into_bytes())
            .collect();
        let mut without_newline = text.clone();
        without_newline.extend(b"end");
        for text in [text, without_newline, Vec::new()] {
            for size in [16, 17, 64, 4096] {
                let mut chunks = Chunks::new(&text[..], vec![0; size], false);
                let mut seen = Vec::new();
                while let Some(chunk) = chunks.next().expect("memory does not fail") {
                    seen.extend_from_slice(&chunk.bytes[..chunk.own]);
                }
                assert_eq!(seen, text, "{size}");
            }
        }
    }

    #[test]
    fn a_line_waits_for_those_that_say_it_was_repeated() {
        let again = "h last message repeated 2 times\n";
        let text = format!("first\nline\n{again}{again}last\n");
        for size in text.len() - 4..text.len() {
            let mut chunks = Chunks::new(text.as_bytes(), vec![0; size], false);
            let chunk = chunks.next().expect("memory does not fail");
            let chunk = chunk.expect("there are lines");
            assert_eq!(&chunk.bytes[..chunk.own], b"first\n", "{size}");
        }
    }

    #[test]
    fn a_line_longer_than_the_buffer_is_cut_short() {
        let mut text = vec![b'x'; 100];
        text.extend(b"\nshort\n");
        let mut chunks = Chunks::new(&text[..], vec![0; 32], false);
        let mut seen = Vec::new();
        while let Some(chunk) = chunks.next().expect("memory does not fail") {
            seen.push(chunk.bytes[..chunk.own].to_vec());
        }
        assert_eq!(seen, [vec![b'x'; 32], b"short\n".to_vec()]);
    }

    #[test]
    fn an_error_is_told_once_and_after_the_lines_before_it() {
        /// Fails at the end of its text, and then has nothing more to say.
        struct Failing<'a>(Option<&'a [u8]>);

        impl Read for Failing<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                match &mut self.0 {
                    Some([]) => {
                        self.0 = None;
                        Err(io::Error::other("damaged"))
                    }
                    Some(text) => text.read(buffer),
                    None => Ok(0),
                }
            }
        }

        for (text, lines) in [("one\ntwo\nthr", "one\ntwo\n"), ("thr", ""), ("", "")] {
            for size in [3, 4, 64] {
                let mut chunks =
                    Chunks::new(Failing(Some(text.as_bytes())), vec![0; size.max(4)], false);
                let mut seen = Vec::new();
                let error = loop {
                    match chunks.next() {
                        Ok(Some(chunk)) => seen.extend_from_slice(&chunk.bytes[..chunk.own]),
                        Ok(None) => break None,
                        Err(error) => break Some(error.to_string()),
                    }
                };
                assert_eq!(error.as_deref(), Some("damaged"));
                assert_eq!(String::from_utf8_lossy(&seen), lines);
            }
        }
    }
}
