//! Libraries that panic over a damaged file: for us that is a file that cannot be read.
//!
//! In: what a library does. Out: its result, or None if it panicked. Deliberately not for code of our own, where a panic
//! is a bug and is told as one.
//!
//! ```text
//!  panic ─► the process's hook, wrapped once ─┬─ on a thread within `guarded`: silence, the caller tells the file
//!                                             └─ on any other: as before
//! ```

use std::{
    cell::Cell,
    panic::{self, AssertUnwindSafe},
    sync::Once,
};

thread_local! {
    /// Whether this thread is within [`guarded`].
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

static WRAP_HOOK: Once = Once::new();

/// Runs what a library does; None if it panicked. What it was working on must not be used afterwards.
pub(super) fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    WRAP_HOOK.call_once(|| {
        let told = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !IS_GUARDED.get() {
                told(panic);
            }
        }));
    });
    let was_guarded = IS_GUARDED.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    IS_GUARDED.set(was_guarded);
    result.ok()
}

#[cfg(test)]
#[expect(clippy::panic, reason = "a panic is what is tested")]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_none_and_the_thread_is_free_again() {
        assert_eq!(guarded(|| 1), Some(1));
        let inner = || guarded(|| panic!("a library's")).is_none() && IS_GUARDED.get();
        assert_eq!(guarded(inner), Some(true), "the outer guard holds after the inner one");
        assert!(!IS_GUARDED.get());
        assert_eq!(guarded(|| panic!("a library's")), None::<()>);
        assert!(!IS_GUARDED.get());
    }
}
