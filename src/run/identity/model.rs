//! The pinned model of an entity: read from its file, or learnt in the run.

use std::sync::Arc;

use crate::{
    Error,
    define::entity::Entity,
    identify::{codes::Prepared, records::Records, weigh::Model, whole},
    record::{Diagnostic, Place, Text},
    run::output,
    storage::definitions,
};

/// The model's file as it is.
#[derive(Debug, Clone, Default)]
pub(super) struct Pinned(Option<(Arc<Text>, Model)>);

impl Pinned {
    /// Reads the file of an entity; one that is not there pins nothing.
    ///
    /// # Errors
    /// When it is no model.
    pub fn read(entity: &Entity) -> Result<Self, Error> {
        let Some(path) = entity.model.as_ref().filter(|path| output::exists(&path.value)) else {
            return Ok(Self::default());
        };
        let wrong = |message: String, place: Place| {
            let hint = "`tallyhouse identity train` writes it anew";
            Error::Definition(vec![Diagnostic::error(message, place).hint(hint)])
        };
        let text = definitions::read(&path.value).map_err(|error| wrong(error.to_string(), path.place.clone()))?;
        let model = serde_json::from_str(&text.body)
            .map_err(|error| wrong(format!("the file is no model: {error}"), Place::start_of(Arc::clone(&text))))?;
        Ok(Self(Some((text, model))))
    }

    /// Returns the text, which decides who is who.
    pub fn body(&self) -> &str {
        self.0.as_ref().map(|(text, _)| text.body.as_str()).unwrap_or_default()
    }

    /// Returns the model that no record can change: the pinned one, or that of a definition which compares nothing.
    pub fn fixed(&self, entity: &Entity) -> Option<Model> {
        let compares_nothing = entity.comparisons.is_empty() && entity.blocks.is_empty();
        let pinned = self.0.as_ref().map(|(_, model)| model.clone());
        pinned.or_else(|| compares_nothing.then(|| Model::of_rules(&entity.name.value)))
    }

    /// Returns the pinned model, or one that is learnt now, and a word about that.
    pub fn or_learnt(
        &self,
        entity: &Entity,
        records: &Records,
        prepared: &dyn Prepared,
        threads: usize,
    ) -> (Model, Vec<String>) {
        if let Some((_, model)) = &self.0 {
            return (model.clone(), Vec::new());
        }
        let model = whole::learn(entity, records, prepared, threads);
        if entity.comparisons.is_empty() {
            return (model, Vec::new());
        }
        let told = format!(
            "the model was learnt in this run from {} records, and may be another one tomorrow; `tallyhouse identity train` \
             pins it",
            model.records
        );
        (model, vec![told])
    }

    /// Says that the file is the model of another definition.
    pub fn misfit(&self, entity: &Entity, message: &str) -> Error {
        let place = match (&self.0, &entity.model) {
            (Some((text, _)), _) => Place::start_of(Arc::clone(text)),
            (None, Some(path)) => path.place.clone(),
            (None, None) => entity.name.place.clone(),
        };
        let hint = "`tallyhouse identity train` writes one that fits";
        Error::Definition(vec![Diagnostic::error(message.to_owned(), place).hint(hint)])
    }
}
