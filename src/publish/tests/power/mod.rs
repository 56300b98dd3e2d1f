//! Power cuts: whatever the disk has kept of what nobody waited for, a whole snapshot is served and the next run cleans up.
//!
//! ```text
//!  act on a warehouse ──► the steps on the disk ──► after each of them: what a power cut may leave (disk.rs)
//!                         (local::journal)              │ each state on a disk of its own
//!                                                       ▼
//!                              served: the snapshot before or the new one, all files as their manifest says
//!                              next:   begins, publishes, leaves no litter
//! ```
//!
//! `TALLYHOUSE_NIGHT` tries thousands of states instead of some dozens.

mod disk;

use std::{collections::BTreeSet, path::Path};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use self::disk::{Disk, Fate, Item, State, materialise};
use super::snapshots::stage;
use crate::{
    publish::Warehouse,
    record::{Manifest, StoredAt},
    storage::local::journal::recorded::{Recording, Step},
};

/// States of each act that are tried by day and by night.
const TRIED: [usize; 2] = [24, 4_000];
/// Random states after each step, by day and by night.
const RANDOM: [usize; 2] = [1, 400];

/// Something that is done to a warehouse.
struct Act {
    environment: Option<&'static str>,
    before: fn(&Warehouse),
    during: fn(&Warehouse),
}

/// What an act did to the disk, and what it published.
struct Recorded {
    environment: Option<&'static str>,
    start: Disk,
    steps: Vec<Step>,
    old: Option<Manifest>,
    new: Manifest,
}

/// A state after so many steps.
type Cut = (usize, State);

fn publish(warehouse: &Warehouse, run: &str, values: &[&str], keep: usize) {
    let lock = warehouse.lock(run).unwrap();
    let staging = warehouse.begin(&lock, run).unwrap();
    let manifest = stage(&staging, values);
    staging.prepare(manifest).unwrap().commit(keep).unwrap();
}

const FIRST: Act =
    Act { environment: None, before: |_| (), during: |warehouse| publish(warehouse, "run-1", &["a"], 3) };
const SECOND: Act = Act {
    environment: None,
    before: |warehouse| publish(warehouse, "run-1", &["a", "b"], 3),
    during: |warehouse| publish(warehouse, "run-2", &["a", "c"], 3),
};
const LAST_OF_ONE: Act = Act {
    environment: None,
    before: |warehouse| publish(warehouse, "run-1", &["a"], 2),
    during: |warehouse| {
        publish(warehouse, "run-2", &["b"], 1);
    },
};
const MANY: Act = Act {
    environment: None,
    before: |warehouse| {
        publish(warehouse, "run-1", &["a", "b"], 3);
        publish(warehouse, "run-2", &["a", "c", "d", "e"], 3);
    },
    during: |warehouse| publish(warehouse, "run-3", &["a", "b", "c", "f", "g", "h", "i", "j"], 1),
};
const ENVIRONMENT: Act = Act {
    environment: Some("dev"),
    before: |warehouse| publish(&Warehouse::open(warehouse.path(), None).unwrap(), "run-1", &["a"], 3),
    during: |warehouse| publish(warehouse, "run-2", &["a", "c"], 3),
};
const ROLLBACK: Act = Act {
    environment: None,
    before: |warehouse| {
        publish(warehouse, "run-1", &["a"], 3);
        publish(warehouse, "run-2", &["b"], 3);
    },
    during: |warehouse| {
        let lock = warehouse.lock("run-3").unwrap();
        warehouse.rollback(&lock, "1", "run-3", 3).unwrap();
    },
};
/// A second run after one that was killed before its flip.
const AFTER_A_KILL: Act = Act {
    environment: None,
    before: |warehouse| {
        let lock = warehouse.lock("run-1").unwrap();
        let staging = warehouse.begin(&lock, "run-1").unwrap();
        let manifest = stage(&staging, &["a"]);
        // Its files stay, as a kill leaves them.
        std::mem::forget(staging.prepare(manifest).unwrap());
        drop(lock);
        std::fs::remove_file(warehouse.path().join("lock")).unwrap();
    },
    during: |warehouse| publish(warehouse, "run-2", &["b"], 3),
};

/// A folder in memory, where there is one: a power cut on it is only imagined anyway.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn open(root: &Path, environment: Option<&str>) -> Warehouse {
    Warehouse::open(&root.join("warehouse"), environment).unwrap()
}

fn record(act: &Act) -> Recorded {
    let folder = folder();
    let root = folder.path().canonicalize().unwrap();
    (act.before)(&open(&root, act.environment));
    let warehouse = open(&root, act.environment);
    let old = warehouse.current().unwrap();
    let (start, recording) = (Disk::load(&root), Recording::start(&root));
    (act.during)(&warehouse);
    let steps = recording.finish();
    let new = open(&root, act.environment).current().unwrap().unwrap();
    assert_ne!(old.as_ref().map(|old| &old.snapshot), Some(&new.snapshot));
    Recorded { environment: act.environment, start, steps, old, new }
}

