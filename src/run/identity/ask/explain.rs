//! What stands behind an id: its records, what ties them, how the evidence adds up, what happened to it.
//!
//! In: an id. Out: [`IdExplained`]; `picture` draws it. Records and ties are those of now, events those of the served snapshot.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::{
    Looked, Seen,
    explained::{Apart, IdExplained, MemberShown, TieShown},
    load_definitions, look_at,
};
use crate::{
    Error,
    define::{
        entity::{Attribute, Entity, FormName},
        project::Title,
    },
    engine::Engine,
    identify::{
        cluster::Cut,
        codes::Prepared,
        key,
        ledger::{self, Ledger},
        matched::{By, Forest, Matched, Tie},
        values::Values,
    },
    record::sql::{literal, quoted},
    run::{
        Observer, Request,
        away::Away,
        identity::{leaders, overrides, past, reasons},
    },
};

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
        let away = Away::new(&definitions, request, engine).await?;
        let events = events(entity, id, &away, engine).await?;
        let snapshot = away.parent.as_ref().map(|parent| parent.snapshot.clone());
        return Ok(IdExplained { snapshot, events, ..found });
    }
    Err(Error::Usage {
        message: format!("no record bears the id `{id}`"),
        hint: Some("`tallyhouse query` over the `_event` table tells what became of it".to_owned()),
    })
}

/// Returns what happened to an id, as the served snapshot tells it.
async fn events(entity: &Entity, id: &str, away: &Away, engine: &Engine) -> Result<Vec<String>, Error> {
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
        self.linked(|seen| {
            let matched = Matched::new(self.entity, seen.found);
            let ledger = self.settled(&matched);
            let number = ledger.ids.find(id)?;
            let forest = Forest::new(&matched, leaders(&ledger));
            let mut bearers: Vec<u32> = (0..u32::try_from(self.gathered.records.len()).unwrap_or(u32::MAX)).collect();
            bearers.retain(|record| ledger.standings[*record as usize].id == number);
            bearers.sort_by_key(|record| ledger.standings[*record as usize].seniority);
            let tie = |record: u32| forest.tie(record).map(|tie| self.tie(matched.ties[tie as usize], record, seen));
            let members: Vec<MemberShown> =
                bearers.iter().map(|record| self.member(*record, &ledger, tie(*record), seen.values)).collect();
            (!members.is_empty()).then(|| IdExplained {
                entity: self.entity.name.value.clone(),
                id: id.to_owned(),
                run_date: self.around.definitions.parameters.run_date,
                snapshot: None,
                members,
                kept_apart: self.kept_apart(number, &matched, &ledger),
                events: Vec::new(),
                titles: self.titles(),
            })
        })
    }

    fn settled(&self, matched: &Matched) -> Ledger {
        let names: Vec<&str> = self.entity.records.iter().map(|records| records.source.value.as_str()).collect();
        let tonight = self.around.definitions.parameters.run_date.to_epoch_days();
        let past = self.past.all(self.entity);
        ledger::settle(&self.gathered.records, &matched.clusters, &past, &names, &self.entity.id_prefix, tonight)
    }

    fn member(&self, record: u32, ledger: &Ledger, tie: Option<TieShown>, values: &Values<'_>) -> MemberShown {
        let records = &self.gathered.records;
        let compared = |(number, attribute): (usize, &Attribute)| {
            let written = records.attributes[number].get(record)?;
            let form = values.form(number, records.attributes[number].numbers[record as usize], FormName::Normal)?;
            (form != written).then(|| (attribute.name.value.clone(), form.into_owned()))
        };
        MemberShown {
            record: self.shown(record),
            compared_as: self.entity.attributes.iter().enumerate().filter_map(compared).collect(),
            date: records.dates[record as usize].and_then(NaiveDate::from_epoch_days),
            since: NaiveDate::from_epoch_days(ledger.standings[record as usize].since),
            tie,
        }
    }

    fn tie(&self, tie: Tie, record: u32, seen: &Seen<'_>) -> TieShown {
        let [source, key] = self.named(tie.other(record));
        let (rule, score) = reasons::rule(self.entity, tie);
        let (steps, reason) = match tie.by {
            By::Evidence(_) => (reasons::steps(&seen.scorer.waterfall(tie.left, tie.right)), None),
            By::Verdict(line) => (Vec::new(), self.reason(line)),
            By::Rule(_) => (Vec::new(), None),
        };
        TieShown { source, key, rule, reason, score, steps }
    }

    /// Returns what people wrote in a line of the overrides file.
    fn reason(&self, line: usize) -> Option<String> {
        let said = self.said.overrides.all.iter().find(|one| one.line == line);
        said.map(|one| one.reason.clone())
    }

    /// Returns the links between the records of an id and others that something forbids.
    fn kept_apart(&self, id: u32, matched: &Matched, ledger: &Ledger) -> Vec<Apart> {
        let id_of = |record: u32| ledger.standings[record as usize].id;
        let apart = |(left, right, why): &(u32, u32, Cut)| {
            let (own, other) = if id_of(*left) == id { (*left, *right) } else { (*right, *left) };
            if id_of(own) != id || id_of(other) == id {
                return None;
            }
            let ([source, key], [other_source, other_key]) = (self.named(own), self.named(other));
            let (why, reason) = self.forbids(*why, [*left, *right]);
            let other_id = ledger.ids.texts().get(id_of(other) as usize).to_owned();
            Some(Apart { source, key, other_source, other_key, other_id, why, reason })
        };
        matched.parted.iter().filter_map(apart).collect()
    }

    /// Returns what forbids a link, and what people wrote of these two records.
    fn forbids(&self, why: Cut, ends: [u32; 2]) -> (String, Option<String>) {
        match why {
            Cut::Veto(number) => {
                let veto = self.entity.vetoes.get(number);
                (veto.map_or_else(|| "veto".to_owned(), |veto| veto.name.value.clone()), None)
            }
            Cut::Cohesion => ("cohesion".to_owned(), None),
            Cut::Verdict => {
                let ends = ends.map(|record| self.named(record));
                let [one, other] = ends.each_ref().map(|end| [end[0].as_str(), end[1].as_str()]);
                let pair = overrides::ordered(one, other);
                let said = self.said.overrides.said().position(|said| said == (pair, false));
                ("override".to_owned(), said.map(|at| self.said.overrides.all[at].reason.clone()))
            }
        }
    }

    /// Returns what people call the attributes: what a contract says of a column.
    fn titles(&self) -> BTreeMap<String, Title> {
        let sources = &self.around.definitions.project.sources;
        let title = |(number, attribute): (usize, &Attribute)| {
            let titles = self.entity.records.iter().filter_map(|records| {
                let (_, column) = records.columns.iter().find(|(of, _)| *of == number)?;
                let source = sources.iter().find(|source| source.name.value == records.source.value)?;
                Some(source.column(&column.value)?.title.clone())
            });
            Some((attribute.name.value.clone(), titles.into_iter().find(|title| title.en.is_some())?))
        };
        self.entity.attributes.iter().enumerate().filter_map(title).collect()
    }
}
