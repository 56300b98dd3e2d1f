//! What people ask of identification: to train a model, to show pairs that are uncertain, to explain an id.
//!
//! In: the extracts as they are now, and the served snapshot. Out: values for the command line. Nothing is published; a
//! record is identified here as a run would do it now.

use std::path::PathBuf;

use chrono::NaiveDate;
use serde::Serialize;

use super::{Around, Gathered, Manner, Pinned, Said, link, overrides, overrides::Overrides, past::PastRecords};
use crate::{
    Error,
    define::{
        entity::{Attribute, Entity, RecordSource},
        suggestion,
    },
    engine::Engine,
    identify::{
        cluster::links::{Link, Verdict},
        key,
        ledger::{self, Ledger},
        matched::{By, Forest, Matched, Tie},
        records::{Interned, Records},
        values::Values,
        weigh::{Model, Scorer, Waterfall, frequency::Frequencies, probability, score_of},
        whole::{self, Terms},
    },
    record::{
        csv,
        sql::{literal, quoted},
    },
    run::{
        Definitions, Observer, Request,
        away::Away,
        definitions as load_definitions,
        output::write_output,
        sources::{Night, survey_all},
        stage::Surveyed,
    },
    storage::definitions,
    transform::seed::{self, Cell},
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

/// A pair that is neither linked nor surely not.
#[derive(Debug, Clone, Serialize)]
pub struct UncertainPair {
    /// Probability that it is one thing.
    pub probability: f64,
    /// One record.
    pub left: RecordShown,
    /// The other record.
    pub right: RecordShown,
}

/// The tie of a record towards the founder of its id.
#[derive(Debug, Clone, Serialize)]
pub struct TieShown {
    /// Source of the record that it leads to.
    pub source: String,
    /// Key of that record.
    pub key: String,
    /// The rule; `evidence`, `reference` and `override` are built in.
    pub rule: String,
    /// Probability of evidence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// How the evidence adds up, in bits: what is compared, the level that is reached, what it adds.
    pub steps: Vec<(String, Option<String>, f64)>,
}

/// A record that bears an id.
#[derive(Debug, Clone, Serialize)]
pub struct MemberShown {
    /// The record.
    #[serde(flatten)]
    pub record: RecordShown,
    /// The first day on which it was seen.
    pub date: Option<NaiveDate>,
    /// Since when it has borne the id.
    pub since: Option<NaiveDate>,
    /// By what it is tied; None for the founder.
    pub tie: Option<TieShown>,
}

/// What stands behind an id.
#[derive(Debug, Clone, Serialize)]
pub struct IdExplained {
    /// The entity.
    pub entity: String,
    /// The id.
    pub id: String,
    /// Its records, the founder first.
    pub members: Vec<MemberShown>,
    /// What happened to it: one line for each event.
    pub events: Vec<String>,
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

/// Returns the pairs that a person should look at, the most probable first.
///
/// # Errors
/// When there is no such entity; as a run as far as it reads.
pub async fn review(
    name: Option<&str>,
    request: &Request,
    engine: &Engine,
    observer: &dyn Observer,
) -> Result<Vec<UncertainPair>, Error> {
    let definitions = load_definitions(request, engine).await?;
    let entity = chosen(name, &definitions)?;
    let look = |looked: &Looked<'_>| looked.uncertain();
    look_at(entity, &definitions, request, engine, observer, look).await
}

/// Takes decisions into the overrides file of an entity, and returns how many were new. `rows` are texts as the file has
/// them; a row without a verdict decides nothing.
///
/// # Errors
/// When there is no such entity, it names no file, or a row is wrong.
pub async fn decide(
    name: Option<&str>,
    rows: &[[String; 6]],
    request: &Request,
    engine: &Engine,
) -> Result<(PathBuf, usize), Error> {
    let definitions = load_definitions(request, engine).await?;
    let entity = chosen(name, &definitions)?;
    let Some(path) = &entity.overrides else {
        return Err(Error::Usage {
            message: format!("entity `{}` names no file of overrides", entity.name.value),
            hint: Some(format!("add `overrides: {}.overrides.csv` to it", entity.name.value)),
        });
    };
    let before = Overrides::read(entity)?;
    let is_new = |row: &&[String; 6]| {
        let [left_source, left_key, right_source, right_key, verdict, _] = row.each_ref().map(String::as_str);
        !verdict.is_empty() && !before.says([left_source, left_key], [right_source, right_key], verdict)
    };
    let decided: Vec<&[String; 6]> = rows.iter().filter(is_new).collect();
    let mut text = before.body().to_owned();
    if text.is_empty() {
        text = overrides::COLUMNS.join(",") + "\n";
    } else if !text.ends_with('\n') {
        text.push('\n');
    }
    for row in &decided {
        text.push_str(&csv::row(row.iter().map(String::as_str)));
    }
    overrides::check(&path.value, &text, entity)?;
    if !decided.is_empty() {
        write_output(&path.value, text.as_bytes(), false)?;
    }
    Ok((path.value.clone(), decided.len()))
}

/// Reads the decisions of a reviewed file: the columns of an overrides file, by their names.
///
/// # Errors
/// When the file cannot be read or lacks a column.
pub fn reviewed(file: &std::path::Path) -> Result<Vec<[String; 6]>, Error> {
    let wrong = |message: String| Error::Usage {
        message,
        hint: Some("`tallyhouse identity review` writes a file that can be taken back".to_owned()),
    };
    let text = definitions::read(file).map_err(|error| wrong(error.to_string()))?;
    let rows = seed::records(&text).map_err(|finding| Error::Definition(vec![finding]))?;
    let cell = |row: &[Cell], at: usize| row.get(at).and_then(|cell| cell.value.clone()).unwrap_or_default();
    let (header, rows) = rows.split_first().ok_or_else(|| wrong(format!("`{}` is empty", file.display())))?;
    let mut positions = [0; 6];
    for (position, name) in positions.iter_mut().zip(overrides::COLUMNS) {
        let found = header.iter().position(|cell| cell.value.as_deref() == Some(name));
        *position = found.ok_or_else(|| wrong(format!("`{}` has no column `{name}`", file.display())))?;
    }
    Ok(rows.iter().map(|row| positions.map(|at| cell(row, at).trim().to_owned())).collect())
}

/// Explains an id: its records, what ties them, and what happened to it.
///
/// # Errors
/// When no record bears the id; as a run as far as it reads.
pub async fn explain(
    id: &str,
    request: &Request,
    engine: &Engine,
    observer: &dyn Observer,
) -> Result<IdExplained, Error> {
    let definitions = load_definitions(request, engine).await?;
    for entity in &definitions.project.entities {
        let explained = |looked: &Looked<'_>| looked.explain(id);
        let Some(found) = look_at(entity, &definitions, request, engine, observer, explained).await? else { continue };
        let events = events(entity, id, &definitions, request, engine).await?;
        return Ok(IdExplained { events, ..found });
    }
    Err(Error::Usage {
        message: format!("no record bears the id `{id}`"),
        hint: Some("`tallyhouse query` over the `_event` table tells what became of it".to_owned()),
    })
}

/// Returns what happened to an id, as the served snapshot tells it.
async fn events(
    entity: &Entity,
    id: &str,
    definitions: &Definitions,
    request: &Request,
    engine: &Engine,
) -> Result<Vec<String>, Error> {
    let away = Away::new(definitions, request, engine).await?;
    let own = entity.id_column.value.as_str();
    let columns = ["run_date", "event", own, "other_id", "reason"];
    let id = literal(id);
    let filter = format!("WHERE {} = {id} OR other_id = {id} ORDER BY number", quoted(own));
    let batches =
        super::past::rows(&entity.event_table(), &columns, &filter, away.parent.as_ref(), &away.files, engine).await?;
    let mut events = Vec::new();
    for batch in &batches {
        let texts: Vec<_> = batch
            .columns()
            .iter()
            .map(key::text)
            .collect::<Result<_, _>>()
            .map_err(|error| Error::Bug { message: format!("events are no text: {error}") })?;
        for row in 0..batch.num_rows() {
            let text = |column: usize| texts[column].value(row);
            let to = if text(3).is_empty() { String::new() } else { format!(" → {}", text(3)) };
            events.push(format!("{} {} {}{to}: {}", text(0), text(1), text(2), text(4)));
        }
    }
    Ok(events)
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
        let around = Around { definitions, engine, stage, manner: Manner::default() };
        look(&Looked { entity, said, gathered, past, around })
    })
}

