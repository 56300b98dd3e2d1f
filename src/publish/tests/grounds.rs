//! One suite for every ground that a warehouse can stand on: the local disk, a store in memory, a server that speaks S3.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use object_store::{ObjectStore, aws::AmazonS3Builder, memory::InMemory};

use super::snapshots::{publish, stage};
use crate::{
    publish::{
        Error, Finder, Prepared, Remembered, Warehouse,
        depot::{Pool, Timing, Tree},
        same_content,
    },
    record::{Manifest, StoredAt, TableName},
    storage::{
        local::lock::Holder,
        vault::{Upload, Vault},
    },
};

/// Where warehouses stand, with what must stay alive as long as they do.
struct Ground {
    name: &'static str,
    vault: Option<Vault>,
    folder: tempfile::TempDir,
    _server: Option<Server>,
}

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const QUICK: Timing = Timing { renewed: Duration::from_millis(50), expires: Duration::from_secs(5) };

impl Ground {
    fn over(name: &'static str, store: Arc<dyn ObjectStore>, server: Option<Server>) -> Self {
        let vault = Vault::around(store, &format!("{name}://{}", fresh())).unwrap();
        Self { name, vault: Some(vault), folder: tempfile::tempdir().unwrap(), _server: server }
    }

    fn memory() -> Self {
        Self::over("memory", Arc::new(InMemory::new()), None)
    }

    /// All of them; a server of S3 only where Python has one.
    fn all() -> Vec<Self> {
        let disk = Self { name: "disk", vault: None, folder: tempfile::tempdir().unwrap(), _server: None };
        [Some(disk), Some(Self::memory()), s3()].into_iter().flatten().collect()
    }

    fn open(&self, env: Option<&str>) -> Warehouse {
        match &self.vault {
            None => {
                Warehouse::over(Arc::new(Tree::open(&self.folder.path().join("仓库")).unwrap()), None, env).unwrap()
            }
            Some(vault) => {
                let pool = Pool::new(vault.clone(), QUICK);
                Warehouse::over(Arc::new(pool), Some(vault.client()), env).unwrap()
            }
        }
    }

    /// Returns the content of a data file.
    fn bytes(
        &self,
        warehouse: &Warehouse,
        snapshot: &str,
        table: &TableName,
        file: &crate::record::manifest::DataFile,
    ) -> Option<Vec<u8>> {
        match warehouse.file(snapshot, table, file) {
            StoredAt::Disk(path) => std::fs::read(path).ok(),
            StoredAt::Store(key) => self.vault.as_ref()?.read(&key).unwrap().map(|found| found.bytes.to_vec()),
        }
    }

    /// Asserts that all files of a snapshot are there with the bytes that the manifest names.
    fn is_whole(&self, warehouse: &Warehouse, manifest: &Manifest) {
        let mut count = 0;
        for (name, table) in &manifest.tables {
            for file in table.partitions.iter().flat_map(|partition| &partition.files) {
                let bytes = self.bytes(warehouse, &manifest.snapshot, name, file);
                let hash = bytes.map(|bytes| blake3::hash(&bytes).to_hex().to_string());
                assert_eq!(hash.as_ref(), Some(&file.blake3), "{}: {name} {}", self.name, file.path);
                count += 1;
            }
        }
        assert!(count > 0, "{}", self.name);
    }

    /// Returns how many data files an object store has.
    fn data_files(&self) -> BTreeSet<String> {
        let keys = self.vault.as_ref().unwrap().keys("").unwrap();
        keys.into_iter().filter(|key| Path::new(key).extension().is_some_and(|end| end == "parquet")).collect()
    }
}

/// Returns a name that no other test has.
fn fresh() -> String {
    tempfile::tempdir().unwrap().path().file_name().unwrap().to_string_lossy().into_owned()
}

/// Starts a server; `.ci/run` installs what it needs.
fn s3() -> Option<Ground> {
    let installed = Command::new("python3").args(["-c", "import moto.server, boto3"]).output();
    if !installed.is_ok_and(|output| output.status.success()) {
        assert!(std::env::var_os("TALLYHOUSE_OUTSIDE").is_none(), "python3 with moto[server] and boto3 is needed");
        return None;
    }
    let (empty, script) =
        (tempfile::tempdir().unwrap(), Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/outside/place.py"));
    let mut command = Command::new("python3");
    command.arg(script).arg("s3").arg(empty.path()).arg("house").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut process = command.spawn().unwrap();
    let mut address = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut address).unwrap();
    let client = AmazonS3Builder::new()
        .with_bucket_name("house")
        .with_region("us-east-1")
        .with_endpoint(address.trim())
        .with_allow_http(true)
        .with_access_key_id("test")
        .with_secret_access_key("test")
        .build()
        .unwrap();
    Some(Ground::over("s3", Arc::new(client), Some(Server(process))))
}

