//! The lock of a warehouse in an object store: an object that says who publishes, renewed as long as that is true.
//!
//! ```text
//!  none, released, stale ──take──► held ──renew, every `renewed`──► held ──drop──► released
//!                                   └── not renewed for `expires`, or its process is dead ──► stale
//! ```
//!
//! The object is only ever replaced over the state that was seen, so of two runs one gets it. A lease alone makes nothing
//! safe, since its holder may sleep and wake up late: the pointer of the warehouse does, see `pool`. Clocks of machines
//! that share a warehouse may differ by much less than `expires`.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use super::Hold;
use crate::{
    publish::{
        Error,
        warehouse::{from_json, sentence, to_json},
    },
    storage::{
        local::{
            self,
            lock::{Holder, age, now_precisely},
        },
        vault::{Mark, Vault},
    },
};

/// The object.
const LOCK: &str = "lock.json";

/// How long a lease lasts.
#[derive(Debug, Clone, Copy)]
pub(in crate::publish) struct Timing {
    /// How often it is renewed.
    pub renewed: Duration,
    /// After so long without renewal its holder counts as dead.
    pub expires: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self { renewed: Duration::from_secs(20), expires: Duration::from_mins(2) }
    }
}

/// What the object says.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Note {
    #[serde(flatten)]
    holder: Holder,
    /// The last sign of life: RFC 3339, UTC.
    renewed_at: String,
    /// Whether the run ended by itself.
    #[serde(default)]
    released: bool,
}

impl Note {
    fn of(holder: &Holder, released: bool) -> Self {
        Self { holder: holder.clone(), renewed_at: now_precisely(), released }
    }

    /// Returns whether its holder is gone without having said so.
    fn is_stale(&self, vault: &Vault, timing: Timing) -> bool {
        // A time that nobody can read is no sign of life.
        age(&self.renewed_at).is_none_or(|age| age >= timing.expires) || is_dead(&self.holder, vault)
    }
}

/// Returns whether a process of this machine is known to be dead.
fn is_dead(holder: &Holder, vault: &Vault) -> bool {
    let processes = Path::new("/proc");
    let this = Holder::this_process("");
    if holder.host != this.host || !local::exists(&processes.join("self")) {
        return false;
    }
    // In a container every run may have the same number.
    if holder.pid == this.pid {
        return !alive().contains(&held(vault, holder));
    }
    !local::exists(&processes.join(holder.pid.to_string()))
}

/// The leases that this process holds: addresses and runs.
static ALIVE: Mutex<BTreeSet<(String, String)>> = Mutex::new(BTreeSet::new());

fn held(vault: &Vault, holder: &Holder) -> (String, String) {
    (vault.shown(""), holder.run.clone())
}

fn alive() -> MutexGuard<'static, BTreeSet<(String, String)>> {
    ALIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What became of an attempt.
pub(super) enum Taken {
    Ours(Lease),
    /// None when somebody was faster and has not been read.
    Theirs(Option<Holder>),
}

/// Takes the lease of a warehouse, without waiting.
pub(super) fn take(vault: &Vault, holder: &Holder, timing: Timing) -> Result<Taken, Error> {
    let path = Path::new(LOCK);
    let found = vault.read(LOCK)?;
    let note: Option<Note> = found.as_ref().and_then(|found| from_json(path, &found.bytes).ok());
    let is_inherited = match &note {
        Some(note) if note.released => false,
        Some(note) if note.is_stale(vault, timing) => true,
        Some(note) => return Ok(Taken::Theirs(Some(note.holder.clone()))),
        // What cannot be read says nothing about who lives.
        None => found.is_some(),
    };
    let bytes = to_json(path, &Note::of(holder, false))?;
    let Some(mark) = vault.replace(LOCK, bytes, found.as_ref().map(|found| &found.mark))? else {
        return Ok(Taken::Theirs(None));
    };
    alive().insert(held(vault, holder));
    Ok(Taken::Ours(Lease::begin(vault.clone(), holder.clone(), mark, timing, is_inherited)))
}

