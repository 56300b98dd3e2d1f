//! Who is who tonight: found among all records, or from what the last run knew and what has changed since.
//!
//! ```text
//!  records ──┬──────────────────► all that differ little from those remembered? ──► only these are linked ──┐
//!            │ remembered records ┘                    │ no, and why                                        ├─► remembered
//!            └─────────────────────────────────────────┴──────────────────────► all are linked ─────────────┘
//! ```
//!
//! In: the records of tonight, what people said. Out: [`Linked`]. Both ways find the same; a run that proves it goes both. What is
//! remembered holds the very records that it is true of, so it may come from any run, also one that was killed or rolled back.

use crate::{
    Error,
    define::entity::{Attribute, Entity},
    identify::{
        codes::{self, NOTHING},
        doubtful::{Doubtful, doubtful},
        matched::Matched,
        records::{ABSENT, Records},
        relink::{Difference, Update, relink},
        remembered,
        values::Values,
        weigh::{Model, train},
        whole::{self, Identified, Problem, Terms},
    },
    publish::Remembered,
    report::Linking,
};

use super::{Around, Said, memory::Memory};

/// One value of so many may be none of its kind without a word.
const ONE_UNREAD_OF: usize = 10;
/// Of so many records at most one may have changed, or all are linked anew: that is on several threads, and soon the faster way.
const ONE_CHANGED_OF: usize = 5;
/// Records of which any number may have changed.
const FEW: usize = 1000;

/// Who is who, and how that was found.
pub(super) struct Linked {
    pub matched: Matched,
    /// The links that a person should look at.
    pub doubtful: Vec<Doubtful>,
    pub report: Linking,
    /// What is worth a word.
    pub warnings: Vec<String>,
}

/// What was found tonight, and by what.
#[derive(Clone, Copy)]
struct Outcome<'a> {
    records: &'a Records,
    model: &'a Model,
    found: &'a Identified,
}

/// What the last run knew, and how tonight differs from it.
struct Known {
    records: Records,
    found: Identified,
    difference: Difference,
}

/// Finds out which records are one thing. `records` come back as they are, if need be with other numbers for their values.
///
/// # Errors
/// Overrides that contradict each other, a model of another definition.
pub(super) fn link(entity: &Entity, records: &mut Records, said: &Said, around: Around<'_>) -> Result<Linked, Error> {
    let (verdicts, unheard) = said.overrides.verdicts(entity, records);
    let terms = Terms { entity, verdicts: &verdicts, threads: around.stage.threads };
    let mut linked = Night { terms, said, around }.link(records)?;
    linked.warnings.extend(unheard);
    Ok(linked)
}

/// Links all records, and turns what is wrong with files of people into findings.
pub(super) fn all(
    terms: Terms<'_>,
    records: &Records,
    values: &Values<'_>,
    model: &Model,
    said: &Said,
) -> Result<Identified, Error> {
    whole::link(terms, records, values, model).map_err(|problem| wrong(problem, terms.entity, said))
}

fn wrong(problem: Problem, entity: &Entity, said: &Said) -> Error {
    match problem {
        Problem::Contradiction(twice) => {
            Error::Definition(vec![said.overrides.finding(twice.different, twice.to_string())])
        }
        Problem::Mismatch(mismatch) => said.pinned.misfit(entity, &mismatch.to_string()),
    }
}

/// What is linked tonight.
#[derive(Clone, Copy)]
struct Night<'a> {
    terms: Terms<'a>,
    said: &'a Said,
    around: Around<'a>,
}