fn prepare(warehouse: &Warehouse, run: &str, values: &[&str]) -> Prepared {
    let lock = warehouse.lock(run).unwrap();
    let staging = warehouse.begin(&lock, run).unwrap();
    let manifest = stage(&staging, values);
    staging.prepare(manifest).unwrap()
}

#[test]
fn what_is_published_is_served_whole_and_unchanged_files_are_shared() {
    for ground in Ground::all() {
        let warehouse = ground.open(None);
        assert_eq!((warehouse.served().unwrap(), warehouse.snapshots().unwrap()), (None, vec![]), "{}", ground.name);
        let first = publish(&warehouse, "run-1", &["a", "b/c", "50%", "客户's"]);
        assert_eq!(warehouse.current().unwrap(), Some(first.clone()), "{}", ground.name);
        ground.is_whole(&warehouse, &first);
        let second = publish(&warehouse, "run-2", &["a", "d"]);
        assert_eq!(second.parent.as_ref(), Some(&first.snapshot), "{}", ground.name);
        assert!(second.snapshot.starts_with("000002-") && !same_content(&first, &second), "{}", ground.name);
        ground.is_whole(&warehouse, &second);
        ground.is_whole(&warehouse, &first);
        assert_eq!(warehouse.snapshots().unwrap(), [second.clone(), first], "{}", ground.name);
        assert_eq!(ground.open(None).current().unwrap(), Some(second), "{}", ground.name);
    }
}

#[test]
fn of_two_runs_one_publishes_and_the_other_is_told_who_does() {
    for ground in Ground::all() {
        let warehouse = ground.open(None);
        let lock = warehouse.lock("run-1").unwrap();
        let error = ground.open(Some("dev")).lock("run-2").unwrap_err();
        assert!(error.to_string().starts_with("run `run-1` (process "), "{}: {error}", ground.name);
        assert_eq!(crate::Error::from(error).exit_code(), 4);
        // Longer than an unrenewed lease would last; locks of the disk do not end.
        if ground.vault.is_some() {
            std::thread::sleep(QUICK.expires + QUICK.renewed);
        }
        assert!(matches!(warehouse.lock("run-2"), Err(Error::Busy { .. })), "{}", ground.name);
        drop(lock);
        warehouse.lock("run-2").unwrap();
    }
}

#[test]
fn a_snapshot_published_in_between_is_not_overwritten() {
    for ground in Ground::all() {
        let warehouse = ground.open(None);
        let first = publish(&warehouse, "run-1", &["a"]);
        let lock = warehouse.lock("run-2").unwrap();
        let late = warehouse.begin(&lock, "run-2").unwrap();
        let manifest = stage(&late, &["late"]);
        let late = late.prepare(manifest).unwrap();
        let winner = {
            let staging = warehouse.begin(&lock, "run-3").unwrap();
            let manifest = stage(&staging, &["winner"]);
            staging.prepare(manifest).unwrap().commit(3).unwrap()
        };
        let error = late.commit(3).unwrap_err();
        let said = format!("points at `{}` instead of `{}`", winner.snapshot, first.snapshot);
        assert!(error.to_string().contains(&said), "{}: {error}", ground.name);
        assert_eq!(warehouse.current().unwrap(), Some(winner.clone()), "{}", ground.name);
        ground.is_whole(&warehouse, &winner);
    }
}

#[test]
fn two_first_publications_do_not_overwrite_each_other() {
    for ground in Ground::all() {
        let warehouse = ground.open(None);
        let lock = warehouse.lock("run-1").unwrap();
        let late = warehouse.begin(&lock, "run-1").unwrap();
        let manifest = stage(&late, &["late"]);
        let winner = {
            let staging = warehouse.begin(&lock, "run-2").unwrap();
            let manifest = stage(&staging, &["winner"]);
            staging.prepare(manifest).unwrap().commit(3).unwrap()
        };
        // Beginning a run removed the folder of the other one, as if it had been killed.
        assert!(late.prepare(manifest).is_err(), "{}", ground.name);
        assert_eq!(warehouse.current().unwrap(), Some(winner), "{}", ground.name);
    }
}

