//! The draft as YAML, each guess with what it rests on.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{
    columns::{Column, Columns},
    guess::{Guess, nearly_all, rival},
    keys::Keys,
    profile::NULL_WORDS,
    sample::Sampled,
    yaml::{list, quoted, remark, scalar},
};
use crate::record::DecimalMark;

/// Rows below which a column that is never empty is not yet required.
const CERTAIN_ROWS: u64 = 1_000;
/// Different values that count as codes, and values that stand behind each at least.
const MOST_CODES: usize = 12;
const VALUES_PER_CODE: u64 = 10;
/// Share of rejected rows that stops a run, and how much of it the sample may use up.
const REJECT_SHARE: f64 = 0.02;

/// Everything that was found out, to be written down.
pub(super) struct Draft<'a> {
    pub name: &'a str,
    pub location: &'a str,
    /// `format:` as it was declared; None for `auto`.
    pub format: Option<String>,
    pub version: Option<String>,
    pub columns: &'a Columns,
    pub guesses: &'a [Guess],
    pub keys: Keys,
    pub parts: &'a [Sampled],
    /// Rejected rows of the sample, by column or row, and all of them; None before they are known.
    pub tried: Option<Tried>,
}

/// What became of the sample under the draft.
#[derive(Debug, Clone, Default)]
pub(super) struct Tried {
    pub rows: u64,
    pub rejected: u64,
    pub faults: BTreeMap<String, u64>,
}

