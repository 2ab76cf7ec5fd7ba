//! Unpacking: the text of a log however it is compressed, told by its first bytes and never by its name.
//!
//! A file of several members (as `cat a.gz b.gz` makes one) is read whole.

use std::io::{self, BufRead, BufReader, Read};

use bzip2::read::MultiBzDecoder;
use flate2::read::MultiGzDecoder;
use lzma_rust2::XzReader;
use ruzstd::decoding::StreamingDecoder;

/// A window larger than this would let a small file use up the memory of the machine.
const LARGEST_WINDOW: u64 = 128 << 20;

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    /// Not at all.
    None,
    Gzip,
    Xz,
    Bzip2,
    Zstd,
}

impl Packing {
    /// By the first bytes of the file.
    pub(crate) fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Self::Bzip2,
            // pzstd begins with a frame to skip (RFC 8878, section 3.1.2).
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::None,
        }
    }

    /// The text.
    pub(crate) fn unpack<'a>(self, packed: impl Read + 'a) -> Box<dyn Read + 'a> {
        match self {
            Self::None => Box::new(packed),
            Self::Gzip => Box::new(MultiGzDecoder::new(packed)),
            Self::Xz => {
                let kibibytes = u32::try_from(LARGEST_WINDOW >> 10).unwrap_or(u32::MAX);
                Box::new(XzReader::new_mem_limit(
                    BufReader::new(packed),
                    true,
                    kibibytes,
                ))
            }
            Self::Bzip2 => Box::new(MultiBzDecoder::new(packed)),
            Self::Zstd => Box::new(ZstdFrames {
                packed: Some(BufReader::new(packed)),
                frame: None,
            }),
        }
    }
}

/// Reads one zstd frame after the other, and passes over those that hold no text.
struct ZstdFrames<R: Read> {
    packed: Option<BufReader<R>>,
    frame: Option<ZstdFrame<R>>,
}

/// The magic number, which was looked at before, is put back before the rest.
type ZstdFrame<R> =
    StreamingDecoder<io::Chain<io::Cursor<[u8; 4]>, BufReader<R>>, ruzstd::decoding::FrameDecoder>;

impl<R: Read> Read for ZstdFrames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(frame) = &mut self.frame {
                match frame.read(buffer)? {
                    0 => {
                        let ended = self.frame.take();
                        self.packed = ended.map(|frame| frame.into_inner().into_inner().1);
                    }
                    read => return Ok(read),
                }
            }
            let Some(mut packed) = self.packed.take() else {
                return Ok(0);
            };
            if packed.fill_buf()?.is_empty() {
                return Ok(0);
            }
            let mut magic = [0; 4];
            packed.read_exact(&mut magic)?;
            if let [0x50..=0x5f, 0x2a, 0x4d, 0x18] = magic {
                let mut length = [0; 4];
                packed.read_exact(&mut length)?;
                let length = u64::from(u32::from_le_bytes(length));
                io::copy(&mut packed.by_ref().take(length), &mut io::sink())?;
                self.packed = Some(packed);
                continue;
            }
            let packed = io::Cursor::new(magic).chain(packed);
            let frame = StreamingDecoder::new_with_max_window_size(packed, LARGEST_WINDOW);
            self.frame =
                Some(frame.map_err(|error| {
                    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
                })?);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn unpacked(packed: &[u8]) -> (Vec<u8>, bool) {
        let mut text = Vec::new();
        let mut reader = Packing::of(packed).unpack(packed);
        let mut buffer = [0; 7];
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => return (text, true),
                Ok(read) => text.extend_from_slice(&buffer[..read]),
                Err(_) => return (text, false),
            }
        }
    }

    /// `printf 'one\ntwo\n' | xz -C crc64`, and `zstd` of the same.
    const XZ: &[u8] = &[
        0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x04, 0xe6, 0xd6, 0xb4, 0x46, 0x02, 0x00, 0x21,
        0x01, 0x16, 0x00, 0x00, 0x00, 0x74, 0x2f, 0xe5, 0xa3, 0x01, 0x00, 0x07, 0x6f, 0x6e, 0x65,
        0x0a, 0x74, 0x77, 0x6f, 0x0a, 0x00, 0x51, 0xab, 0x9e, 0xaf, 0x57, 0x75, 0x70, 0x49, 0x00,
        0x01, 0x20, 0x08, 0xbb, 0x19, 0xd9, 0xbb, 0x1f, 0xb6, 0xf3, 0x7d, 0x01, 0x00, 0x00, 0x00,
        0x00, 0x04, 0x59, 0x5a,
    ];
    const ZSTD: &[u8] = &[
        0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58, 0x41, 0x00, 0x00, 0x6f, 0x6e, 0x65, 0x0a, 0x74, 0x77,
        0x6f, 0x0a, 0xe6, 0xa6, 0x0e, 0x40,
    ];

    #[test]
    fn every_packing_is_told_by_content_and_read_whole() {
        let text = b"one\ntwo\n";
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(text).expect("memory");
        let gzip = gzip.finish().expect("memory");
        let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
        bzip2.write_all(text).expect("memory");
        let bzip2 = bzip2.finish().expect("memory");
        for packed in [&gzip[..], &bzip2, XZ, ZSTD, text] {
            assert_eq!(unpacked(packed), (text.to_vec(), true), "{packed:?}");
            assert_eq!(
                unpacked(&packed.repeat(2)),
                (text.repeat(2), true),
                "two members {packed:?}"
            );
        }
        for packed in [&gzip[..], &bzip2, XZ, ZSTD] {
            let (_, whole) = unpacked(&packed[..packed.len() - 3]);
            assert!(!whole, "{packed:?}");
            let (before, whole) = unpacked(&[packed, b"junk"].concat());
            assert_eq!((&before[..], whole), (&text[..], false), "{packed:?}");
        }
        let skipped = [&b"\x5a\x2a\x4d\x18\x03\0\0\0xyz"[..], ZSTD].concat();
        assert_eq!(unpacked(&skipped.repeat(2)), (text.repeat(2), true));
    }
}
