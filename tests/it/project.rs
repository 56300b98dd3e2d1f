//! A pipeline in a folder of its own, and the binary run over it.
//!
//! ```text
//!  <folder>/pipelines/nightly.yaml   pipelines/sources/<source>.yaml
//!           sql/<schema>/<table>.sql
//!           extracts/<source>/…
//!           warehouse/
//! ```
//!
//! Every run starts in that folder with an environment of its own, so that no test depends on who runs it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    shipped,
    snapshot::{Snapshot, copy},
};

/// The pipeline file of a new project.
const PIPELINE: &str = "\
name: nightly
warehouse: ${TALLYHOUSE_WAREHOUSE:-../warehouse}
timezone: Asia/Shanghai
run_date: 2026-06-30
sources: sources/*.yaml
models: ../sql
";

/// After so long a command counts as one that never ends.
const LONGEST_RUN: Duration = Duration::from_mins(2);

/// A pipeline in a folder of its own.
pub struct Project {
    folder: TempDir,
    environment: Vec<(&'static str, String)>,
}

/// What a command left behind; paths below the project's folder are shown as `<project>/…`.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Project {
    /// Makes a project with a pipeline file and nothing else.
    pub fn new() -> Self {
        let project = Self { folder: temporary_folder(), environment: Vec::new() };
        fs::create_dir_all(project.path("pipelines/sources")).unwrap();
        fs::create_dir_all(project.path("sql")).unwrap();
        fs::create_dir_all(project.path("extracts")).unwrap();
        project.file("pipelines/nightly.yaml", PIPELINE);
        project
    }

    /// Copies the shipped pipeline, which reads the fixtures where they are and has published nothing yet.
    pub fn shipped() -> Self {
        let folder = temporary_folder();
        for part in ["pipelines", "sql"] {
            copy(&repository(part), &folder.path().join(part));
        }
        let mut project = Self { folder, environment: Vec::new() };
        let warehouse = project.path("warehouse").display().to_string();
        project.set("TALLYHOUSE_WAREHOUSE", warehouse);
        project.read_extracts_from(&repository("fixtures/extracts"));
        project
    }

    /// Copies the shipped pipeline together with its published warehouse.
    pub fn shipped_and_published() -> Self {
        let project = Self::shipped();
        copy(&shipped::published().warehouse, &project.path("warehouse"));
        project
    }

    /// Sets an environment variable of all commands.
    pub fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.environment.retain(|(known, _)| *known != name);
        self.environment.push((name, value.into()));
    }

    /// Lets the shipped pipeline read another folder of extracts.
    pub fn read_extracts_from(&mut self, folder: &Path) {
        self.set("TALLYHOUSE_EXTRACTS", folder.display().to_string());
    }

    /// Returns a path below the project's folder.
    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Writes a file, and the folders above it.
    pub fn file(&self, path: &str, body: impl AsRef<[u8]>) -> &Self {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, body).unwrap();
        self
    }

    /// Writes a source that reads `extracts/<name>/*` and forgets files that are gone, unless `contract`, the rest of its
    /// YAML, says otherwise.
    pub fn source(&self, name: &str, contract: &str) -> &Self {
        let unless = |key: &str, line: String| if contract.contains(key) { String::new() } else { line };
        let location = unless("location:", format!("location: ../../extracts/{name}/*\n"));
        let missing = unless("on_missing:", "on_missing: drop\n".to_owned());
        self.file(&format!("pipelines/sources/{name}.yaml"), format!("name: {name}\n{location}{contract}{missing}"))
    }

    /// Writes the model of `schema.table`.
    pub fn model(&self, table: &str, sql: &str) -> &Self {
        self.file(&format!("sql/{}.sql", table.replacen('.', "/", 1)), sql)
    }

    /// Writes an extract file, named from `extracts/` on.
    pub fn extract(&self, path: &str, body: impl AsRef<[u8]>) -> &Self {
        self.file(&format!("extracts/{path}"), body)
    }

    /// Removes an extract file.
    pub fn withdraw(&self, path: &str) -> &Self {
        fs::remove_file(self.path("extracts").join(path)).unwrap();
        self
    }

    /// Prepares a command without starting it.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tallyhouse"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env_clear().env("TMPDIR", self.path("tmp")).envs(self.environment.iter().cloned());
        fs::create_dir_all(self.path("tmp")).unwrap();
        command
    }

    /// Runs a command to its end, which is -1 if it had to be killed because it never came.
    pub fn tallyhouse(&self, arguments: &[&str]) -> Ran {
        let child = self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let process = child.id().to_string();
        let (done, wait) = mpsc::channel::<()>();
        thread::spawn(move || {
            if wait.recv_timeout(LONGEST_RUN) == Err(RecvTimeoutError::Timeout) {
                let _ = Command::new("kill").args(["-KILL", &process]).status();
            }
        });
        let output = child.wait_with_output().unwrap();
        drop(done);
        let text = |bytes: &[u8]| self.anonymous(std::str::from_utf8(bytes).unwrap());
        Ran { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// Starts a command and returns while it is at work.
    pub fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Runs the pipeline, which must succeed, and returns its report.
    pub fn run(&self) -> Value {
        self.run_with(&[])
    }

    /// Runs the pipeline with further arguments, which must succeed, and returns its report.
    pub fn run_with(&self, arguments: &[&str]) -> Value {
        self.tallyhouse(&[&["run", "--output", "json"], arguments].concat()).succeeds().json()
    }

    /// Returns what a query gives: a row a line, its values joined by `|`.
    pub fn query(&self, sql: &str) -> Vec<String> {
        let value = self.tallyhouse(&["query", sql, "--output", "json"]).succeeds().json();
        value.as_array().unwrap().iter().map(|row| values(row).join("|")).collect()
    }

    /// Returns what readers of `current` find.
    pub fn current(&self) -> Snapshot {
        Snapshot::open(&self.path("warehouse/current"))
    }

    /// Returns a table's rows as readers of `current` find them, sorted: a row a line, its values joined by `|`.
    pub fn rows(&self, table: &str) -> Vec<String> {
        self.current().rows(table)
    }

    fn anonymous(&self, text: &str) -> String {
        let real = self.folder.path().canonicalize().unwrap();
        text.replace(real.to_str().unwrap(), "<project>").replace(self.folder.path().to_str().unwrap(), "<project>")
    }
}

impl Ran {
    /// Asserts that the command did what it was asked to.
    #[track_caller]
    pub fn succeeds(self) -> Self {
        self.ends(0)
    }

    /// Asserts the exit code.
    #[track_caller]
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "exit code; standard output:\n{}\nstandard error:\n{}", self.out, self.err);
        self
    }

    /// Returns standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error} in:\n{}", self.out))
    }

    /// Returns standard error without the progress before the first error.
    pub fn error(&self) -> &str {
        let start = if self.err.starts_with("error") { 0 } else { self.err.find("\nerror").map_or(0, |at| at + 1) };
        &self.err[start..]
    }
}

/// Returns a path of this repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Returns whether the long loops are asked for.
pub fn is_night() -> bool {
    std::env::var_os("TALLYHOUSE_NIGHT").is_some_and(|value| value == "1")
}

/// Returns whether what is missing outside must fail rather than be skipped.
pub fn is_outside_required() -> bool {
    std::env::var_os("TALLYHOUSE_OUTSIDE").is_some_and(|value| value == "1")
}

/// Makes a folder on the disk of the shared warehouse, so that files can be linked.
fn temporary_folder() -> TempDir {
    fs::create_dir_all(env!("CARGO_TARGET_TMPDIR")).unwrap();
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// Returns the values of a JSON object as text.
fn values(row: &Value) -> Vec<String> {
    let text = |value: &Value| match value {
        Value::Null => "NULL".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    row.as_object().unwrap().values().map(text).collect()
}