impl Draft<'_> {
    /// Returns the contract.
    pub fn to_yaml(&self) -> String {
        let mut text = String::new();
        self.head(&mut text);
        let main = self.main_date();
        let month = main.and_then(|index| self.month(index));
        self.keys(&mut text, main, month.as_ref());
        text.push_str("columns:\n");
        for (index, (column, guess)) in self.columns.all.iter().zip(self.guesses).enumerate() {
            self.column(&mut text, index, column, guess);
        }
        if let Some((name, derive)) = &month {
            let _ = writeln!(text, "  {name}:\n    type: date\n    derive: {}", quoted(derive));
        }
        for header in &self.columns.unnamed {
            let _ = writeln!(text, "  # without a name of its own, so no column can ask for it: {}", remark(header));
        }
        text
    }

    fn rows(&self) -> u64 {
        self.parts.iter().map(|part| part.rows).sum()
    }

    fn head(&self, text: &mut String) {
        let files: std::collections::BTreeSet<&str> = self.parts.iter().map(|part| part.path.as_str()).collect();
        let _ = writeln!(
            text,
            "# Drafted by `tallyhouse infer` from {} rows of {} files. Every guess says what it rests on;",
            self.rows(),
            files.len()
        );
        text.push_str("# correct what is wrong, and remove the comments that have served.\n");
        if let Some(tried) = &self.tried {
            let _ = writeln!(
                text,
                "# Under this draft {} of the {} rows are rejected{}.",
                tried.rejected,
                tried.rows,
                faults(&tried.faults)
            );
        }
        let _ = writeln!(text, "name: {}\nlocation: {}", scalar(self.name), quoted(self.location));
        for (shape, count) in self.shapes() {
            let _ = writeln!(text, "# found in {count} of {}: {shape}", self.parts.len());
        }
        let _ = writeln!(text, "format: {}", self.format.as_deref().unwrap_or("auto"));
        match &self.version {
            Some(pattern) => {
                let _ = writeln!(text, "# a date in all {} file names: of two rows with one key, the one of the later file is kept", files.len());
                let _ = writeln!(text, "version: {{ from_path: {} }}", quoted(pattern));
            }
            None => text.push_str("# no date in the file names: of two rows with one key, the one of the file whose path sorts later is kept\n"),
        }
    }

    /// Returns how parts are written, each way with the number of parts, the commonest first.
    fn shapes(&self) -> Vec<(String, usize)> {
        let mut shapes: BTreeMap<String, usize> = BTreeMap::new();
        for part in self.parts {
            let shape = &part.shape;
            let mut words = vec![shape.format.to_owned()];
            words.extend(shape.encoding.clone());
            words.extend(
                shape
                    .delimiter
                    .as_ref()
                    .map(|delimiter| format!("delimiter {}", quoted(&ToString::to_string(delimiter)))),
            );
            if shape.decimal_mark == DecimalMark::Comma {
                words.push("decimal comma".to_owned());
            }
            if shape.header_line > 1 {
                words.push(format!("header on line {}", shape.header_line));
            }
            *shapes.entry(words.join(", ")).or_default() += 1;
        }
        let mut shapes: Vec<(String, usize)> = shapes.into_iter().collect();
        shapes.sort_by_key(|(shape, count)| (std::cmp::Reverse(*count), shape.clone()));
        shapes.truncate(12);
        shapes
    }

    fn keys(&self, text: &mut String, main: Option<usize>, month: Option<&(String, String)>) {
        let names = |columns: &[usize]| list(columns.iter().map(|index| self.columns.all[*index].name.as_str()));
        if let Some(key) = &self.keys.key {
            let repeated = if key.repeated == 0 {
                String::new()
            } else {
                format!("; {} rows have a key that another file has too", key.repeated)
            };
            let _ = writeln!(text, "# no two rows of a file agree on it, in {} rows{repeated}", key.rows);
            let _ = writeln!(text, "key: {}", names(&key.columns));
        } else {
            text.push_str("# no key with an identifier in up to three columns was found: without one, every row of every file is\n");
            text.push_str("# kept, also one that a later file brings again\n");
            if let Some(unique) = &self.keys.unique {
                let _ = writeln!(text, "# no two rows of a file agree on these, in {} rows", unique.rows);
            }
            let unique = self.keys.unique.as_ref().map_or(&[][..], |unique| &unique.columns);
            let _ = writeln!(text, "# key: {}", names(unique));
        }
        if let (Some(index), Some((name, _))) = (main, month) {
            let months = self.columns.all[index].profile.months.len();
            let _ = writeln!(text, "# {months} different months\npartition_by: {}", list([name.as_str()]));
        }
        if let Some(index) = main {
            let column = &self.columns.all[index];
            let _ = writeln!(text, "# the date at which a row's fact exists: rows after the run date are left out");
            let _ = writeln!(text, "event_date: {}", scalar(&column.name));
            let later: Vec<&str> = self
                .dates()
                .filter(|other| *other != index)
                .map(|other| self.columns.all[other].name.as_str())
                .collect();
            if !later.is_empty() {
                let _ = writeln!(text, "# are these later stages of the same fact?\n# as_of: {}", list(later));
            }
        }
        let share = self.tried.as_ref().map_or(0.0, Tried::share);
        let limit = if share * 2.0 > REJECT_SHARE { (share * 200.0).ceil() / 100.0 } else { REJECT_SHARE };
        let _ = writeln!(text, "reject_limit: {{ share: {} }}", limit.min(1.0));
    }

    /// Returns the date columns that are no birth dates.
    fn dates(&self) -> impl Iterator<Item = usize> {
        let is_date = |guess: &Guess| matches!(guess.data_type.as_str(), "date" | "timestamp") && guess.pii.is_none();
        (0..self.guesses.len()).filter(move |index| is_date(&self.guesses[*index]))
    }

    /// Returns the column of dates that is filled most, the first of them.
    fn main_date(&self) -> Option<usize> {
        let filled = |index: &usize| {
            let profile = &self.columns.all[*index].profile;
            (!nearly_all(profile.values, profile.cells()), *index)
        };
        let main = self.dates().min_by_key(filled)?;
        let profile = &self.columns.all[main].profile;
        nearly_all(profile.values, profile.cells()).then_some(main)
    }

    /// Returns the name and the expression of the month of a date, where there are several months.
    fn month(&self, index: usize) -> Option<(String, String)> {
        let column = &self.columns.all[index];
        if column.profile.months.len() < 3 {
            return None;
        }
        let stem =
            ["_date", "_time", "_at", "_on", "_month"].iter().find_map(|ending| column.name.strip_suffix(ending));
        let base = match stem.unwrap_or(&column.name) {
            "month" => "month_begin".to_owned(),
            stem => format!("{stem}_month"),
        };
        let day = format!("\"{}\"", column.name);
        let day =
            if self.guesses[index].data_type == "timestamp" { format!("local_date({day}, $timezone)") } else { day };
        Some((self.columns.free_name(&base), format!("date_trunc('month', {day})")))
    }

    fn column(&self, text: &mut String, index: usize, column: &Column, guess: &Guess) {
        let profile = &column.profile;
        let _ = writeln!(text, "  {}: # {}", column.name, evidence(column, guess));
        for note in &guess.notes {
            let _ = writeln!(text, "    # {}", remark_line(note));
        }
        if column.places.len() < self.parts.len() {
            let _ = writeln!(text, "    # in {} of {} parts", column.places.len(), self.parts.len());
        }
        for (format, other, parts) in self.open_orders(column, guess) {
            let _ = writeln!(
                text,
                "    # in {parts} of {} parts alone `{other}` reads all that `{format}` does: ask their senders",
                column.places.len()
            );
        }
        if !column.by_position.is_empty() {
            let names: Vec<String> = column.by_position.iter().map(|name| remark(name)).collect();
            let _ = writeln!(text, "    # taken for the same column because of where it stands: {}", names.join(", "));
        }
        let _ = writeln!(
            text,
            "    type: {}",
            if guess.data_type.contains('(') { quoted(&guess.data_type) } else { guess.data_type.clone() }
        );
        self.required(text, index, column);
        let is_own_name = column.headers.len() == 1 && column.headers[0] == (column.name.clone(), 1);
        if !is_own_name {
            let _ = writeln!(text, "    from: [{}]", column.headers.iter().map(alias).collect::<Vec<_>>().join(", "));
        }
        if !guess.formats.is_empty() {
            let _ = writeln!(text, "    formats: {}", list(guess.formats.iter().map(String::as_str)));
        }
        if !profile.null_words.is_empty() && guess.data_type != "string" {
            let words = NULL_WORDS.into_iter().chain(profile.null_words.keys().map(String::as_str));
            let _ = writeln!(text, "    null_words: {}", list(words));
        }
        if guess.decimal_mark == Some(DecimalMark::Comma) {
            text.push_str("    decimal_mark: comma\n");
        }
        if guess.currency {
            text.push_str("    currency: true\n");
        }
        for (key, value) in [("clean", guess.clean), ("pii", guess.pii)] {
            if let Some(value) = value {
                let _ = writeln!(text, "    {key}: {value}");
            }
        }
        if let Some(unit) = &column.unit {
            let _ = writeln!(text, "    unit: {}", scalar(unit));
        }
        if let Some(codes) = codes(column, guess) {
            let _ = writeln!(text, "    # {codes}");
        }
    }

    /// Returns the formats that only other parts prove: each with its rival and the number of parts that leave it open.
    fn open_orders<'b>(&'b self, column: &Column, guess: &'b Guess) -> Vec<(&'b str, &'b str, usize)> {
        let proven = guess.formats.iter().filter(|format| rival(&column.profile, format).is_none());
        let open = proven.filter_map(|format| {
            let profiles = column.places.iter().map(|(part, place)| &self.parts[*part].profiles[*place]);
            let rivals: Vec<&str> = profiles.filter_map(|profile| rival(profile, format)).collect();
            Some((format.as_str(), *rivals.first()?, rivals.len()))
        });
        open.collect()
    }

    fn required(&self, text: &mut String, index: usize, column: &Column) {
        let in_key = self.keys.key.as_ref().is_some_and(|key| key.columns.contains(&index));
        let is_full = column.profile.values == column.profile.cells()
            && column.profile.values > 0
            && column.places.len() == self.parts.len();
        if in_key || !is_full {
            return;
        }
        if self.rows() >= CERTAIN_ROWS {
            text.push_str("    required: true\n");
        } else {
            text.push_str("    # required: true # never empty, in a sample too small to be sure\n");
        }
    }
}

