//! What is known of the texts of models before any of them is planned.
//!
//! In: the files, and the ledger. Out: an [`Outline`] of each model: recalled, so that its header and its SQL need not be read, or made of
//! them now. Deliberately knows no table.

use std::{
    collections::HashMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{
    super::{
        finding,
        kept::{KeptOutline, Outline},
        ledger::Ledger,
        packed::unpacked,
        sight::{Key, Sight},
    },
    Part, Standing,
};
use crate::{
    define::{
        self,
        project::{Dialect, Model},
    },
    engine::{Statement, parallel},
    record::{Diagnostic, Text},
    run::{load, prepare::Prepared},
    transform::{graph, survey},
};

/// Bytes of the texts whose syntax trees wait for their models to be planned, at most; further ones are parsed twice, since a tree
/// takes about sixty times the memory of its text.
const MOST_PARSED_BYTES: usize = 512 << 10;

/// What was found in a text that was not known.
type Fresh = Result<(Arc<Outline>, Option<Vec<u8>>, Option<Statement>), Vec<Diagnostic>>;

/// What is known of the texts of models before the project is put together.
pub(in super::super) struct Outlines<'a> {
    sight: &'a Sight,
    context: blake3::Hash,
    /// By path.
    known: HashMap<String, KeptOutline>,
    dialect: Dialect,
}

impl<'a> Outlines<'a> {
    /// Recalls what is known of the texts of models.
    pub fn recall(sight: &'a Sight, files: &load::Files, ledger: &Ledger, threads: usize) -> Self {
        let load::Files { pipeline, models, .. } = files;
        let mut context =
            Key::new("models").hash(Some(&sight.whose)).hash(sight.hash(&pipeline.models_place.text.path));
        // Both may ask the environment.
        context = context.text(&pipeline.models_dir.display().to_string()).text(&format!("{:?}", pipeline.dialect));
        for (text, _) in models.iter().filter(|(_, relative)| define::is_function(relative)) {
            context = context.text(&text.path).hash(sight.hash(&text.path));
        }
        let mut outlines = Self { sight, context: context.finish(), known: HashMap::new(), dialect: pipeline.dialect };
        let recalled = |(text, _): &(Arc<Text>, _)| {
            let kept: KeptOutline = unpacked(ledger.recall(&outlines.text(&text.path))?)?;
            Some((text.path.clone(), kept))
        };
        outlines.known = parallel::each(threads, models, recalled).into_iter().flatten().collect();
        outlines
    }

    /// Returns the key of what the text of a model says, with that of the rows beside it.
    fn text(&self, path: &str) -> blake3::Hash {
        let beside = path.strip_suffix(".sql").and_then(|stem| self.sight.hash(&format!("{stem}.csv")));
        Key::new("text").hash(Some(&self.context)).text(path).hash(self.sight.hash(path)).hash(beside).finish()
    }

    /// Returns a model of which all but its name and kind is known, with the warnings about its file.
    pub fn model(&self, text: &Arc<Text>, relative: &Path) -> Option<(Model, Vec<Diagnostic>)> {
        let KeptOutline { outline, warnings } = self.known.get(&text.path)?;
        let warnings = finding::diagnostics(warnings, std::slice::from_ref(text))?;
        Some((define::named_model(text, relative, outline.kind)?, warnings))
    }

    /// Returns the key of everything that decides what the text of any model means.
    pub(super) const fn context(&self) -> blake3::Hash {
        self.context
    }

    /// Returns how SQL is understood whose header does not say it.
    pub(super) const fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Returns what is known of each model before it is planned, and what is wrong with those that cannot be parsed.
    pub(super) fn parts(
        &self,
        prepared: &Prepared,
        warnings: &[Diagnostic],
        ledger: &mut Ledger,
        threads: usize,
    ) -> (Vec<Part>, Vec<Diagnostic>) {
        let models = &prepared.project.models;
        let unknown: Vec<&Model> = models.iter().filter(|model| !self.known.contains_key(&model.text.path)).collect();
        let parsed = AtomicUsize::new(0);
        let is_told = warnings.iter().all(|warning| warning.place.is_some());
        let parse = |model: &&Model| -> Fresh {
            let statement = graph::statement(model, &prepared.parameters)?;
            let outline = Arc::new(Outline::of(model, &statement));
            let own =
                |warning: &&Diagnostic| warning.place.as_ref().is_some_and(|place| place.text.path == model.text.path);
            let own: Vec<Diagnostic> = warnings.iter().filter(own).cloned().collect();
            // A model that is compared has to be read each time, and so has one whose header is wrong.
            let is_wrong = prepared.project.wrong.models.contains(&model.name);
            let is_kept = is_told && !is_wrong && !survey::is_compared(model);
            let bytes = is_kept.then(|| outline.write(&own, std::slice::from_ref(&model.text))).flatten();
            let bytes_before = parsed.fetch_add(model.text.body.len(), Ordering::Relaxed);
            let is_early = bytes_before < MOST_PARSED_BYTES;
            Ok((outline, bytes, is_early.then_some(statement)))
        };
        let mut fresh = parallel::each(threads, &unknown, parse).into_iter();
        let (mut parts, mut findings) = (Vec::with_capacity(models.len()), Vec::new());
        for model in models {
            let text = self.text(&model.text.path);
            let mut part = Part { text, outline: None, is_read: true, statement: None, standing: Standing::Unknown };
            match self.known.get(&model.text.path) {
                Some(known) => {
                    part.outline = Some(Arc::clone(&known.outline));
                    part.is_read = Path::new(&model.text.path).extension().is_some_and(|kind| kind == "csv");
                }
                None => match fresh.next() {
                    Some(Ok((outline, bytes, statement))) => {
                        if let Some(bytes) = bytes {
                            ledger.learn(text, bytes);
                        }
                        (part.outline, part.statement) = (Some(outline), statement);
                    }
                    Some(Err(found)) => findings.extend(found),
                    None => {}
                },
            }
            parts.push(part);
        }
        (parts, findings)
    }
}
