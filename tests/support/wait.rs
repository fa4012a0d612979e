//! Waiting for a condition, with a bound.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Far longer than anything that a test waits for takes.
pub const LIMIT: Duration = Duration::from_mins(1);

/// Waits until a condition holds; fails after [`LIMIT`].
#[track_caller]
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The result of `act` between two equal answers of `reference`, and that answer, sorted: nothing changed meanwhile.
#[track_caller]
pub fn stable_snapshot<T: Ord, R>(mut reference: impl FnMut() -> Vec<T>, mut act: impl FnMut() -> R) -> (Vec<T>, R) {
    let mut sorted = || {
        let mut answer = reference();
        answer.sort();
        answer
    };
    let mut before = sorted();
    let mut found = None;
    until("two answers are equal", || {
        let result = act();
        let after = sorted();
        let stable = before == after;
        before = after;
        found = Some(result);
        stable
    });
    (before, found.unwrap())
}

/// Repeats `background` on a thread of its own while `act` runs, also if it fails.
pub fn with_background<R>(background: impl Fn() + Sync, act: impl FnOnce() -> R) -> R {
    struct SetOnDrop<'a>(&'a AtomicBool);
    impl Drop for SetOnDrop<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                background();
            }
        });
        let _done = SetOnDrop(&done);
        act()
    })
}
