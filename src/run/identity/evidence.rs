//! The table of links that a person should look at, and why each has its probability.
//!
//! In: the doubtful links of tonight. Out: a row for each step of their evidence. No value of a record is in it: a step is named
//! by the attribute and the level, so that everybody may read it.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray};

use super::{
    reasons::steps,
    schema,
    tables::{Place, Tonight, Written, batch},
    titles,
};
use crate::{
    Error,
    identify::doubtful::Doubtful,
    record::{PartitionValues, manifest::Table},
};

/// One step of the evidence for a link.
struct Row<'a> {
    link: &'a Doubtful,
    number: i64,
    step: String,
    level: Option<String>,
    bits: f64,
}

fn rows(links: &[Doubtful]) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    for link in links {
        for (number, (step, level, bits)) in (0..).zip(steps(&link.evidence)) {
            rows.push(Row { link, number, step, level, bits });
        }
    }
    rows
}

impl Tonight<'_> {
    /// Writes the evidence of the links that a person should look at.
    pub fn evidence(&self, place: Place<'_>) -> Result<Table, Error> {
        let table = Written {
            name: self.entity.evidence_table(),
            schema: schema::evidence(self.entity),
            partition_by: &[],
            key: &["left_source", "left_key", "right_source", "right_key", "number"],
            description: format!(
                "Why the most doubtful links of each {} have their probability: the weakest that hold, and the likeliest that do not.",
                self.entity.name.value
            ),
            labels: titles::of(self.entity, titles::EVIDENCE),
        };
        let rows = rows(self.doubtful);
        let text = |of: &dyn Fn(&Row<'_>) -> String| -> ArrayRef {
            Arc::new(rows.iter().map(|row| Some(of(row))).collect::<StringArray>())
        };
        let number = |of: fn(&Row<'_>) -> f64| -> ArrayRef {
            Arc::new(rows.iter().map(|row| Some(of(row))).collect::<Float64Array>())
        };
        let id = |record: u32| self.id(self.ledger.standings[record as usize].id).to_owned();
        let key = |record: u32| self.records.keys.get(record as usize).to_owned();
        let columns: Vec<ArrayRef> = vec![
            text(&|row| self.source(row.link.left).to_owned()),
            text(&|row| key(row.link.left)),
            text(&|row| self.source(row.link.right).to_owned()),
            text(&|row| key(row.link.right)),
            Arc::new(rows.iter().map(|row| Some(row.number)).collect::<Int64Array>()),
            text(&|row| row.step.clone()),
            Arc::new(rows.iter().map(|row| row.level.as_deref()).collect::<StringArray>()),
            number(|row| row.bits),
            number(|row| row.link.evidence.probability()),
            Arc::new(rows.iter().map(|row| Some(row.link.is_linked)).collect::<BooleanArray>()),
            text(&|row| id(row.link.left)),
            text(&|row| id(row.link.right)),
        ];
        let rows = batch(&table.schema, columns, rows.len())?;
        let batches = if rows.num_rows() == 0 { Vec::new() } else { vec![(PartitionValues::default(), rows)] };
        place.write(table, batches, Vec::new())
    }
}
