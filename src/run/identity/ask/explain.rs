//! What stands behind an id: its records, what ties them, how the evidence adds up, what happened to it.
//!
//! In: an id. Out: [`IdExplained`]. Records and ties are those of now, events those of the served snapshot.

use chrono::NaiveDate;
use serde::Serialize;

use super::{Looked, RecordShown, load_definitions, look_at};
use crate::{
    Error,
    define::entity::Entity,
    engine::Engine,
    identify::{
        key,
        ledger::{self, Ledger},
        matched::{By, Forest, Matched, Tie},
        weigh::{Scorer, Waterfall},
    },
    record::sql::{literal, quoted},
    run::{
        Definitions, Observer, Request,
        away::Away,
        identity::{leaders, past, reasons},
    },
};

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
        past::rows(&entity.event_table(), &columns, &filter, away.parent.as_ref(), &away.files, engine).await?;
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

impl Looked<'_> {
    fn explain(&self, id: &str) -> Result<Option<IdExplained>, Error> {
        self.linked(|found, scorer| {
            let records = &self.gathered.records;
            let matched = Matched::new(self.entity, found);
            let ledger = self.settled(&matched);
            let number = ledger.ids.find(id)?;
            let forest = Forest::new(&matched.ties, records.len(), leaders(&ledger));
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
        let (rule, score) = reasons::rule(self.entity, tie);
        let steps = match tie.by {
            By::Evidence(_) => steps(&scorer.waterfall(tie.left, tie.right)),
            _ => Vec::new(),
        };
        TieShown { source: other.source, key: other.key, rule, score, steps }
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
