//! What is packed, also where it is damaged.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::shared::{place, write};
use super::{counts, login, scan};

pub(super) fn gz(text: &[u8]) -> Vec<u8> {
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
pub(super) fn zst(text: &[u8]) -> Vec<u8> {
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
pub(super) fn zst_of(byte: u8, blocks: usize, window: u8) -> Vec<u8> {
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
    let folder = place("files-packed", &[]);
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
    let folder = place("files-cut-line", &[]);
    let secured = login(1, "ann").replace(", session", ", TLS, session");
    let cut = login(2, "bob").replace(", session=<2>\n", "");
    let packed = zst(format!("{secured}{cut}").as_bytes());
    write(&folder.join("mail.log"), [&packed[..], b"junk"].concat());
    let said = scan([folder.join("mail.log")]);
    assert_eq!(said.logins, counts(&[("ann", 1)]));
    assert_eq!(said.code, Some(0));
}