#[test]
fn the_newest_snapshots_stay_with_all_their_files() {
    for ground in Ground::all() {
        let warehouse = ground.open(None);
        let names: Vec<String> =
            ["a", "b", "c", "a", "e"].map(|value| publish(&warehouse, value, &[value, "same"]).snapshot).into();
        let kept = warehouse.snapshots().unwrap();
        let ids: Vec<&str> = kept.iter().map(|manifest| manifest.snapshot.as_str()).collect();
        assert_eq!(ids, [&names[4], &names[3], &names[2]], "{}", ground.name);
        for manifest in &kept {
            ground.is_whole(&warehouse, manifest);
        }
        if ground.vault.is_some() {
            // `b` left with its snapshot; `a` is needed again. Two tables each.
            assert_eq!(ground.data_files().len(), 2 * ["a", "c", "e", "same"].len(), "{:?}", ground.data_files());
        }
    }
}

#[test]
fn a_rollback_is_whole_and_held_until_it_is_released() {
    for ground in Ground::all() {
        let warehouse = ground.open(None);
        let first = publish(&warehouse, "run-1", &["a"]);
        let second = publish(&warehouse, "run-2", &["b"]);
        let lock = warehouse.lock("rollback").unwrap();
        let back = warehouse.rollback(&lock, "1", "rollback", 1).unwrap();
        assert!(same_content(&back, &first) && back.held, "{}", ground.name);
        assert_eq!(back.parent, Some(second.snapshot), "{}", ground.name);
        ground.is_whole(&warehouse, &back);
        drop(lock);
        let refused = prepare(&warehouse, "run-3", &["c"]).commit(3).unwrap_err();
        assert!(matches!(&refused, Error::Held { .. }), "{}: {refused}", ground.name);
        assert_eq!(warehouse.served().unwrap(), Some(back.snapshot.clone()), "{}", ground.name);
        let lock = warehouse.lock("release").unwrap();
        assert_eq!(warehouse.release(&lock).unwrap().unwrap().snapshot, back.snapshot, "{}", ground.name);
        assert_eq!(warehouse.release(&lock).unwrap(), None, "{}", ground.name);
        drop(lock);
        publish(&warehouse, "run-4", &["c"]);
    }
}

#[test]
fn an_environment_shares_files_and_leaves_production_alone() {
    for ground in Ground::all() {
        let (warehouse, dev) = (ground.open(None), ground.open(Some("dev")));
        let first = publish(&warehouse, "run-1", &["a"]);
        assert_eq!((dev.served().unwrap(), dev.current().unwrap()), (None, Some(first.clone())), "{}", ground.name);
        for (run, value) in [("d1", "b"), ("d2", "c"), ("d3", "d"), ("d4", "e"), ("d5", "f")] {
            publish(&dev, run, &["a", value]);
        }
        assert_eq!(warehouse.current().unwrap(), Some(first.clone()), "{}", ground.name);
        ground.is_whole(&warehouse, &first);
        let latest = dev.current().unwrap().unwrap();
        ground.is_whole(&dev, &latest);
        assert_eq!(publish(&warehouse, "run-2", &["z"]).parent, Some(first.snapshot), "{}", ground.name);
        assert_eq!(dev.served().unwrap(), Some(latest.snapshot), "{}", ground.name);
    }
}