impl Night<'_> {
    fn link(&self, records: &mut Records) -> Result<Linked, Error> {
        let Terms { entity, threads, .. } = self.terms;
        let Some(model) = self.said.pinned.fixed(entity) else {
            let values = Values::all(entity, records, threads);
            let (model, told) = self.said.pinned.or_learnt(entity, records, &values, threads);
            let found = self.all(records, &values, &model)?;
            drop(values);
            let because = Some("no model is pinned, so another one may be learnt every night".to_owned());
            let report = Linking { all_because: because, compared: found.compared, ..Linking::default() };
            return Ok(self.linked(Outcome { records, model: &model, found: &found }, report, told));
        };
        let memory = serde_json::to_string(&model).ok();
        let memory = memory.and_then(|model| Memory::new(entity.xref_table(), entity, [model], self.around));
        match self.known(records, memory.as_ref()) {
            Ok(known) => self.changed(records, known, &model, memory.as_ref()),
            Err(why) => {
                let values = Values::all(entity, records, threads);
                let found = self.all(records, &values, &model)?;
                // Prepared values take more room than all else, and are not needed any more.
                drop(values);
                self.remember(memory.as_ref(), records, &found);
                let report = Linking { all_because: Some(why), compared: found.compared, ..Linking::default() };
                let outcome = Outcome { records, model: &model, found: &found };
                Ok(self.linked(outcome, report, Vec::new()))
            }
        }
    }

    fn all(&self, records: &Records, values: &Values<'_>, model: &Model) -> Result<Identified, Error> {
        all(self.terms, records, values, model, self.said)
    }

    /// Returns what the last run knew; else why all records must be linked.
    fn known(&self, tonight: &Records, memory: Option<&Memory>) -> Result<Known, String> {
        if self.around.manner.full {
            return Err("everything is found out anew".to_owned());
        }
        let remembered = memory.and_then(|memory| recalled(memory, self.terms.entity));
        let Some((records, found)) = remembered else {
            return Err("nothing is remembered of a run with this definition, model and program".to_owned());
        };
        let difference = Difference::between(&records, tonight);
        let (changed, all) = (difference.len(), tonight.len());
        if changed > FEW && changed > all / ONE_CHANGED_OF {
            return Err(format!("{changed} records are new, gone or say something else"));
        }
        let values = |records: &Records| records.attributes.iter().map(|known| known.values.len()).sum::<usize>();
        if values(&records) > 2 * values(tonight) + FEW {
            return Err("most of the values that are remembered are those of no record any more".to_owned());
        }
        Ok(Known { records, found, difference })
    }

    /// Links only what changed; both ways where that is to be proved.
    fn changed(
        &self,
        tonight: &mut Records,
        known: Known,
        model: &Model,
        memory: Option<&Memory>,
    ) -> Result<Linked, Error> {
        let Known { records, found, difference } = known;
        let is_news = !difference.is_empty() || found.verdicts != self.terms.verdicts;
        let update = difference
            .update(records, tonight)
            .map_err(|twice| Error::Bug { message: format!("records of one night are one: {twice}") })?;
        // The update has the same records, and each generation of them takes gigabytes.
        let gathered = std::mem::take(tonight);
        let gathered = self.around.manner.verify.then_some(gathered);
        let values = Values::on_demand(self.terms.entity, &update.records);
        let found = relink(self.terms, &update, found, &values, model)
            .map_err(|problem| wrong(problem, self.terms.entity, self.said))?;
        drop(values);
        let Update { before, records: updated, .. } = update;
        drop(before);
        let mut report = Linking {
            came: difference.came.len() as u64,
            gone: difference.gone.len() as u64,
            compared: found.compared,
            ..Linking::default()
        };
        if let Some(gathered) = gathered {
            let whole = self.all(&gathered, &Values::all(self.terms.entity, &gathered, self.terms.threads), model)?;
            report.is_proved = Some(is_same(&found, &whole));
        }
        *tonight = updated;
        if is_news {
            self.remember(memory, tonight, &found);
        }
        let outcome = Outcome { records: tonight, model, found: &found };
        Ok(self.linked(outcome, report, Vec::new()))
    }

    fn remember(&self, memory: Option<&Memory>, records: &Records, found: &Identified) {
        let Some(memory) = memory.filter(|_| self.around.manner.remember) else { return };
        let mut keeping = memory.keep();
        match remembered::write(records, found, Remembered::begin(), &mut |piece| keeping.piece(piece)) {
            Ok(()) => keeping.finish(),
            Err(error) => tracing::warn!("the links of `{}` are not kept: {error}", self.terms.entity.name.value),
        }
    }

    fn linked(&self, outcome: Outcome<'_>, report: Linking, mut warnings: Vec<String>) -> Linked {
        let Outcome { records, model, found } = outcome;
        let entity = self.terms.entity;
        warnings.extend(split_blocks(entity, found));
        warnings.extend(unprepared(entity, records, found));
        let matched = Matched::new(entity, found);
        let few = Values::on_demand(entity, records);
        let doubtful = doubtful(entity, records, &few, model, (found, &matched));
        Linked { matched, doubtful, report, warnings }
    }
}

/// Returns whether two ways of linking the same records came to the same.
fn is_same(one: &Identified, other: &Identified) -> bool {
    one.orders == other.orders
        && one.split == other.split
        && one.links == other.links
        && one.certain == other.certain
        && one.clusters == other.clusters
}

/// Returns what an earlier run found with the same definition, model and program.
fn recalled(memory: &Memory, entity: &Entity) -> Option<(Records, Identified)> {
    remembered::read(entity, &mut memory.recall(), Remembered::begin().len())
}

/// Says of which attributes many values are none of their kind, such as telephones without a digit: they link nothing.
fn unprepared(entity: &Entity, records: &Records, found: &Identified) -> Vec<String> {
    let of = |(position, attribute): (usize, &Attribute)| {
        let preparation = attribute.preparation.as_ref()?;
        let hashes = found.codes.of(codes::normal(position));
        let said = || records.attributes[position].numbers.iter().filter(|number| **number != ABSENT);
        // An attribute that nothing looks at has no hashes.
        let nothing = said().filter(|number| hashes.get(**number as usize) == Some(&NOTHING)).count();
        let (all, name, kind) = (said().count(), &attribute.name.value, preparation.kind.phrase());
        (nothing * ONE_UNREAD_OF > all)
            .then(|| format!("{nothing} of {all} values of `{name}` cannot be read as {kind}, and link nothing"))
    };
    entity.attributes.iter().enumerate().filter_map(of).collect()
}

/// Says which blocks were too large, one sentence for each block of the definition.
fn split_blocks(entity: &Entity, found: &Identified) -> Vec<String> {
    let mut warnings = Vec::new();
    for block in 0..entity.blocks.len() {
        let split: Vec<_> = found.split.iter().filter(|split| split.block == block).collect();
        let Some(largest) = split.iter().map(|split| split.records).max() else { continue };
        let near: usize = split.iter().map(|split| split.near_only).sum();
        let name = train::block_name(entity, &entity.blocks[block]);
        let near = match near {
            0 => String::new(),
            _ => format!("; {near} of their records were compared with near ones only"),
        };
        warnings.push(format!(
            "{} values of the block `{name}` have more than {} records, the largest {largest}: they were split{near}",
            split.len(),
            entity.block_limit
        ));
    }
    warnings
}
