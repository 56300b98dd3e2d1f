//! Jobs for several threads.
//!
//! In: jobs in the order in which they are to begin. Out: nothing, or the first failure, after which nobody begins another.
//! What comes of a job is for whoever gives it out to collect.

use std::sync::{Mutex, PoisonError};

use crate::Error;

/// Does all jobs on several threads. Each thread keeps something of its own from one job to the next, such as open files.
///
/// # Errors
/// The first that a job gives.
pub(super) fn each<Job: Send, Kept>(
    jobs: Vec<Job>,
    threads: usize,
    begin: impl Fn() -> Kept + Sync,
    work: impl Fn(Job, &mut Kept) -> Result<(), Error> + Sync,
) -> Result<(), Error> {
    let threads = threads.min(jobs.len());
    let queue = Mutex::new(jobs.into_iter());
    let failure: Mutex<Option<Error>> = Mutex::new(None);
    let work_off = || -> Result<(), Error> {
        let mut kept = begin();
        while let Some(job) = { queue.lock().unwrap_or_else(PoisonError::into_inner).next() } {
            work(job, &mut kept)?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                if let Err(error) = work_off() {
                    failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                    // Whoever asks next finds the queue empty.
                    queue.lock().unwrap_or_else(PoisonError::into_inner).by_ref().for_each(drop);
                }
            });
        }
    });
    failure.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn bug(number: usize) -> Error {
        Error::Bug { message: number.to_string() }
    }

    #[test]
    fn every_job_is_done_once_on_any_number_of_threads() {
        let jobs: Vec<usize> = (0..1000).collect();
        for threads in [1, 2, 7] {
            let done = Mutex::new(Vec::new());
            let work = |job: usize, count: &mut usize| {
                *count += 1;
                done.lock().unwrap().push((job, *count));
                Ok(())
            };
            each(jobs.clone(), threads, || 0, work).unwrap();
            let mut done = done.into_inner().unwrap();
            if threads == 1 {
                assert_eq!(done.last(), Some(&(999, 1000)));
            }
            done.sort_unstable();
            assert_eq!(done.iter().map(|(job, _)| *job).collect::<Vec<_>>(), jobs);
        }
        each(Vec::<usize>::new(), 4, || (), |_, ()| Err(bug(0))).unwrap();
    }

    #[test]
    fn after_a_failure_no_job_is_begun() {
        let begun = AtomicUsize::new(0);
        let work = |job: usize, (): &mut ()| {
            begun.fetch_add(1, Ordering::Relaxed);
            if job == 3 { Err(bug(job)) } else { Ok(()) }
        };
        let failed = each((0..1000).collect(), 1, || (), work).unwrap_err();
        assert!(failed.to_string().contains('3'), "{failed}");
        assert_eq!(begun.into_inner(), 4);
    }
}