#[test]
fn what_runs_remember_comes_back_whole_or_not_at_all_and_goes_with_its_table() {
    let (sales, gone) = (TableName::new("core", "sales"), TableName::new("core", "gone"));
    let keep = |remembered: &Remembered, table: &TableName, pieces: &[&[u8]]| {
        let mut keeping = remembered.keep(table, &blake3::hash(b"1"));
        for piece in pieces {
            keeping.piece([&Remembered::begin()[..], piece].concat());
        }
        keeping.finish();
    };
    for ground in Ground::all() {
        let remembered = |env| Finder::new(&ground.open(env), ground.folder.path().to_owned(), None).remembered();
        let recalled = |env, table: &TableName, key: &[u8]| {
            let kept = remembered(env).recall(table, &blake3::hash(key)).next()?;
            Some(kept[Remembered::begin().len()..].to_vec())
        };
        publish(&ground.open(None), "run-1", &["a"]);
        assert_eq!(recalled(None, &sales, b"1"), None, "{}", ground.name);
        for (env, table, said) in
            [(None, &sales, "an older"), (None, &sales, "客户's"), (None, &gone, "x"), (Some("dev"), &sales, "")]
        {
            keep(&remembered(env), table, &[said.as_bytes()]);
        }
        assert_eq!(recalled(None, &sales, b"1").unwrap(), "客户's".as_bytes(), "{}", ground.name);
        assert_eq!(recalled(None, &sales, b"2"), None, "under another key on {}", ground.name);
        assert_eq!(recalled(Some("dev"), &sales, b"1").unwrap(), b"", "{}", ground.name);
        assert!(recalled(None, &gone, b"1").is_some(), "{}", ground.name);
        // The environment serves nothing yet, and production has no such table as the other one.
        publish(&ground.open(None), "run-2", &["b"]);
        assert_eq!(recalled(None, &gone, b"1"), None, "{}", ground.name);
        assert_eq!(recalled(Some("dev"), &sales, b"1"), None, "{}", ground.name);
        assert!(recalled(None, &sales, b"1").is_some(), "{}", ground.name);
        let nameless = TableName::new("core", "it's/no file");
        keep(&remembered(None), &nameless, &[b"x"]);
        assert_eq!(recalled(None, &nameless, b"1"), None, "{}", ground.name);
        let pieces = || {
            let recalled = remembered(None).recall(&sales, &blake3::hash(b"1"));
            recalled.map(|piece| piece[Remembered::begin().len()..].to_vec()).collect::<Vec<_>>()
        };
        keep(&remembered(None), &sales, &[b"a", b"b", b"c"]);
        assert_eq!(pieces(), [b"a", b"b", b"c"], "{}", ground.name);
        publish(&ground.open(None), "run-3", &["c"]);
        assert_eq!(pieces().len(), 3, "pieces of a served table stay on {}", ground.name);
        // A run that was killed had replaced the first piece.
        let mut killed = remembered(None).keep(&sales, &blake3::hash(b"1"));
        killed.piece([&Remembered::begin()[..], b"new"].concat());
        assert_eq!(pieces(), [b"new"], "what belongs to another first piece is none on {}", ground.name);
        keep(&remembered(None), &sales, &[b"a", b"d"]);
        assert_eq!(pieces(), [b"a", b"d"], "the third piece is gone on {}", ground.name);
    }
}

#[test]
fn what_is_not_published_leaves_nothing() {
    for ground in Ground::all() {
        let warehouse = ground.open(None);
        let first = publish(&warehouse, "run-1", &["a"]);
        prepare(&warehouse, "run-2", &["b"]).abort().unwrap();
        drop(prepare(&warehouse, "run-3", &["a", "c"]));
        // A run that was killed after its manifest stood.
        std::mem::forget(prepare(&warehouse, "run-4", &["a", "d"]));
        assert_eq!(warehouse.current().unwrap(), Some(first.clone()), "{}", ground.name);
        ground.is_whole(&warehouse, &first);
        if let Some(vault) = &ground.vault {
            // What was forgotten still holds the lease.
            vault.remove(["lock.json".to_owned()]).unwrap();
        } else {
            std::fs::remove_file(warehouse.path().join("lock")).unwrap();
        }
        let lock = warehouse.lock("run-5").unwrap();
        drop(warehouse.begin(&lock, "run-5").unwrap());
        assert_eq!(warehouse.depot.names("snapshots").unwrap(), [first.snapshot.as_str()], "{}", ground.name);
        if ground.vault.is_some() {
            assert_eq!(ground.data_files().len(), 2, "{}", ground.name);
        }
        ground.is_whole(&warehouse, &first);
    }
}