/// Returns every state that some power cut leaves, each once, with the number of steps before it.
fn cuts(recorded: &Recorded, random_states: usize) -> Vec<Cut> {
    let mut random = ChaCha8Rng::seed_from_u64(20_260_630);
    let (mut disk, mut seen, mut cuts) = (recorded.start.clone(), BTreeSet::new(), Vec::new());
    for done in 0..=recorded.steps.len() {
        if done > 0 {
            disk.apply(&recorded.steps[done - 1]);
        }
        let (lost, open) = disk.cut(Fate::Lost);
        let mut states = vec![lost, disk.cut(Fate::Kept).0, disk.cut(Fate::Emptied).0];
        states.extend((0..open).map(|lost| disk.cut(Fate::AllBut(lost)).0));
        states.extend((0..random_states).map(|_| disk.cut(Fate::Random(&mut random)).0));
        // After the last step the act has promised that its snapshot stays.
        let is_over = done == recorded.steps.len();
        cuts.extend(
            states.into_iter().filter(|state| seen.insert((is_over, digest(state)))).map(|state| (done, state)),
        );
    }
    cuts
}

fn digest(state: &State) -> String {
    // What is staged is thrown away whatever it is.
    let told: Vec<_> = state.iter().filter(|(path, _)| !path.starts_with("warehouse/staging")).collect();
    blake3::hash(format!("{told:?}").as_bytes()).to_hex().to_string()
}

/// Returns what is wrong with a warehouse after a power cut, if anything is.
fn judge(recorded: &Recorded, (done, state): &Cut) -> Result<(), String> {
    let folder = folder();
    let root = folder.path().canonicalize().unwrap();
    materialise(state, &root);
    let warehouse = open(&root, recorded.environment);
    let said = |error: crate::publish::Error| error.to_string();
    let served = warehouse.current().map_err(said)?;
    let (is_old, is_new) = (served == recorded.old, served.as_ref() == Some(&recorded.new));
    let is_over = *done == recorded.steps.len();
    if !is_new && (is_over || !is_old) {
        return Err(format!("{:?} is served", served.map(|served| served.snapshot)));
    }
    if recorded.new.held && is_new && !warehouse.is_held().map_err(said)? {
        return Err("a rollback is served and not held".to_owned());
    }
    for snapshot in warehouse.snapshots().map_err(said)? {
        whole(&warehouse, &snapshot)?;
    }
    next_run(&warehouse, &root)
}

/// Asserts that every file of a snapshot is what the manifest says.
fn whole(warehouse: &Warehouse, manifest: &Manifest) -> Result<(), String> {
    for (name, table) in &manifest.tables {
        for file in table.partitions.iter().flat_map(|partition| &partition.files) {
            let StoredAt::Disk(path) = warehouse.file(&manifest.snapshot, name, file) else { continue };
            let bytes = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            if blake3::hash(&bytes).to_hex().as_str() != file.blake3 {
                return Err(format!("{} has other bytes", path.display()));
            }
        }
    }
    Ok(())
}

/// Publishes once more and looks for litter.
fn next_run(warehouse: &Warehouse, root: &Path) -> Result<(), String> {
    let said = |error: crate::publish::Error| format!("the next run says: {error}");
    let lock = warehouse.lock("next").map_err(said)?;
    warehouse.release(&lock).map_err(said)?;
    let staging = warehouse.begin(&lock, "next").map_err(said)?;
    let manifest = stage(&staging, &["a", "z"]);
    let next = staging.prepare(manifest).map_err(said)?.commit(3).map_err(said)?;
    let warehouse = open(root, None);
    let snapshots = warehouse.snapshots().map_err(said)?;
    snapshots.iter().try_for_each(|snapshot| whole(&warehouse, snapshot))?;
    let listed: Vec<&str> = snapshots.iter().rev().map(|snapshot| snapshot.snapshot.as_str()).collect();
    let names = |folder: &str| crate::storage::local::list(&root.join("warehouse").join(folder)).unwrap();
    if names("snapshots") != listed || !listed.contains(&next.snapshot.as_str()) {
        return Err(format!("the snapshots {:?} are there and {listed:?} are listed", names("snapshots")));
    }
    let known = ["current", "current.json", "env", "lock", "snapshots", "staging"];
    let litter: Vec<String> = names("").into_iter().filter(|name| !known.contains(&name.as_str())).collect();
    let half: Vec<String> = names("env").into_iter().filter(|name| name.starts_with('.')).collect();
    match litter.is_empty() && half.is_empty() && names("staging").is_empty() {
        true => Ok(()),
        false => Err(format!("left over: {litter:?} {half:?} {:?}", names("staging"))),
    }
}

fn told(recorded: &Recorded, cut: &Cut, wrong: &str) -> String {
    let step = cut.0.checked_sub(1).map(|last| shown(&recorded.steps[last]));
    let left: Vec<String> = cut.1.iter().map(|(path, item)| format!("    {}{}", path.display(), kind(item))).collect();
    format!("{wrong}\n  after step {} {}\n{}", cut.0, step.unwrap_or_default(), left.join("\n"))
}

