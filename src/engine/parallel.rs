//! The same question about each of many things, on several threads.
//!
//! In: things, and what to find out about one of them. Out: the answers in the order of the things, whatever the number of threads.
//! Made for planning, which works and never waits: what a question awaits is driven on the thread that asks it.

use std::{
    panic::resume_unwind,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

use tokio::task::unconstrained;

/// Bytes of a thread's stack: planning nests as deeply as the SQL does.
const STACK_BYTES: usize = 16 << 20;

/// Asks about every item and returns the answers in their order.
///
/// A question that panics does so for whoever asked.
pub fn each<T: Sync, R: Send>(threads: usize, items: &[T], ask: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let share = items.len().div_ceil(threads.max(1));
    let work = || {
        // A list that grows leaves memory behind in each thread, and the system clears all of it first.
        let mut answers = Vec::with_capacity(share);
        while let (at, Some(item)) = take(&next, items) {
            answers.push((at, ask(item)));
        }
        answers
    };
    let runtime = tokio::runtime::Handle::try_current().ok();
    let mut answers = thread::scope(|scope| {
        let helping = || {
            let _within = runtime.as_ref().map(tokio::runtime::Handle::enter);
            work()
        };
        // Where the system gives no further thread, those that are there do all of it.
        let start = |_| thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, helping).ok();
        let helpers: Vec<_> = (1..threads.min(items.len())).map_while(start).collect();
        let mut answers = work();
        for helper in helpers {
            answers.extend(helper.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        answers
    });
    answers.sort_unstable_by_key(|(at, _)| *at);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

fn take<'a, T>(next: &AtomicUsize, items: &'a [T]) -> (usize, Option<&'a T>) {
    let at = next.fetch_add(1, Ordering::Relaxed);
    (at, items.get(at))
}

/// Drives a future to its end on this thread.
pub fn wait<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Awake(thread::current())));
    // The planner awaits locks of tokio, which pretend to be taken once a task has worked for long: this one never gives way.
    let mut future = pin!(unconstrained(future));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(answer) => return answer,
            Poll::Pending => thread::park(),
        }
    }
}

/// Wakes a thread that waits.
struct Awake(Thread);

impl Wake for Awake {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn answers_come_in_the_order_of_the_items_on_any_number_of_threads() {
        let items: Vec<usize> = (0..500).collect();
        let expected: Vec<usize> = items.iter().map(|item| item * item).collect();
        for threads in [0, 1, 2, 7, 1000] {
            let square = |item: &usize| {
                // The first items take longest.
                thread::sleep(std::time::Duration::from_micros((500 - *item as u64) / 10));
                item * item
            };
            assert_eq!(each(threads, &items, square), expected, "{threads} threads");
        }
        assert_eq!(each(2, &[], |item: &usize| *item), [0; 0]);
    }

    #[test]
    fn a_question_may_wait_for_another_thread() {
        let (told, heard) = tokio::sync::oneshot::channel();
        let teller = thread::spawn(move || {
            thread::sleep(std::time::Duration::from_millis(20));
            told.send(7).unwrap();
        });
        assert_eq!(wait(heard), Ok(7));
        teller.join().unwrap();
    }

    #[tokio::test]
    async fn a_question_may_take_more_locks_than_a_task_should() {
        let lock = tokio::sync::Mutex::new(0_u32);
        let count = |times: &u32| {
            wait(async {
                for _ in 0..*times {
                    *lock.lock().await += 1;
                }
            });
        };
        each(2, &[1000, 2000], count);
        assert_eq!(lock.into_inner(), 3000);
    }

    #[test]
    #[should_panic(expected = "the seventh")]
    fn a_question_that_panics_does_so_for_whoever_asked() {
        let items: Vec<usize> = (0..100).collect();
        each(2, &items, |item| assert!(*item != 7, "the seventh"));
    }
}
