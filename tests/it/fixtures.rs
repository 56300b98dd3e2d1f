//! The fixtures are what the generator writes: the same seed gives the same bytes.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Cargo puts examples beside the binary; `cargo test` builds both.
fn generator() -> PathBuf {
    let folder = Path::new(env!("CARGO_BIN_EXE_tallyhouse")).parent().unwrap();
    let path = folder.join("examples").join("generate_extracts");
    assert!(path.exists(), "`cargo test` without `--test` builds {}", path.display());
    path
}

fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(folder).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn the_generator_writes_the_fixtures_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let (extracts, reference) = (folder.path().join("extracts"), folder.path().join("reference"));
    let truth = folder.path().join("truth");
    let mut command = Command::new(generator());
    command.arg("--extracts").arg(&extracts).arg("--reference").arg(&reference).arg("--truth").arg(&truth);
    assert!(command.output().unwrap().status.success());
    for (made, kept) in [(extracts, "fixtures/extracts"), (reference, "pipelines/reference"), (truth, "fixtures/truth")]
    {
        let (made, kept) = (files(&made), files(&root().join(kept)));
        assert_eq!(made.keys().collect::<Vec<_>>(), kept.keys().collect::<Vec<_>>());
        let differing: Vec<_> =
            made.iter().filter(|(path, bytes)| kept[*path] != **bytes).map(|(path, _)| path).collect();
        assert!(differing.is_empty(), "{differing:?}");
    }
}
