//! An interrupt, which is Ctrl-C: it ends the program, but for where something else is to be done with it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use signal_hook::consts::SIGINT;
use signal_hook::{SigId, flag, low_level};

/// Whether it ends the program. The handler is set with the first look at this.
static ENDS: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| {
    let ends = Arc::new(AtomicBool::new(true));
    // Where no handler can be set, Ctrl-C does what it always does.
    let _default = flag::register_conditional_default(SIGINT, Arc::clone(&ends));
    ends
});

/// Says whether an interrupt ends the program from now on.
pub(super) fn ends_the_program(ends: bool) {
    ENDS.store(ends, Ordering::Relaxed);
}

/// As long as this is there, the first interrupt sets a flag, and only the next one ends the program.
pub(super) struct Stopping(Vec<SigId>);

impl Stopping {
    pub(super) fn by(stop: &Arc<AtomicBool>) -> Self {
        ends_the_program(false);
        // Handlers run in the order in which they were set: the one that ends the program has looked before these.
        let flags = [stop, &*ENDS].map(|one| flag::register(SIGINT, Arc::clone(one)));
        Self(flags.into_iter().flatten().collect())
    }
}

impl Drop for Stopping {
    fn drop(&mut self) {
        for id in self.0.drain(..) {
            low_level::unregister(id);
        }
        ends_the_program(true);
    }
}
