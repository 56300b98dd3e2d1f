//! What a reader finds on the disk: the files of one snapshot and its manifest, read without the library.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

/// One snapshot on the disk.
pub struct Snapshot {
    pub path: PathBuf,
    pub manifest: Value,
}

impl Snapshot {
    /// Opens the folder of a snapshot, or a link to one, which is resolved here and now.
    pub fn open(path: &Path) -> Self {
        let path = path.canonicalize().unwrap_or_else(|error| panic!("no snapshot at {}: {error}", path.display()));
        let manifest = serde_json::from_slice(&fs::read(path.join("manifest.json")).unwrap()).unwrap();
        Self { path, manifest }
    }

    /// Returns the snapshot's id.
    pub fn id(&self) -> &str {
        self.manifest["snapshot"].as_str().unwrap()
    }

    /// Returns the names of all tables.
    pub fn tables(&self) -> Vec<&str> {
        self.manifest["tables"].as_object().unwrap().keys().map(String::as_str).collect()
    }

    /// Returns the folder of a table's data files.
    pub fn data(&self, table: &str) -> PathBuf {
        let (schema, name) = table.split_once('.').unwrap();
        let is_private =
            ["staged", "quarantine"].contains(&schema) || table == "ops.check_failure" || name.ends_with("_identity");
        let private = if is_private { "private" } else { "" };
        self.path.join(private).join(schema).join(name).join("data")
    }

    /// Returns a table's data files on the disk, below its `data/`, sorted.
    pub fn files(&self, table: &str) -> Vec<String> {
        let data = self.data(table);
        let below = |path: PathBuf| path.strip_prefix(&data).unwrap().to_str().unwrap().to_owned();
        files_below(&data).into_iter().map(below).collect()
    }

    /// Returns the inode of each of a table's data files.
    pub fn inodes(&self, table: &str) -> BTreeMap<String, u64> {
        let data = self.data(table);
        let inode = |file: String| (file.clone(), fs::metadata(data.join(file)).unwrap().ino());
        self.files(table).into_iter().map(inode).collect()
    }

    /// Returns the hash of every data file of every table.
    pub fn bytes(&self) -> BTreeMap<String, String> {
        let mut bytes = BTreeMap::new();
        for table in self.tables() {
            for file in self.files(table) {
                let hash = blake3::hash(&fs::read(self.data(table).join(&file)).unwrap()).to_hex().to_string();
                bytes.insert(format!("{table}/{file}"), hash);
            }
        }
        bytes
    }

    /// Returns a table's columns in their order.
    pub fn columns(&self, table: &str) -> Vec<String> {
        let columns = self.manifest["tables"][table]["columns"].as_array();
        let columns = columns.unwrap_or_else(|| panic!("no table {table} among {}", self.tables().join(", ")));
        columns.iter().map(|column| column["name"].as_str().unwrap().to_owned()).collect()
    }

    /// Returns a table's rows, sorted: a row a line, its values joined by `|`.
    pub fn rows(&self, table: &str) -> Vec<String> {
        let columns = self.columns(table);
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        self.select(table, &columns)
    }

    /// Returns some columns of a table's rows, sorted: a row a line, its values joined by `|`.
    pub fn select(&self, table: &str, columns: &[&str]) -> Vec<String> {
        let mut rows: Vec<String> = self.cells(table, columns).into_iter().map(|row| row.join("|")).collect();
        rows.sort();
        rows
    }

    /// Returns some columns of a table's rows as text, NULL as `NULL`, in the order of the files.
    pub fn cells(&self, table: &str, columns: &[&str]) -> Vec<Vec<String>> {
        let data = self.data(table);
        self.files(table).iter().flat_map(|file| cells_of(&data, file, columns)).collect()
    }

    /// Asserts that the disk holds exactly the files of the manifest, with the bytes and rows that it says.
    pub fn verify(&self) {
        for table in self.tables() {
            let mut named = BTreeSet::new();
            for partition in self.manifest["tables"][table]["partitions"].as_array().unwrap() {
                let rows: u64 =
                    partition["files"].as_array().unwrap().iter().map(|file| self.verify_file(table, file)).sum();
                assert_eq!(partition["rows"], rows, "rows of {table} {}", partition["values"]);
                named.extend(
                    partition["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap().to_owned()),
                );
            }
            assert_eq!(
                self.files(table).into_iter().collect::<BTreeSet<_>>(),
                named,
                "files of {table} on the disk and in the manifest"
            );
        }
    }

    fn verify_file(&self, table: &str, file: &Value) -> u64 {
        let path = self.data(table).join(file["path"].as_str().unwrap());
        let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(file["bytes"], bytes.len(), "{}", path.display());
        assert_eq!(file["blake3"], blake3::hash(&bytes).to_hex().as_str(), "{}", path.display());
        file["rows"].as_u64().unwrap()
    }
}

/// Returns some columns of one data file; those that it does not have stand in its path.
fn cells_of(data: &Path, file: &str, columns: &[&str]) -> Vec<Vec<String>> {
    let in_path: BTreeMap<String, String> = file.split('/').filter_map(partition_value).collect();
    let reader = fs::File::open(data.join(file)).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(reader).unwrap().build().unwrap();
    let options = FormatOptions::default().with_null("NULL");
    let mut rows = Vec::new();
    for batch in reader {
        let batch = batch.unwrap();
        let formatter = |name: &&str| Some(ArrayFormatter::try_new(batch.column_by_name(name)?, &options).unwrap());
        let formatters: Vec<_> = columns.iter().map(formatter).collect();
        let cell = |row: usize, index: usize| match &formatters[index] {
            Some(formatter) => formatter.value(row).to_string(),
            None => in_path.get(columns[index]).unwrap_or_else(|| panic!("{file} has no {}", columns[index])).clone(),
        };
        rows.extend((0..batch.num_rows()).map(|row| (0..columns.len()).map(|index| cell(row, index)).collect()));
    }
    rows
}

/// Reads `month=2026-06-01` as Hive writes it.
fn partition_value(part: &str) -> Option<(String, String)> {
    let (name, value) = part.split_once('=')?;
    let value = if value == "__HIVE_DEFAULT_PARTITION__" { "NULL".to_owned() } else { unescaped(value) };
    Some((name.to_owned(), value))
}

fn unescaped(text: &str) -> String {
    let mut pieces = text.split('%');
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        plain.push(char::from(u8::from_str_radix(&piece[..2], 16).unwrap()));
        plain.push_str(&piece[2..]);
    }
    plain
}

/// Returns all files below a folder, sorted; none when there is no such folder.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files = Vec::new();
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() && !path.is_symlink() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

/// Copies a folder; data files, which nobody changes, get a second name, and links stay links.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    fs::set_permissions(to, fs::metadata(from).unwrap().permissions()).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        let is_data = path.extension().is_some_and(|extension| extension == "parquet");
        if path.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&path).unwrap(), target).unwrap();
        } else if path.is_dir() {
            copy(&path, &target);
        } else if !is_data || fs::hard_link(&path, &target).is_err() {
            fs::copy(&path, &target).unwrap();
        }
    }
}