#[test]
fn damaged_manifests_and_unknown_snapshots_are_told_apart() {
    for ground in Ground::all() {
        let warehouse = ground.open(None);
        let manifest = publish(&warehouse, "run-1", &["a"]);
        let name = format!("snapshots/{}/manifest.json", manifest.snapshot);
        warehouse.depot.write(&name, br#"{"manifest_version": 99, "surprise": true}"#.to_vec()).unwrap();
        assert!(matches!(warehouse.current(), Err(Error::ManifestVersion { found: 99, .. })), "{}", ground.name);
        warehouse.depot.write(&name, b"{".to_vec()).unwrap();
        assert!(matches!(warehouse.current(), Err(Error::Damaged { .. })), "{}", ground.name);
        for unknown in ["../lock", "000009-12345678", ""] {
            assert!(matches!(warehouse.manifest(unknown), Err(Error::UnknownSnapshot { .. })), "{}", ground.name);
        }
        let run = warehouse.record_run("run-1", &BTreeMap::from([("rows", 7)])).unwrap();
        assert!(run.ends_with("runs/run-1.json"), "{}", ground.name);
        assert_eq!(
            warehouse.depot.read("runs/run-1.json").unwrap().unwrap(),
            b"{\n  \"rows\": 7\n}\n",
            "{}",
            ground.name
        );
    }
}

/// Puts the lease of a run that is gone into a store, written so many seconds ago.
fn left_behind(vault: &Vault, host: &str, pid: u32, seconds: i64) {
    let holder = Holder { host: host.to_owned(), pid, ..Holder::this_process("gone") };
    let mut note = serde_json::to_value(&holder).unwrap();
    note["renewed_at"] = (chrono::Utc::now() - chrono::TimeDelta::seconds(seconds)).to_rfc3339().into();
    vault.overwrite("lock.json", note.to_string().into_bytes()).unwrap();
}

#[test]
fn a_dead_process_does_not_block_and_what_it_left_is_swept() {
    let ground = Ground::memory();
    let (vault, warehouse) = (ground.vault.as_ref().unwrap(), ground.open(None));
    let first = publish(&warehouse, "run-1", &["a"]);
    let here = Holder::this_process("x");
    left_behind(vault, "another-host", 1, 0);
    assert!(matches!(warehouse.lock("run-2"), Err(Error::Busy { holder, .. }) if holder.contains("another-host")));
    for (host, pid, seconds) in [("another-host", 1, 60), (&here.host, 4_000_000, 0), (&here.host, here.pid, 0)] {
        left_behind(vault, host, pid, seconds);
        for orphan in
            ["core/sales/data/kind=x/0.parquet", "private/staged/sales/data/1.parquet", "gone/table/data/2.parquet"]
        {
            vault.overwrite(orphan, b"x".to_vec()).unwrap();
        }
        let before = warehouse.depot.served(&warehouse.target).unwrap();
        let lock = warehouse.lock("run-2").unwrap();
        drop(warehouse.begin(&lock, "run-2").unwrap());
        assert_eq!(ground.data_files().len(), 2, "{host} {pid}");
        let after = warehouse.depot.served(&warehouse.target).unwrap();
        assert_eq!((after.snapshot, after.epoch), (before.snapshot, before.epoch + 1));
        ground.is_whole(&warehouse, &first);
    }
    vault.overwrite("lock.json", b"{".to_vec()).unwrap();
    warehouse.lock("run-3").unwrap();
}

#[test]
fn a_run_that_slept_too_long_publishes_nothing() {
    let ground = Ground::memory();
    let (vault, warehouse) = (ground.vault.as_ref().unwrap(), ground.open(None));
    for is_first in [true, false] {
        let sleeper = prepare(&warehouse, "sleeper", &["slept"]);
        // Its lease runs out, as far as others can see.
        left_behind(vault, "sleepers-host", 1, 60);
        let lock = warehouse.lock("awake").unwrap();
        let error = sleeper.commit(3).unwrap_err();
        assert!(matches!(&error, Error::Busy { holder, .. } if holder.contains("awake")), "{error}");
        assert_eq!(warehouse.served().unwrap().is_none(), is_first);
        drop(lock);
        let sleeper = prepare(&warehouse, "sleeper", &["slept"]);
        // Between its last look at the lease and the flip another run takes over: the pointer it has seen is no more.
        let seen = warehouse.depot.served(&warehouse.target).unwrap();
        left_behind(vault, "sleepers-host", 1, 60);
        let lock = warehouse.lock("awake").unwrap();
        let late = warehouse.depot.serve(&warehouse.target, &sleeper.manifest().snapshot, &seen);
        assert!(matches!(late, Err(Error::Moved { .. })), "{late:?}");
        drop((sleeper, lock));
        publish(&warehouse, "run", &[if is_first { "a" } else { "b" }]);
    }
}

#[test]
fn large_files_go_in_parts_and_a_key_that_is_there_is_left_alone() {
    for ground in Ground::all().into_iter().filter(|ground| ground.vault.is_some()) {
        let vault = ground.vault.as_ref().unwrap();
        let (large, small) = (ground.folder.path().join("large"), ground.folder.path().join("small"));
        let bytes: Vec<u8> = (0..35_u32 << 20).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        std::fs::write(&large, &bytes).unwrap();
        std::fs::write(&small, b"small").unwrap();
        let upload = |from: &Path, to: &str| {
            let (bytes, from) = (std::fs::metadata(from).unwrap().len(), from.to_owned());
            Upload { from, bytes, to: to.to_owned() }
        };
        let files = [upload(&large, "x/large 1%"), upload(&small, "x/小")];
        let mut new = Vec::new();
        vault.upload(&files, &mut new).unwrap();
        new.sort();
        assert_eq!(new, ["x/large 1%", "x/小"], "{}", ground.name);
        let mut again = Vec::new();
        vault.upload(&files, &mut again).unwrap();
        assert!(again.is_empty(), "{}", ground.name);
        let back = ground.folder.path().join("back");
        vault.download("x/large 1%", &back).unwrap();
        assert!(std::fs::read(&back).unwrap() == bytes, "{}", ground.name);
        let error =
            vault.upload(&[upload(&small, "x/y"), Upload { from: "none".into(), ..upload(&small, "z") }], &mut again);
        assert!(error.unwrap_err().to_string().contains("none"), "{}", ground.name);
        assert!(vault.download("nothing", &back).is_err(), "{}", ground.name);
    }
}

#[test]
fn what_a_killed_run_had_finished_is_taken_over_if_it_is_whole() {
    for ground in Ground::all() {
        let warehouse = ground.open(None);
        publish(&warehouse, "20260101-1", &["a"]);
        let name = TableName::new("core", "sales");
        let killed = |run: &str, damage: &dyn Fn(&Path)| {
            let lock = warehouse.lock(run).unwrap();
            let staging = warehouse.begin(&lock, run).unwrap();
            let manifest = stage(&staging, &["a", "b"]);
            staging.note_model(&name, "state", &manifest.tables[&name]).unwrap();
            let path = staging.path().to_owned();
            std::fs::write(path.join("core/sales/data/.0.new"), b"half").unwrap();
            damage(&path);
            // Dropping it would remove the folder.
            let aside = ground.folder.path().join("aside");
            std::fs::rename(&path, &aside).unwrap();
            drop(staging);
            std::fs::rename(&aside, &path).unwrap();
            manifest
        };
        let manifest = killed("20260102-1", &|_| ());
        let lock = warehouse.lock("20260103-1").unwrap();
        let staging = warehouse.begin(&lock, "20260103-1").unwrap();
        assert_eq!(staging.salvage().model(&name, &|| "another state".to_owned()), None, "{}", ground.name);
        let table = staging.salvage().model(&name, &|| "state".to_owned()).unwrap();
        assert_eq!(*table, manifest.tables[&name], "{}", ground.name);
        assert!(!staging.path().join("core/sales/data/.0.new").exists(), "{}", ground.name);
        // The other table's files were noted nowhere.
        let lost = &manifest.tables[&TableName::staged("sales")].partitions[1].files[0];
        assert!(!staging.file(&TableName::staged("sales"), lost).exists(), "{}", ground.name);
        let tables = BTreeMap::from([(name.clone(), table.clone())]);
        let done = staging.prepare(Manifest { tables, ..manifest }).unwrap().commit(3).unwrap();
        ground.is_whole(&warehouse, &done);
        drop(lock);
        let file = &done.tables[&name].partitions[1].files[0].path;
        for (run, damage) in [
            ("20260104-1", &(|path: &Path| std::fs::remove_dir_all(path.join("core")).unwrap()) as &dyn Fn(&Path)),
            ("20260105-1", &|path: &Path| {
                let file = path.join("core/sales/data").join(file);
                std::fs::remove_file(&file).unwrap();
                std::fs::write(&file, b"torn").unwrap();
            }),
            ("20260106-1", &|path: &Path| std::fs::write(path.join("done/model-core.sales.json"), b"{").unwrap()),
        ] {
            warehouse.rollback(&warehouse.lock("20260103-2").unwrap(), "1", "20260103-2", 9).unwrap_or(done.clone());
            killed(run, damage);
            let lock = warehouse.lock("20260107-1").unwrap();
            let staging = warehouse.begin(&lock, "20260107-1").unwrap();
            assert_eq!(staging.salvage().model(&name, &|| "state".to_owned()), None, "{} {run}", ground.name);
        }
    }
}
