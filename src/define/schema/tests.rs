//! The stored schemas are the generated ones, and every shipped definition satisfies them and loads.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::*;
use crate::{define, record::Text};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the files with an ending directly in a folder and in its folders, in order.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    found.sort();
    let inside = |path: PathBuf| if path.is_dir() { files(&path, ending) } else { vec![path] };
    found.into_iter().flat_map(inside).filter(|path| path.to_string_lossy().ends_with(ending)).collect()
}

fn text(path: &Path) -> Arc<Text> {
    let shown = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
    Arc::new(Text { path: shown, body: fs::read_to_string(path).unwrap() })
}

#[test]
fn the_stored_schemas_are_current() {
    for kind in SchemaKind::ALL {
        let path = root().join("docs/schemas").join(kind.file_name());
        let generated = schema_text(kind);
        if std::env::var_os("TALLYHOUSE_BLESS").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &generated).unwrap();
        }
        let stored = fs::read_to_string(&path).unwrap_or_default();
        assert!(stored == generated, "{} is not current; run the tests with TALLYHOUSE_BLESS=1", path.display());
    }
}

#[test]
fn shipped_definitions_load_without_a_finding() {
    let read = define::read_pipeline(text(&root().join("pipelines/nightly.yaml")), &|_| None);
    let sources = files(&root().join("pipelines/sources"), ".yaml").iter().map(|path| text(path)).collect();
    let entities = files(&root().join("pipelines/entities"), ".yaml").iter().map(|path| text(path)).collect();
    let folder = root().join("sql");
    let models = files(&folder, ".sql");
    let models = models.iter().map(|path| (text(path), path.strip_prefix(&folder).unwrap().to_owned())).collect();
    let loaded = read.and_then(|file| define::assemble(file, sources, entities, models, &|_| None));
    for path in files(&root().join("pipelines/reports"), ".yaml") {
        assert_eq!(define::read_report(&text(&path)).1, []);
    }
    let (project, warnings) = loaded.unwrap_or_else(|found| panic!("{found:#?}"));
    assert!(warnings.is_empty(), "{warnings:#?}");
    assert!(project.sources.len() >= 31 && project.models.len() >= 17);
}
