//! Drift: how a file's form differs from that of the files before it, and what the contract wants done about it.
//!
//! In: a header and the headers of the last snapshot's files. Out: events, each with its action. Files of one source may
//! have several forms (every dealer has his own), so a header that any file had before is no event, and a new one is
//! compared with the most similar.

use std::collections::{BTreeSet, HashMap};

use arrow::datatypes::DataType;

use crate::{
    Error,
    define::project::{Drift, DriftAction, Source},
    normalize::{Binding, Contract},
    record::FileShape,
    run::rejects::is_correction_column,
};

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DriftEvent {
    kind: Kind,
    /// What a person should know.
    told: Warning,
}

/// What a person should know of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Warning {
    pub file: String,
    /// What is the matter, in words that are the same for every file.
    pub what: String,
    /// The values that it is about.
    pub values: Option<Values>,
}

/// How many values are at fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Values {
    count: u64,
    /// All values of the column, where the share matters.
    of: Option<u64>,
    /// Why the first of them is, and what may help.
    example: String,
}

/// Values of one column of one table that do not fit.
#[derive(Debug, Default)]
pub(super) struct Misfits {
    count: u64,
    /// Line and reason of the first of them.
    first: Option<(u64, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Added,
    Removed,
    Renamed,
    Reordered,
    Retyped,
    NewCode,
}

/// The headers of the last snapshot's files.
pub(super) struct Known<'a> {
    pub contract: &'a Contract,
    pub headers: &'a [Vec<String>],
}

impl Known<'_> {
    /// Compares a file's header with those known. Without any nothing can have drifted.
    pub fn events(&self, file: &str, header: &[String], binding: &Binding) -> Vec<DriftEvent> {
        if header.is_empty() || self.headers.is_empty() || self.headers.iter().any(|known| known == header) {
            return Vec::new();
        }
        let names: BTreeSet<&String> = header.iter().collect();
        let common = |known: &&Vec<String>| known.iter().filter(|name| names.contains(name)).count();
        // Of equally similar ones the last, which is the latest.
        let Some(before) = self.headers.iter().max_by_key(common) else { return Vec::new() };
        let shape = FileShape { header: before.clone(), ..FileShape::binary("csv") };
        let Ok(earlier) = self.contract.bind(&shape) else { return Vec::new() };
        compare(file, (before, &earlier), (header, binding), self.contract)
    }
}

fn compare(
    file: &str,
    before: (&[String], &Binding),
    now: (&[String], &Binding),
    contract: &Contract,
) -> Vec<DriftEvent> {
    let mut events = Vec::new();
    let mut event = |kind, what: String| {
        let told = Warning { file: file.to_owned(), what, values: None };
        events.push(DriftEvent { kind, told });
    };
    for added in now.1.extra.iter().filter(|name| !before.0.contains(name) && !is_correction_column(name)) {
        event(Kind::Added, format!("column `{added}` is new and not in the contract"));
    }
    let schema = contract.schema();
    for (index, (old, new)) in before.1.columns.iter().zip(&now.1.columns).enumerate() {
        let column = schema.field(index).name();
        match (old, new) {
            (Some(_), None) => event(Kind::Removed, format!("column `{column}` is not there any more")),
            (Some(old), Some(new)) if before.0.get(old.index) != now.0.get(new.index) => {
                let name = |header: &[String], index: usize| header.get(index).cloned().unwrap_or_default();
                let (was, is) = (name(before.0, old.index), name(now.0, new.index));
                event(Kind::Renamed, format!("column `{column}` is called `{is}`, it was `{was}`"));
            }
            _ => {}
        }
    }
    let (was, is): (BTreeSet<_>, BTreeSet<_>) = (before.0.iter().collect(), now.0.iter().collect());
    if was == is {
        event(Kind::Reordered, "the columns stand in another order".to_owned());
    }
    events
}

impl Misfits {
    /// Counts a value.
    pub fn note(&mut self, line: u64, reason: &str) {
        self.count += 1;
        if self.first.as_ref().is_none_or(|(first, _)| line < *first) {
            self.first = Some((line, reason.to_owned()));
        }
    }

    /// Adds those of another piece of the table.
    pub fn add(&mut self, other: Self) {
        self.count += other.count;
        let line = |misfits: &Self| misfits.first.as_ref().map_or(u64::MAX, |(line, _)| *line);
        if line(&other) < line(self) {
            self.first = other.first;
        }
    }
}

/// Returns what the values of a table say: columns that mostly do not fit their type, and unknown codes.
pub(super) fn of_values(file: &str, misfits: &HashMap<String, Misfits>, rows: u64, source: &Source) -> Vec<DriftEvent> {
    let mut found: Vec<_> = misfits.iter().collect();
    found.sort_by_key(|(what, _)| *what);
    let event = |(what, misfits): (&String, &Misfits)| {
        let (kind, column, of, what) = match what.split_once(' ') {
            Some(("type", column)) if misfits.count * 2 > rows => {
                (Kind::Retyped, column, Some(rows), format!("values of `{column}` do not fit its type"))
            }
            Some(("code", column)) => (Kind::NewCode, column, None, format!("values of `{column}` are unknown codes")),
            _ => return None,
        };
        let values = Some(Values { count: misfits.count, of, example: example(misfits, column, source) });
        Some(DriftEvent { kind, told: Warning { file: file.to_owned(), what, values } })
    };
    found.into_iter().filter_map(event).collect()
}

