//! Attributes: owner, group, mode and extended attributes of a file (ACLs and SELinux labels among them), for its replacement.

use std::fs::{File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::Path;

use rustix::buffer::spare_capacity;
use rustix::fs::{XattrFlags, fgetxattr, flistxattr, fsetxattr};
use rustix::io::Errno;

use super::{TransactionError, failed};

/// These attest the very text they belong to, so that they are wrong for any other (ima(7), evmctl(1)).
const OF_THE_TEXT: [&[u8]; 2] = [b"security.ima", b"security.evm"];

/// Gives `new` the attributes of `old`, which lies at `path`.
pub(super) fn copy(old: &File, path: &Path, new: &File) -> Result<(), TransactionError> {
    let reading = || failed(path, "reading its attributes");
    let meta = old.metadata().map_err(reading())?;
    let mine = new.metadata().map_err(reading())?;
    if (meta.uid(), meta.gid()) != (mine.uid(), mine.gid()) {
        fchown(new, Some(meta.uid()), Some(meta.gid()))
            .map_err(failed(path, "keeping its owner and group"))?;
    }
    for name in names(old).map_err(|why| reading()(why.into()))? {
        if OF_THE_TEXT.contains(&name.as_slice()) {
            continue;
        }
        let value = value(old, &name).map_err(|why| reading()(why.into()))?;
        // A file that is made here has the label of its directory already, and not everyone may set one.
        if self::value(new, &name).is_ok_and(|present| present == value) {
            continue;
        }
        fsetxattr(new, name.as_slice(), &value, XattrFlags::empty())
            .map_err(|why| failed(path, "keeping its extended attributes")(why.into()))?;
    }
    // Last, since a change of owner takes bits away.
    new.set_permissions(Permissions::from_mode(meta.mode() & 0o7777))
        .map_err(failed(path, "keeping its mode"))
}

/// The names of all extended attributes.
fn names(file: &File) -> Result<Vec<Vec<u8>>, Errno> {
    let mut list: Vec<u8> = Vec::with_capacity(1024);
    loop {
        match flistxattr(file, spare_capacity(&mut list)) {
            Ok(_) => break,
            Err(Errno::RANGE) => grow(&mut list),
            // A file system without them.
            Err(Errno::NOTSUP) => return Ok(Vec::new()),
            Err(why) => return Err(why),
        }
    }
    let names = list
        .split(|&byte| byte == 0)
        .filter(|name| !name.is_empty());
    let mut names: Vec<Vec<u8>> = names.map(<[u8]>::to_vec).collect();
    names.sort();
    Ok(names)
}

fn value(file: &File, name: &[u8]) -> Result<Vec<u8>, Errno> {
    let mut value: Vec<u8> = Vec::with_capacity(1024);
    loop {
        match fgetxattr(file, name, spare_capacity(&mut value)) {
            Ok(_) => return Ok(value),
            Err(Errno::RANGE) => grow(&mut value),
            Err(why) => return Err(why),
        }
    }
}

fn grow(buffer: &mut Vec<u8>) {
    buffer.clear();
    buffer.reserve(buffer.capacity() * 2);
}
