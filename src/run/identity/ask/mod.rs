//! What people ask of identification: to train a model, to show pairs that are uncertain, to explain an id.
//!
//! In: the extracts as they are now, and the served snapshot. Out: values for the command line. Nothing is published; a
//! record is identified here as a run would do it now.

mod explain;
mod explained;
mod picture;
mod review;

use std::path::PathBuf;

use serde::Serialize;

pub use self::{
    explain::explain,
    explained::{Apart, IdExplained, MemberShown, TieShown},
    review::{Uncertain, UncertainPair, decide, review, reviewed},
};
use super::{Around, Gathered, Manner, Pinned, Said, link, overrides::Overrides, past::PastRecords};
use crate::{
    Error,
    define::{
        entity::{Attribute, Entity, RecordSource},
        suggestion,
    },
    engine::Engine,
    identify::{
        records::{Interned, Records},
        values::Values,
        weigh::{Model, Scorer, frequency::Frequencies},
        whole::{self, Terms},
    },
    run::{
        Definitions, Observer, Request,
        away::Away,
        definitions as load_definitions,
        output::write_output,
        sources::{Night, survey_all},
        stage::Surveyed,
    },
};

/// A model that was trained.
#[derive(Debug, Clone, Serialize)]
pub struct Trained {
    /// The entity.
    pub entity: String,
    /// The file.
    pub path: PathBuf,
    /// The model.
    pub model: Model,
}

/// A record and what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordShown {
    /// Its source.
    pub source: String,
    /// Its key.
    pub key: String,
    /// Attributes and values, those that it has.
    pub values: Vec<(String, String)>,
}

/// Trains the model of an entity from its records and writes its file.
///
/// # Errors
/// When there is no such entity, or it names no file; as a run as far as it reads.
pub async fn train(
    name: Option<&str>,
    request: &Request,
    engine: &Engine,
    observer: &dyn Observer,
) -> Result<Trained, Error> {
    let definitions = load_definitions(request, engine).await?;
    let entity = chosen(name, &definitions)?;
    let Some(path) = &entity.model else {
        return Err(Error::Usage {
            message: format!("entity `{}` names no file for its model", entity.name.value),
            hint: Some(format!("add `model: {}.model.json` to it", entity.name.value)),
        });
    };
    let path = path.value.clone();
    let look = |looked: &Looked<'_>| Ok(looked.learn());
    let model = look_at(entity, &definitions, request, engine, observer, look).await?;
    let mut text = serde_json::to_string_pretty(&model)
        .map_err(|error| Error::Bug { message: format!("a model cannot be written: {error}") })?;
    text.push('\n');
    write_output(&path, text.as_bytes(), false)?;
    Ok(Trained { entity: entity.name.value.clone(), path, model })
}

fn chosen<'a>(name: Option<&str>, definitions: &'a Definitions) -> Result<&'a Entity, Error> {
    let entities = &definitions.project.entities;
    let known = || entities.iter().map(|entity| entity.name.value.as_str());
    match (name, &entities[..]) {
        (None, [only]) => Ok(only),
        (None, []) => Err(Error::Usage {
            message: "the pipeline has no entity".to_owned(),
            hint: Some("write one and name it under `entities` of the pipeline".to_owned()),
        }),
        (None, _) => Err(Error::Usage {
            message: "the pipeline has several entities".to_owned(),
            hint: Some(format!("name one with `--entity`: {}", known().collect::<Vec<_>>().join(", "))),
        }),
        (Some(name), _) => entities.iter().find(|entity| entity.name.value == name).ok_or_else(|| Error::Usage {
            message: format!("there is no entity `{name}`"),
            hint: Some(suggestion(name, known())),
        }),
    }
}

/// What a run would identify now.
struct Looked<'a> {
    entity: &'a Entity,
    said: Said,
    gathered: Gathered,
    past: PastRecords,
    around: Around<'a>,
}

async fn look_at<T>(
    entity: &Entity,
    definitions: &Definitions,
    request: &Request,
    engine: &Engine,
    observer: &dyn Observer,
    look: impl Fn(&Looked<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let away = Away::new(definitions, request, engine).await?;
    let stage = away.surroundings(definitions, request, engine, observer);
    let (_, waiting): (Night, Vec<Surveyed<'_>>) =
        Box::pin(survey_all(definitions, engine, stage, &|_| Ok(()))).await?;
    let of =
        |records: &RecordSource| waiting.iter().find(|surveyed| surveyed.source().name.value == records.source.value);
    let surveyed: Vec<&Surveyed<'_>> = entity.records.iter().filter_map(of).collect();
    let past = PastRecords::read(entity, stage.place.parent, stage.place.files, engine).await?;
    let said = Said { overrides: Overrides::read(entity)?, pinned: Pinned::read(entity)?, state: String::new() };
    tokio::task::block_in_place(|| {
        let gathered = super::gather::gather(entity, &surveyed, &definitions.parameters)?;
        let around = Around { definitions, engine, stage, manner: Manner::default(), gives_all: false };
        look(&Looked { entity, said, gathered, past, around })
    })
}

/// What linking found, and what explains it.
struct Seen<'a> {
    found: &'a whole::Identified,
    scorer: &'a Scorer<'a>,
    values: &'a Values<'a>,
}

impl Looked<'_> {
    fn learn(&self) -> Model {
        let (records, threads) = (&self.gathered.records, self.around.stage.threads);
        whole::learn(self.entity, records, &Values::all(self.entity, records, threads), threads)
    }

    /// Links all records and shows what was found.
    fn linked<T>(&self, show: impl Fn(&Seen<'_>) -> T) -> Result<T, Error> {
        let (records, threads) = (&self.gathered.records, self.around.stage.threads);
        let (verdicts, _) = self.said.overrides.verdicts(self.entity, records);
        let values = Values::all(self.entity, records, threads);
        let (model, _) = self.said.pinned.or_learnt(self.entity, records, &values, threads);
        let terms = Terms { entity: self.entity, verdicts: &verdicts, threads };
        let found = link::all(terms, records, &values, &model, &self.said)?;
        let frequencies = Frequencies::of_all(self.entity, records, &found.codes);
        let scorer = Scorer::new(self.entity, &model, records, &found.codes, &frequencies, &values);
        Ok(show(&Seen { found: &found, scorer: &scorer, values: &values }))
    }

    fn shown(&self, record: u32) -> RecordShown {
        let records: &Records = &self.gathered.records;
        let value = |(attribute, values): (&Attribute, &Interned)| {
            Some((attribute.name.value.clone(), values.get(record)?.to_owned()))
        };
        let [source, key] = self.named(record);
        RecordShown {
            source,
            key,
            values: self.entity.attributes.iter().zip(&records.attributes).filter_map(value).collect(),
        }
    }

    /// Returns source and key of a record.
    fn named(&self, record: u32) -> [String; 2] {
        let records: &Records = &self.gathered.records;
        let source = &self.entity.records[usize::from(records.sources[record as usize])].source.value;
        [source.clone(), records.keys.get(record as usize).to_owned()]
    }
}
