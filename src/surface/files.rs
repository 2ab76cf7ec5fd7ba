//! The files beside the configuration (certificates, keys, services(5)), each read once: every service and every release
//! asks for them anew.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::source::{ReadError, Sources};

/// What a file holds, or why it cannot be read.
pub(super) type Held = Result<Rc<[u8]>, Rc<ReadError>>;

/// The files that were asked for.
#[derive(Default)]
pub(super) struct Files(RefCell<HashMap<PathBuf, Held>>);

impl Files {
    /// What the file at a daemon path holds.
    pub(super) fn read(&self, sources: &Sources, path: &Path) -> Held {
        let mut known = self.0.borrow_mut();
        if let Some(held) = known.get(path) {
            return held.clone();
        }
        let held = sources.tree().read(path);
        let held = held.map(Rc::from).map_err(Rc::new);
        known.insert(path.to_owned(), held.clone());
        held
    }
}