/// A lease that is held and renewed; dropping it releases it.
#[derive(Debug)]
pub(super) struct Lease {
    state: Arc<State>,
    renewing: Option<JoinHandle<()>>,
    is_inherited: bool,
}

#[derive(Debug)]
struct State {
    vault: Vault,
    holder: Holder,
    timing: Timing,
    /// None once another run has taken the warehouse over.
    mark: Mutex<Option<Mark>>,
    is_over: Mutex<bool>,
    over: Condvar,
    is_abandoned: AtomicBool,
}

impl State {
    fn mark(&self) -> MutexGuard<'_, Option<Mark>> {
        self.mark.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the object over what this run wrote last.
    fn write(&self, released: bool) -> Result<(), Error> {
        let mut mark = self.mark();
        if let Some(last) = mark.as_ref() {
            let bytes = to_json(Path::new(LOCK), &Note::of(&self.holder, released))?;
            *mark = self.vault.replace(LOCK, bytes, Some(last))?;
        }
        Ok(())
    }

    /// Gives signs of life until the run is over or has lost the lease.
    fn renew(&self) {
        let mut last = Instant::now();
        loop {
            let is_over = self.is_over.lock().unwrap_or_else(PoisonError::into_inner);
            let (is_over, _) = self
                .over
                .wait_timeout_while(is_over, self.timing.renewed, |is_over| !*is_over)
                .unwrap_or_else(PoisonError::into_inner);
            if *is_over {
                return;
            }
            drop(is_over);
            match self.write(false) {
                Ok(()) => last = Instant::now(),
                Err(error) if last.elapsed() >= self.timing.expires => {
                    tracing::warn!("the lock of `{}` could not be renewed: {error}", self.vault.shown(""));
                    *self.mark() = None;
                }
                Err(_) => {}
            }
            if self.mark().is_none() {
                return;
            }
        }
    }
}

impl Lease {
    fn begin(vault: Vault, holder: Holder, mark: Mark, timing: Timing, is_inherited: bool) -> Self {
        let (mark, is_over, over) = (Mutex::new(Some(mark)), Mutex::new(false), Condvar::new());
        let is_abandoned = AtomicBool::new(false);
        let state = Arc::new(State { vault, holder, timing, mark, is_over, over, is_abandoned });
        let renewed = Arc::clone(&state);
        let renewing = std::thread::Builder::new().name("lease".to_owned()).spawn(move || renewed.renew());
        if let Err(error) = &renewing {
            tracing::warn!("the lock cannot be renewed: {error}");
        }
        Self { state, renewing: renewing.ok(), is_inherited }
    }
}

impl Hold for Lease {
    fn is_inherited(&self) -> bool {
        self.is_inherited
    }

    fn abandon(&self) {
        self.state.is_abandoned.store(true, Ordering::Relaxed);
    }

    fn check(&self) -> Result<(), Error> {
        // Also asks the store: between two renewals nobody would know.
        self.state.write(false)?;
        if self.state.mark().is_some() {
            return Ok(());
        }
        let found = self.state.vault.read(LOCK)?;
        let note: Option<Note> = found.and_then(|found| from_json(Path::new(LOCK), &found.bytes).ok());
        let holder = sentence(note.map(|note| note.holder));
        Err(Error::Busy { warehouse: self.state.vault.shown("").into(), holder })
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        *self.state.is_over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.state.over.notify_all();
        if let Some(renewing) = self.renewing.take() {
            let _ = renewing.join();
        }
        // What is not released is stale as soon as this process is gone.
        if !self.state.is_abandoned.load(Ordering::Relaxed)
            && let Err(error) = self.state.write(true)
        {
            tracing::warn!("{error}");
        }
        alive().remove(&held(&self.state.vault, &self.state.holder));
    }
}
