//! A mailbox: a Maildir, a tree of such, or an mbox file, read for the mail programs that wrote its messages.
//!
//! Only headers are read, one block at a time; `header` beside this file understands one, and
//! `owner` knows which senders are the server's own. What a message claims helps to find
//! a device and proves nothing.

mod header;
mod owner;

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::evidence::Programs;
use header::Header;
pub use owner::Owner;

/// The most of a header block that is read, in bytes.
const MOST: usize = 64 << 10;
/// How deep folders may lie below the named directory.
const DEEPEST: usize = 8;

/// Why a mailbox could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", path.display())]
pub struct MailboxError {
    /// The file or directory.
    pub path: PathBuf,
    /// What went wrong.
    pub why: io::Error,
}

/// What a mailbox told.
#[derive(Debug, Default)]
pub struct Mailbox {
    /// The programs of those who sent its messages.
    pub programs: Programs,
    /// How many messages were read.
    pub messages: u64,
    /// How many could not be read.
    pub unreadable: u64,
    /// The folders that could not be read, and why.
    pub closed: Vec<MailboxError>,
    owner: Owner,
}

/// Reads a Maildir, a directory with Maildirs below it, or an mbox file, as mail of `owner`.
///
/// # Errors
/// Where it cannot be read, or is none of these.
pub fn read(path: &Path, owner: &Owner) -> Result<Mailbox, MailboxError> {
    let mut mailbox = Mailbox {
        owner: owner.clone(),
        ..Mailbox::default()
    };
    let result = match fs::metadata(path) {
        Ok(meta) if meta.is_dir() => mailbox.tree(path, 0),
        Ok(meta) if meta.is_file() => mailbox.mbox(path),
        Ok(_) => Err(io::Error::other("neither a Maildir nor an mbox file")),
        Err(why) => Err(why),
    };
    match result {
        Ok(()) if mailbox.messages + mailbox.unreadable > 0 || !mailbox.closed.is_empty() => {
            Ok(mailbox)
        }
        Ok(()) => Err(MailboxError {
            path: path.to_path_buf(),
            why: io::Error::other(
                "no message in it; expected a Maildir (with cur and new) or an mbox file",
            ),
        }),
        Err(why) => Err(MailboxError {
            path: path.to_path_buf(),
            why,
        }),
    }
}

impl Mailbox {
    /// A directory: the messages in `cur` and `new` (maildir(5)), and the folders below.
    fn tree(&mut self, directory: &Path, depth: usize) -> io::Result<()> {
        let mut folders = Vec::new();
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            // A link to a directory may lead anywhere, even here.
            if entry.file_type()?.is_dir() {
                folders.push(entry.file_name());
            }
        }
        folders.sort();
        for name in folders {
            let folder = directory.join(&name);
            if name == "cur" || name == "new" {
                if let Err(why) = self.messages_in(&folder) {
                    self.closed.push(MailboxError { path: folder, why });
                }
            } else if depth < DEEPEST && name != "tmp" {
                // A folder that may not be entered is somebody else's; the others tell what they can.
                if let Err(why) = self.tree(&folder, depth + 1) {
                    self.closed.push(MailboxError { path: folder, why });
                }
            }
        }
        Ok(())
    }

    fn messages_in(&mut self, folder: &Path) -> io::Result<()> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder)? {
            names.push(entry?.file_name());
        }
        // Which programs are kept of many does not depend on the order of the directory.
        names.sort();
        let mut block = Vec::new();
        for name in names {
            let path = folder.join(name);
            block.clear();
            match read_block(&path, &mut block) {
                Ok(true) => self.message(&block),
                Ok(false) => {}
                Err(_) => self.unreadable += 1,
            }
        }
        Ok(())
    }

    /// An mbox: messages begin with `From ` at the start of the file or behind an empty line (mbox(5)).
    fn mbox(&mut self, path: &Path) -> io::Result<()> {
        let mut source = BufReader::with_capacity(1 << 16, File::open(path)?);
        let mut block = Vec::new();
        let mut line = Vec::new();
        let mut in_header = false;
        let mut after_empty = true;
        loop {
            line.clear();
            let length = read_line(&mut source, &mut line)?;
            if length == 0 {
                break;
            }
            let empty = line == b"\n" || line == b"\r\n";
            if after_empty && line.starts_with(b"From ") {
                in_header = true;
                block.clear();
            } else if in_header && empty {
                self.message(&block);
                in_header = false;
            } else if in_header && block.len() < MOST {
                block.extend_from_slice(&line);
            }
            after_empty = empty;
        }
        if in_header {
            self.message(&block);
        }
        Ok(())
    }

    fn message(&mut self, block: &[u8]) {
        self.messages += 1;
        Header::of(block).note(&self.owner, &mut self.programs);
    }
}

/// Reads the header block of a message file; false where it is no plain file.
fn read_block(path: &Path, block: &mut Vec<u8>) -> io::Result<bool> {
    if !fs::metadata(path)?.is_file() {
        return Ok(false);
    }
    let mut source = File::open(path)?.take(MOST as u64);
    let mut piece = [0; 4096];
    loop {
        let length = source.read(&mut piece)?;
        let from = block.len().saturating_sub(3);
        block.extend_from_slice(&piece[..length]);
        let fresh = &block[from..];
        let end =
            memchr::memmem::find(fresh, b"\n\n").or_else(|| memchr::memmem::find(fresh, b"\n\r\n"));
        if let Some(end) = end {
            block.truncate(from + end + 1);
            return Ok(true);
        }
        if length == 0 {
            return Ok(true);
        }
    }
}

/// Reads a line, of which no more than [`MOST`] bytes are kept; how many there were, 0 at the end.
fn read_line(source: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<usize> {
    let mut length = 0;
    loop {
        let available = source.fill_buf()?;
        if available.is_empty() {
            return Ok(length);
        }
        let newline = memchr::memchr(b'\n', available);
        let taken = newline.map_or(available.len(), |at| at + 1);
        let room = MOST.saturating_sub(line.len()).min(taken);
        line.extend_from_slice(&available[..room]);
        source.consume(taken);
        length += taken;
        if newline.is_some() {
            return Ok(length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_mbox_is_cut_at_its_from_lines() {
        let path = std::env::temp_dir().join(format!("plainsight-mbox-{}", std::process::id()));
        let text = "From a@example.org Thu Jan  1\nFrom: a@example.org\nX-Mailer: one\n\nbody\nFrom here on it is body\n\n\
                    From b@example.org Thu Jan  1\nFrom: b@example.org\nUser-Agent: two\n";
        fs::write(&path, text).expect("the directory for temporary files is writable");
        let owner = Owner {
            domains: vec!["example.org".into()],
            ..Owner::default()
        };
        let mailbox = read(&path, &owner).expect("the file was just written");
        fs::remove_file(&path).expect("the file was just written");
        assert_eq!(mailbox.messages, 2);
        let of = |account: &str| {
            let program = mailbox.programs.of(account.into(), "".into());
            program.map(|program| program.to_string())
        };
        assert_eq!(of("a@example.org").as_deref(), Some("one"));
        assert_eq!(of("b").as_deref(), Some("two"));
        assert_eq!(of("c"), None);
    }

    #[test]
    fn what_is_no_mailbox_is_said() {
        for path in ["/dev/null", "/nowhere", "src/mailbox"] {
            assert!(read(Path::new(path), &Owner::default()).is_err(), "{path}");
        }
    }
}
