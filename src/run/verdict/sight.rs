//! Everything that decides what can be said of a pipeline's definitions, but the snapshot that is served.
//!
//! In: a request, and which program asks. Out: the texts, in order of their paths, and a hash of all of it. Deliberately reads what
//! [`load`] reads and in no other way, and understands nothing of it.

use std::{collections::BTreeSet, sync::Arc};

use super::super::{Request, load};
use crate::record::Text;

/// One look at all that is written.
pub(super) struct Sight {
    /// Hash of everything.
    pub key: blake3::Hash,
    /// Every definition file.
    pub texts: Vec<Arc<Text>>,
    program: blake3::Hash,
}

impl Sight {
    /// Looks at everything; None where a file cannot be read or does not say which others there are.
    pub fn of(request: &Request, program: &blake3::Hash) -> Option<Self> {
        let texts = load::texts(request).ok()?;
        let pipeline = load::pipeline(request).ok()?;
        // An address may ask for more of the environment than it names.
        load::warehouse_address(&pipeline).ok()?;
        let run_date = load::run_date(&pipeline, request);
        let mut hasher = blake3::Hasher::new();
        let mut part = |text: &str| {
            hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
        };
        part(program.to_hex().as_str());
        part(&format!("{run_date} {:?} {:?}", request.environment, request.variables));
        for name in texts.iter().flat_map(|text| environment_names(&text.body)).collect::<BTreeSet<_>>() {
            part(&format!("{name} {:?}", request.process_environment.get(name)));
        }
        for text in &texts {
            part(&text.path);
            part(&text.body);
        }
        Some(Self { key: hasher.finalize(), texts, program: *program })
    }

    /// Returns whether another look finds the same.
    pub fn is_still(&self, request: &Request) -> bool {
        Self::of(request, &self.program).is_some_and(|now| now.key == self.key)
    }
}

/// Returns the names in `${NAME}` and `${NAME:-default}`, and perhaps others that ask for nothing.
fn environment_names(body: &str) -> impl Iterator<Item = &str> {
    let is_end = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    body.split("${").skip(1).filter_map(move |rest| rest.split(is_end).next())
}
