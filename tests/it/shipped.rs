//! One publication of the fixtures, made once for all tests that only read it.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::OnceLock,
};

use serde_json::Value;

use crate::{project::Project, snapshot::Snapshot};

/// The fixtures, published.
pub struct Shipped {
    /// The warehouse; whoever changes it works on a copy.
    pub warehouse: PathBuf,
    /// The report of the run.
    pub report: Value,
    /// Held as long as the tests run: another test process would remove the folder.
    _lock: File,
}

/// Publishes the fixtures with two threads, or returns what an earlier test published.
pub fn published() -> &'static Shipped {
    static SHIPPED: OnceLock<Shipped> = OnceLock::new();
    SHIPPED.get_or_init(publish)
}

impl Shipped {
    /// Returns what readers of `current` find.
    pub fn current(&self) -> Snapshot {
        Snapshot::open(&self.warehouse.join("current"))
    }
}

fn publish() -> Shipped {
    let mut project = Project::shipped();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let lock = File::create(folder.join("shipped.lock")).unwrap();
    lock.lock().unwrap();
    let warehouse = folder.join("shipped");
    if warehouse.exists() {
        fs::remove_dir_all(&warehouse).unwrap();
    }
    project.set("TALLYHOUSE_WAREHOUSE", warehouse.display().to_string());
    let report = project.run_with(&["--threads", "2"]);
    Shipped { warehouse, report, _lock: lock }
}