/// Returns why the first value does not fit, unless that would quote personal data, and what in the contract may help where
/// the reason does not say so itself.
fn example(misfits: &Misfits, column: &str, source: &Source) -> String {
    let reason = misfits.first.as_ref().map(|(_, reason)| reason.as_str()).unwrap_or_default();
    let column = source.column(column);
    let shown = if column.is_some_and(|column| column.pii.is_some()) { "" } else { reason };
    let key = match column.map(|column| &column.data_type) {
        Some(DataType::Date32 | DataType::Timestamp(..)) => "; `formats` names other forms",
        _ => "",
    };
    if shown.is_empty() { key.trim_start_matches("; ").to_owned() } else { format!("{shown}{key}") }
}

/// Does what the contract wants: collects warnings, returns why rows must go to quarantine, or fails.
///
/// # Errors
/// When one of the events is fatal.
pub(super) fn settle(
    events: Vec<DriftEvent>,
    drift: Drift,
    warnings: &mut Vec<Warning>,
) -> Result<Option<String>, Error> {
    let mut refused = Vec::new();
    for DriftEvent { kind, told } in events {
        let (key, action) = kind.policy(drift);
        match action {
            DriftAction::Accept => {}
            DriftAction::Warn => warnings.push(told),
            // The rows that do not fit are in quarantine anyway.
            DriftAction::Quarantine if matches!(kind, Kind::Retyped | Kind::NewCode) => warnings.push(told),
            DriftAction::Quarantine => {
                refused.push(told.of(1));
                warnings.push(Warning { what: format!("{}; its rows are in quarantine", told.what), ..told });
            }
            DriftAction::Fail => {
                return Err(Error::Data {
                    message: told.of(1),
                    hint: Some(format!("mend the file or the contract, or let `drift.{key}` be `warn`")),
                });
            }
        }
    }
    Ok((!refused.is_empty()).then(|| refused.join("; ")))
}

impl Warning {
    /// Returns the warning of so many files, of which it names one.
    fn of(&self, files: usize) -> String {
        let Self { file, what, values } = self;
        let more = if files > 1 { format!(" and {} more", files - 1) } else { String::new() };
        let Some(Values { count, of, example }) = values else { return format!("`{file}`{more}: {what}") };
        let of = of.map(|of| format!(" of {of}")).unwrap_or_default();
        let example = if example.is_empty() { String::new() } else { format!(": {example}") };
        format!("`{file}`{more}: {count}{of} {what}{example}")
    }

    /// Adds the values of another file.
    fn add(&mut self, other: Self) {
        if let (Some(values), Some(other)) = (&mut self.values, other.values) {
            values.count += other.count;
            values.of = values.of.zip(other.of).map(|(all, more)| all + more);
        }
    }
}

/// Returns the warnings of a source's files in the order of their first files: what is the same in several of them once.
pub(super) fn told(warnings: Vec<Warning>) -> Vec<String> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut groups: Vec<(Warning, usize)> = Vec::new();
    for warning in warnings {
        if let Some(place) = places.get(&warning.what) {
            groups[*place].0.add(warning);
            groups[*place].1 += 1;
        } else {
            places.insert(warning.what.clone(), groups.len());
            groups.push((warning, 1));
        }
    }
    groups.iter().map(|(warning, files)| warning.of(*files)).collect()
}

impl Kind {
    /// Returns the key in the contract and what it says.
    const fn policy(self, drift: Drift) -> (&'static str, DriftAction) {
        match self {
            Self::Added => ("column_added", drift.column_added),
            Self::Removed => ("column_removed", drift.column_removed),
            Self::Renamed => ("renamed", drift.renamed),
            Self::Reordered => ("reordered", drift.reordered),
            Self::Retyped => ("retyped", drift.retyped),
            Self::NewCode => ("new_code", drift.new_code),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn misfitting(file: &str, count: u64, of: u64, example: &str) -> Warning {
        let values = Some(Values { count, of: Some(of), example: example.to_owned() });
        Warning { file: file.to_owned(), what: "values of `amount` do not fit its type".to_owned(), values }
    }

    #[test]
    fn what_is_the_same_in_several_files_is_told_once() {
        let new = Warning { file: "b.csv".to_owned(), what: "column `x` is new".to_owned(), values: None };
        let warnings = vec![
            misfitting("a.csv", 84, 85, "`1,5` is not a number"),
            new.clone(),
            misfitting("b.csv", 10, 15, "`2,5` is not a number"),
            Warning { file: "c.csv".to_owned(), ..new },
        ];
        let expected = [
            "`a.csv` and 1 more: 94 of 100 values of `amount` do not fit its type: `1,5` is not a number",
            "`b.csv` and 1 more: column `x` is new",
        ];
        assert_eq!(told(warnings), expected);
        assert_eq!(
            told(vec![misfitting("a.csv", 2, 3, "")]),
            ["`a.csv`: 2 of 3 values of `amount` do not fit its type"]
        );
    }

    #[test]
    fn the_example_is_the_first_by_its_line() {
        let mut misfits = Misfits::default();
        misfits.note(7, "seven");
        let mut others = Misfits::default();
        others.note(5, "five");
        others.note(3, "three");
        misfits.add(others);
        misfits.add(Misfits::default());
        assert_eq!((misfits.count, misfits.first), (3, Some((3, "three".to_owned()))));
    }
}