impl Tried {
    /// Returns the share of rejected rows.
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
    fn share(&self) -> f64 {
        if self.rows == 0 { 0.0 } else { self.rejected as f64 / self.rows as f64 }
    }
}

fn faults(faults: &BTreeMap<String, u64>) -> String {
    let mut faults: Vec<(&String, &u64)> = faults.iter().collect();
    faults.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), (*name).clone()));
    let words: Vec<String> = faults.iter().take(6).map(|(name, count)| format!("{name} {count}")).collect();
    if words.is_empty() { String::new() } else { format!(": {}", words.join(", ")) }
}

fn evidence(column: &Column, guess: &Guess) -> String {
    let profile = &column.profile;
    let empty = profile.cells() - profile.values;
    let fits = format!("{} of {} values", guess.fits, profile.values);
    if empty == 0 { fits } else { format!("{fits}, {empty} empty") }
}

fn remark_line(note: &str) -> String {
    note.replace(['\n', '\r'], " ")
}

fn alias((header, scale): &(String, i64)) -> String {
    if *scale == 1 { scalar(header) } else { format!("{{ name: {}, scale_by: {scale} }}", scalar(header)) }
}

/// Lists the values of a column that has only a few of them.
fn codes(column: &Column, guess: &Guess) -> Option<String> {
    let different = column.profile.different.as_ref()?;
    let few = (2..=MOST_CODES).contains(&different.len());
    let often = column.profile.values >= VALUES_PER_CODE * different.len() as u64;
    if guess.data_type != "string" || guess.pii.is_some() || !few || !often || column.profile.longest > 30 {
        return None;
    }
    let mut values: Vec<(&String, &u64)> = different.iter().collect();
    values.sort_by_key(|(value, count)| (std::cmp::Reverse(**count), (*value).clone()));
    let shown: Vec<String> = values.iter().map(|(value, count)| format!("{} {count}", remark(value))).collect();
    Some(format!("codes? {} different values: {}", values.len(), shown.join(", ")))
}
