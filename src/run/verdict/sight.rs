//! One look at all that is written, and a hash of everything that decides what can be said of it, but the snapshot that is served.
//!
//! In: a request, and which program asks. Out: the files, read once, and the keys under which answers are kept. Deliberately reads what
//! [`load`] reads and in no other way, and understands nothing of it.

use std::{
    collections::{BTreeSet, HashMap},
    path::PathBuf,
    sync::Arc,
};

use super::super::{Request, load};
use crate::{Error, engine::parallel, record::Text};

/// One look at all that is written.
pub(super) struct Sight {
    /// Hash of everything.
    pub key: blake3::Hash,
    /// Which program asks about which pipeline.
    pub whose: blake3::Hash,
    /// Hash of everything that is no model and no unit test.
    pub ground: blake3::Hash,
    /// Every definition file, in order of their paths.
    pub texts: Vec<Arc<Text>>,
    /// Those of unit tests, each with its path below the folder of models.
    pub tests: Vec<(Arc<Text>, PathBuf)>,
    hashes: HashMap<String, blake3::Hash>,
}

/// A hash of parts, each with its length, so that no two lists of parts look the same.
#[derive(Clone)]
pub(super) struct Key(blake3::Hasher);

impl Key {
    pub fn new(what: &str) -> Self {
        Self(blake3::Hasher::new()).text(what)
    }

    pub fn text(mut self, part: &str) -> Self {
        self.0.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
        self
    }

    pub fn hash(mut self, part: Option<&blake3::Hash>) -> Self {
        match part {
            Some(part) => self.0.update(&[1]).update(part.as_bytes()),
            None => self.0.update(&[0]),
        };
        self
    }

    pub fn finish(&self) -> blake3::Hash {
        self.0.finalize()
    }
}

impl Sight {
    /// Looks at everything; returns also the files that make the project.
    ///
    /// # Errors
    /// When a file cannot be read or does not say which others there are.
    pub fn of(request: &Request, program: &blake3::Hash) -> Result<(Self, load::Files), Error> {
        let files = load::Files::read(request)?;
        let unit_tests = files.read_tests(request)?;
        let texts = files.texts(&unit_tests);
        let hashes = parallel::each(request.settings.threads, &texts, |text| blake3::hash(text.body.as_bytes()));
        let run_date = load::run_date(&files.pipeline.pipeline, request);
        let place = std::path::absolute(&request.pipeline).unwrap_or_else(|_| request.pipeline.clone());
        let whose = Key::new("pipeline").hash(Some(program)).text(&place.display().to_string()).finish();
        let mut key = Key::new("everything")
            .hash(Some(&whose))
            .text(&format!("{run_date} {:?} {:?}", request.environment, request.variables));
        for name in texts.iter().flat_map(|text| environment_names(&text.body)).collect::<BTreeSet<_>>() {
            key = key.text(&format!("{name} {:?}", request.process_environment.get(name)));
        }
        for (text, hash) in texts.iter().zip(&hashes) {
            key = key.text(&text.path).hash(Some(hash));
        }
        let hashes: HashMap<String, blake3::Hash> = texts.iter().map(|text| text.path.clone()).zip(hashes).collect();
        let named = files.sources.iter().chain(&files.entities).chain(&files.reports);
        let ground = [&files.pipeline.models_place.text].into_iter().chain(named);
        let ground = ground.fold(Key::new("ground").hash(Some(&whose)), |ground, text| {
            ground.text(&text.path).hash(hashes.get(&text.path))
        });
        Ok((Self { key: key.finish(), whose, ground: ground.finish(), texts, tests: unit_tests, hashes }, files))
    }

    /// Returns the hash of a file's text.
    pub fn hash(&self, path: &str) -> Option<&blake3::Hash> {
        self.hashes.get(path)
    }
}

/// Returns the names in `${NAME}` and `${NAME:-default}`, and perhaps others that ask for nothing.
fn environment_names(body: &str) -> impl Iterator<Item = &str> {
    let is_end = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    let starts = memchr::memmem::find_iter(body.as_bytes(), "${").map(|at| at + 2);
    starts.filter_map(move |start| body.get(start..)?.split(is_end).next())
}