fn shown(step: &Step) -> String {
    match step {
        Step::Rename(from, to, _) => format!("Rename({}, {})", from.display(), to.display()),
        Step::Sync(path, _) => format!("Sync({})", path.display()),
        other => format!("{other:?}"),
    }
}

fn kind(item: &Item) -> String {
    match item {
        Item::File(bytes) => format!(" ({} bytes)", bytes.len()),
        Item::Folder => "/".to_owned(),
        Item::Symlink(target) => format!(" -> {}", target.display()),
    }
}

/// Tries power cuts during an act, by night all of them or thousands.
#[expect(clippy::print_stderr, reason = "says how much was tried")]
fn survives(act: &Act) {
    let recorded = record(act);
    let is_night = usize::from(std::env::var_os("TALLYHOUSE_NIGHT").is_some());
    let mut cuts = cuts(&recorded, RANDOM[is_night]);
    let all = cuts.len();
    let mut random = ChaCha8Rng::seed_from_u64(7);
    while cuts.len() > TRIED[is_night] {
        cuts.swap_remove(random.random_range(0..cuts.len()));
    }
    let wrong: Vec<String> =
        cuts.iter().filter_map(|cut| Some(told(&recorded, cut, &judge(&recorded, cut).err()?))).collect();
    eprintln!("{} of {all} states after {} steps", cuts.len(), recorded.steps.len());
    assert!(wrong.is_empty(), "{} of {} states ({all} in all): {}", wrong.len(), cuts.len(), wrong[0]);
}

#[test]
fn a_first_publication_survives_power_cuts() {
    survives(&FIRST);
}

#[test]
fn a_second_publication_survives_power_cuts() {
    survives(&SECOND);
}

#[test]
fn a_publication_that_removes_the_old_snapshot_survives_power_cuts() {
    survives(&LAST_OF_ONE);
}

#[test]
fn the_first_publication_of_an_environment_survives_power_cuts() {
    survives(&ENVIRONMENT);
}

#[test]
fn a_publication_of_many_files_survives_power_cuts() {
    survives(&MANY);
}

#[test]
fn a_rollback_survives_power_cuts() {
    survives(&ROLLBACK);
}

#[test]
fn a_run_that_cleans_up_after_a_killed_one_survives_power_cuts() {
    survives(&AFTER_A_KILL);
}

#[test]
fn what_was_released_is_not_held_again_after_a_power_cut() {
    let folder = folder();
    let root = folder.path().canonicalize().unwrap();
    (ROLLBACK.before)(&open(&root, None));
    let warehouse = open(&root, None);
    (ROLLBACK.during)(&warehouse);
    let (mut disk, recording) = (Disk::load(&root), Recording::start(&root));
    let lock = warehouse.lock("release").unwrap();
    warehouse.release(&lock).unwrap().unwrap();
    recording.finish().iter().for_each(|step| disk.apply(step));
    let (state, _) = disk.cut(Fate::Lost);
    assert!(!state.contains_key(Path::new("warehouse/hold.json")), "{:?}", state.keys());
}

/// Tells by a path's last name whether nobody waits for it.
type LeftOut = fn(&str) -> bool;

/// Returns what goes wrong when some waits are left out, if anything does.
fn without(recorded: &Recorded, is_left_out: impl Fn(&Path) -> bool) -> Option<String> {
    let steps: Vec<Step> = recorded
        .steps
        .iter()
        .filter(|step| !matches!(step, Step::Sync(path, _) if is_left_out(path)))
        .cloned()
        .collect();
    assert!(steps.len() < recorded.steps.len(), "no such wait");
    let (start, old, new) = (recorded.start.clone(), recorded.old.clone(), recorded.new.clone());
    let careless = Recorded { environment: recorded.environment, start, steps, old, new };
    cuts(&careless, 0).iter().rev().find_map(|cut| judge(&careless, cut).err())
}

#[test]
fn a_wait_that_is_left_out_is_found() {
    let recorded = record(&SECOND);
    let left_out: [(&str, LeftOut); 7] = [
        ("bytes of data files", |name| name.ends_with(".parquet")),
        ("names of data files", |name| name.starts_with("kind=")),
        ("names of partitions", |name| name == "data"),
        ("the manifest", |name| name == "manifest.json"),
        ("the manifest's name", |name| name.starts_with("000002-")),
        ("the snapshot's name", |name| name == "snapshots"),
        ("the link", |name| name == "warehouse"),
    ];
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    for (what, is_left_out) in left_out {
        let found = without(&recorded, |path| is_left_out(&name(path)));
        assert!(found.is_some(), "nobody notices that {what} may be lost");
    }
    assert_eq!(without(&recorded, |path| name(path) == "views.sql"), None, "no table is lost with the views");
}