impl Looked<'_> {
    fn learn(&self) -> Model {
        let (records, threads) = (&self.gathered.records, self.around.stage.threads);
        whole::learn(self.entity, records, &Values::all(self.entity, records, threads), threads)
    }

    /// Links all records and shows what was found.
    fn linked<T>(&self, show: impl Fn(&whole::Identified, &Scorer<'_>) -> T) -> Result<T, Error> {
        let (records, threads) = (&self.gathered.records, self.around.stage.threads);
        let verdicts = self.said.overrides.verdicts(self.entity, records)?;
        let values = Values::all(self.entity, records, threads);
        let (model, _) = self.said.pinned.or_learnt(self.entity, records, &values, threads);
        let terms = Terms { entity: self.entity, verdicts: &verdicts, threads };
        let found = link::all(terms, records, &values, &model, &self.said)?;
        let frequencies = Frequencies::of_all(self.entity, records, &found.codes);
        let scorer = Scorer::new(self.entity, &model, records, &found.codes, &frequencies, &values);
        Ok(show(&found, &scorer))
    }

    fn uncertain(&self) -> Result<Vec<UncertainPair>, Error> {
        let (from, until) = (score_of(self.entity.review_from), score_of(self.entity.link_from));
        self.linked(|found, _| {
            let clusters = &found.clusters.of;
            let is_decided = |left: u32, right: u32| {
                let decides = |verdict: &Verdict| {
                    (verdict.left, verdict.right) == (left, right) || (verdict.right, verdict.left) == (left, right)
                };
                found.verdicts.iter().any(decides)
            };
            let is_open = |link: &&Link| {
                link.score >= from
                    && link.score < until
                    && clusters[link.left as usize] != clusters[link.right as usize]
                    && !is_decided(link.left, link.right)
            };
            let mut links: Vec<_> = found.links.iter().filter(is_open).collect();
            links.sort_by_key(|link| (std::cmp::Reverse(link.score), link.left, link.right));
            let shown = |link: &&Link| UncertainPair {
                probability: probability(link.score),
                left: self.shown(link.left),
                right: self.shown(link.right),
            };
            links.iter().map(shown).collect()
        })
    }

    fn explain(&self, id: &str) -> Result<Option<IdExplained>, Error> {
        self.linked(|found, scorer| {
            let records = &self.gathered.records;
            let matched = Matched::new(self.entity, found);
            let ledger = self.settled(&matched);
            let number = ledger.ids.find(id)?;
            let forest = Forest::new(&matched.ties, records.len(), super::leaders(&ledger));
            let mut bearers: Vec<u32> = (0..u32::try_from(records.len()).unwrap_or(u32::MAX)).collect();
            bearers.retain(|record| ledger.standings[*record as usize].id == number);
            bearers.sort_by_key(|record| ledger.standings[*record as usize].seniority);
            let member = |record: &u32| MemberShown {
                record: self.shown(*record),
                date: records.dates[*record as usize].and_then(NaiveDate::from_epoch_days),
                since: NaiveDate::from_epoch_days(ledger.standings[*record as usize].since),
                tie: forest.tie(*record).map(|tie| self.tie(matched.ties[tie as usize], *record, scorer)),
            };
            let members: Vec<MemberShown> = bearers.iter().map(member).collect();
            let entity = self.entity.name.value.clone();
            (!members.is_empty()).then(|| IdExplained { entity, id: id.to_owned(), members, events: Vec::new() })
        })
    }

    fn settled(&self, matched: &Matched) -> Ledger {
        let names: Vec<&str> = self.entity.records.iter().map(|records| records.source.value.as_str()).collect();
        let tonight = self.around.definitions.parameters.run_date.to_epoch_days();
        let past = self.past.all(self.entity);
        ledger::settle(&self.gathered.records, &matched.clusters, &past, &names, &self.entity.id_prefix, tonight)
    }

    fn tie(&self, tie: Tie, record: u32, scorer: &Scorer<'_>) -> TieShown {
        let other = self.shown(tie.other(record));
        let (rule, score) = super::reasons::rule(self.entity, tie);
        let steps = match tie.by {
            By::Evidence(_) => steps(&scorer.waterfall(tie.left, tie.right)),
            _ => Vec::new(),
        };
        TieShown { source: other.source, key: other.key, rule, score, steps }
    }

    fn shown(&self, record: u32) -> RecordShown {
        let records: &Records = &self.gathered.records;
        let value = |(attribute, values): (&Attribute, &Interned)| {
            Some((attribute.name.value.clone(), values.get(record)?.to_owned()))
        };
        RecordShown {
            source: self.entity.records[usize::from(records.sources[record as usize])].source.value.clone(),
            key: records.keys.get(record as usize).to_owned(),
            values: self.entity.attributes.iter().zip(&records.attributes).filter_map(value).collect(),
        }
    }
}

/// Returns how evidence adds up, in bits.
fn steps(waterfall: &Waterfall) -> Vec<(String, Option<String>, f64)> {
    let bits = |millibits: i32| f64::from(millibits) / 1000.0;
    let mut steps = vec![("prior".to_owned(), None, bits(waterfall.prior))];
    for step in &waterfall.steps {
        steps.push((step.attribute.clone(), step.level.clone(), bits(step.weight)));
        if step.rarity != 0 {
            steps.push((format!("{} is rare", step.attribute), None, bits(step.rarity)));
        }
    }
    steps
}
