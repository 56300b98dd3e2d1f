//! How the engine computes a table, operator by operator, and what that cost: shown by `explain`, and kept of each run.

use serde::{Deserialize, Serialize};

use super::TableName;

/// One operator, and what it reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Operator {
    /// Its name in the engine.
    pub operator: String,
    /// The table whose files it reads, if any.
    pub table: Option<TableName>,
    /// What it does, in the engine's words.
    pub details: String,
    /// What it cost, if it was run.
    pub measured: Option<Measured>,
    /// What it reads.
    pub inputs: Vec<Operator>,
}

/// What an operator cost, over all threads.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Rows that it gave; None where the engine does not count.
    pub rows: Option<usize>,
    /// Seconds of work, its inputs' not included; None where the engine does not measure.
    pub seconds: Option<f64>,
    /// How often it spilled to the disk.
    pub spills: usize,
    /// Bytes that it spilled.
    pub spilled_bytes: usize,
}

/// A part of a query that is computed once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartPlan {
    /// Its name in the query.
    pub name: String,
    /// The operator that gives its rows.
    pub plan: Operator,
}

/// The operators of a query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueryPlan {
    /// What the query names more than once and a run computes once, each after those that it stands on.
    pub parts: Vec<PartPlan>,
    /// The operator that gives the result.
    pub plan: Operator,
}

/// What computing and writing the rows of a table cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Seconds from the plan to the last written file.
    pub seconds: f64,
    /// Seconds that the operators worked, on all threads together, as far as the engine measures them.
    pub cpu_seconds: f64,
    /// How often operators spilled to the disk.
    pub spills: usize,
    /// Bytes that they spilled.
    pub spilled_bytes: usize,
    /// The most bytes of the memory limit that they held at one time.
    pub peak_memory_bytes: usize,
    /// How often the query was begun; more than once where it found too little memory. Of shares, that of the worst.
    pub attempts: usize,
    /// In how many shares of its partitions the query was run: more than one where it would have held too much at once.
    #[serde(default)]
    pub shares: usize,
}

impl Operator {
    /// Calls a function with what this operator and each below it cost.
    pub fn each_measured(&self, take: &mut impl FnMut(&Measured)) {
        self.measured.iter().for_each(&mut *take);
        self.inputs.iter().for_each(|input| input.each_measured(take));
    }

    /// Adds what the same query cost over other rows. Where that has other operators, which happens since plans depend on how many rows
    /// there are, the one above them takes all of it.
    fn add(&mut self, other: &Self) {
        let is_alike = self.operator == other.operator && self.inputs.len() == other.inputs.len();
        if is_alike {
            add(&mut self.measured, other.measured.as_ref(), true);
            self.inputs.iter_mut().zip(&other.inputs).for_each(|(input, other)| input.add(other));
        } else {
            other.each_measured(&mut |more| add(&mut self.measured, Some(more), false));
        }
    }
}

/// Adds what an operator cost; its rows where they are of the same kind.
fn add(sum: &mut Option<Measured>, more: Option<&Measured>, with_rows: bool) {
    let (Some(sum), Some(more)) = (sum, more) else { return };
    let added = |one: Option<f64>, other: Option<f64>| Some(one? + other?);
    sum.rows = sum.rows.zip(more.rows).map(|(one, other)| if with_rows { one + other } else { one });
    sum.seconds = added(sum.seconds, more.seconds).or(sum.seconds).or(more.seconds);
    sum.spills += more.spills;
    sum.spilled_bytes += more.spilled_bytes;
}

impl QueryPlan {
    /// Adds what a further share of the same query cost, which has no parts.
    pub fn add(&mut self, share: &Self) {
        self.plan.add(&share.plan);
    }

    /// Adds up what the operators cost.
    #[must_use]
    pub fn cost(&self) -> Cost {
        let mut cost = Cost::default();
        let mut add = |measured: &Measured| {
            cost.cpu_seconds += measured.seconds.unwrap_or(0.0);
            cost.spills += measured.spills;
            cost.spilled_bytes += measured.spilled_bytes;
        };
        for part in &self.parts {
            part.plan.each_measured(&mut add);
        }
        self.plan.each_measured(&mut add);
        cost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cost_of_a_query_is_that_of_all_its_operators_and_parts() {
        let operator = |seconds, spilled_bytes, inputs| Operator {
            operator: "SortExec".to_owned(),
            table: None,
            details: String::new(),
            measured: Some(Measured { rows: None, seconds, spills: usize::from(spilled_bytes > 0), spilled_bytes }),
            inputs,
        };
        let part = PartPlan { name: "town".to_owned(), plan: operator(Some(0.5), 7, Vec::new()) };
        let plan = operator(Some(0.25), 3, vec![operator(None, 0, Vec::new())]);
        let cost = QueryPlan { parts: vec![part], plan }.cost();
        assert_eq!(cost, Cost { cpu_seconds: 0.75, spills: 2, spilled_bytes: 10, ..Cost::default() });
    }
}
