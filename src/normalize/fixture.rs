//! Contracts for the tests of this stage, built in Rust so that they do not depend on the YAML reader.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use arrow::datatypes::{DataType, TimeUnit};

use crate::{
    define::project::{
        Alias, BooleanWords, Clean, CodeTable, Codes, Column, FilePolicy, Format, Numerals, Pattern, RejectLimit, Rule,
        Scale, Source, Title, UnknownCode, Version,
    },
    engine::Parameters,
    record::{FileShape, MarkFrom, Place, Placed, RawBatch, RawFault, Text},
};

/// A column under construction; every method adds what its name says.
#[derive(Debug, Clone)]
pub struct ColumnFixture {
    name: &'static str,
    derive: Option<&'static str>,
    column: Column,
}

/// Returns a place in a text that holds nothing but `value`.
fn placed(value: &str) -> Placed<String> {
    let text = Arc::new(Text { path: "sources/test.yaml".to_owned(), body: value.to_owned() });
    Placed::new(value.to_owned(), Place { text, range: 0..value.len() })
}

pub fn column(name: &'static str, data_type: DataType) -> ColumnFixture {
    let words = ["", "NULL", "null", "N/A", "n/a", "-", "—", "无"];
    let column = Column {
        name: placed(name),
        data_type,
        required: false,
        from: vec![Alias { name: name.to_owned(), scale: Scale::ONE }],
        from_path: None,
        formats: Vec::new(),
        null_words: words.map(str::to_owned).to_vec(),
        words: BooleanWords::default(),
        numerals: Numerals::default(),
        trim: true,
        year_pivot: 69,
        clean: Vec::new(),
        validate: false,
        max_length: None,
        pattern: None,
        pii: None,
        derive: None,
        codes: None,
        default: None,
        timezone: None,
        title: Title::default(),
        description: None,
        unit: None,
    };
    ColumnFixture { name, derive: None, column }
}

pub fn string(name: &'static str) -> ColumnFixture {
    column(name, DataType::Utf8)
}

pub fn bigint(name: &'static str) -> ColumnFixture {
    column(name, DataType::Int64)
}

pub fn money(name: &'static str) -> ColumnFixture {
    column(name, DataType::Decimal128(18, 2))
}

pub fn date(name: &'static str) -> ColumnFixture {
    column(name, DataType::Date32)
}

pub fn timestamp(name: &'static str) -> ColumnFixture {
    column(name, DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))
}

impl ColumnFixture {
    pub fn column(&self) -> Column {
        self.column.clone()
    }

    pub fn required(mut self) -> Self {
        self.column.required = true;
        self
    }

    pub fn from(mut self, aliases: &[(&str, i64)]) -> Self {
        let alias = |(name, scale_by): &(&str, i64)| {
            let scale = Scale { multiply: *scale_by, divide: 1 };
            Alias { name: (*name).to_owned(), scale }
        };
        self.column.from = aliases.iter().map(alias).collect();
        self
    }

    pub fn in_path(mut self, pattern: &str) -> Self {
        self.column.from.clear();
        self.column.from_path = regex::Regex::new(pattern).ok();
        self
    }

    pub fn formats(mut self, formats: &[&str]) -> Self {
        self.column.formats = formats.iter().map(|format| (*format).to_owned()).collect();
        self
    }

    pub fn null_words(mut self, words: &[&str]) -> Self {
        self.column.null_words = words.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    pub fn clean(mut self, how: Clean) -> Self {
        self.column.clean.push(how);
        self
    }

    pub fn untrimmed(mut self) -> Self {
        self.column.trim = false;
        self
    }

    pub fn validated(mut self) -> Self {
        self.column.validate = true;
        self
    }

    pub fn at_most(mut self, characters: usize) -> Self {
        self.column.max_length = Some(characters);
        self
    }

    pub fn matching(mut self, pattern: &str) -> Self {
        let expression = regex::Regex::new(&format!("^(?:{pattern})$")).ok();
        self.column.pattern = expression.map(|expression| Pattern { text: pattern.to_owned(), expression });
        self
    }

    pub fn numerals(mut self, numerals: Numerals) -> Self {
        self.column.numerals = numerals;
        self
    }

    pub fn words(mut self, yes: &[&str], no: &[&str]) -> Self {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        self.column.words = BooleanWords { yes: owned(yes), no: owned(no) };
        self
    }

    pub fn default(mut self, text: &str) -> Self {
        self.column.default = Some(text.to_owned());
        self
    }

    pub fn zone(mut self, zone: chrono_tz::Tz) -> Self {
        self.column.timezone = Some(zone);
        self
    }

    pub fn described(mut self, text: &str) -> Self {
        self.column.description = Some(text.to_owned());
        self
    }

    pub fn codes(mut self, codes: &[(&str, &str)]) -> Self {
        let meanings: BTreeMap<_, _> = codes.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        self.column.codes = Some(Codes { table: CodeTable::Inline(meanings), unknown: UnknownCode::Reject });
        self
    }

    pub fn codes_of(mut self, source: &str, from: &str, to: &str) -> Self {
        let table = CodeTable::Source { source: placed(source), from: placed(from), to: placed(to) };
        self.column.codes = Some(Codes { table, unknown: UnknownCode::Reject });
        self
    }

    pub fn unknown(mut self, policy: UnknownCode) -> Self {
        if let Some(codes) = &mut self.column.codes {
            codes.unknown = policy;
        }
        self
    }

    pub fn derive(mut self, text: &'static str) -> Self {
        self.derive = Some(text);
        self
    }
}

/// Builds a source whose text lists every column with its formats, default and expression, then the rules.
pub fn source(columns: &[ColumnFixture], rules: &[(&str, &str)]) -> Source {
    let line = |fixture: &ColumnFixture| {
        let words = fixture.column.formats.iter().chain(&fixture.column.default).cloned().collect::<Vec<_>>().join(" ");
        format!("{}: {words} {}\n", fixture.name, fixture.derive.unwrap_or_default())
    };
    let lines = columns.iter().map(line).chain(rules.iter().map(|(name, expr)| format!("{name}: {expr}\n")));
    let body: String = std::iter::once("name: lines\n".to_owned()).chain(lines).collect();
    let text = Arc::new(Text { path: "sources/lines.yaml".to_owned(), body });
    let at = |value: &str| {
        let start = text.body.find(value).unwrap_or(0);
        Placed::new(value.to_owned(), Place { text: Arc::clone(&text), range: start..start + value.len() })
    };
    let finish = |fixture: &ColumnFixture| Column {
        name: at(fixture.name),
        derive: fixture.derive.map(at),
        ..fixture.column.clone()
    };
    Source {
        text: Arc::clone(&text),
        name: at("lines"),
        description: None,
        location: at(""),
        format: Format::Auto,
        version: Version::Path,
        key: Vec::new(),
        partition_by: Vec::new(),
        event_date: None,
        as_of: Vec::new(),
        reject_limit: RejectLimit::default(),
        files: FilePolicy::default(),
        columns: columns.iter().map(finish).collect(),
        rules: rules.iter().map(|(name, expr)| Rule { name: at(name), expr: at(expr) }).collect(),
        checks: Vec::new(),
    }
}

pub fn parameters() -> Parameters {
    Parameters {
        run_date: chrono::NaiveDate::from_ymd_opt(2026, 6, 30).unwrap_or_default(),
        timezone: chrono_tz::Asia::Shanghai,
        variables: BTreeMap::new(),
    }
}

pub fn shape(header: &[&str]) -> FileShape {
    FileShape {
        encoding: Some("GB18030".to_owned()),
        delimiter: Some(",".to_owned()),
        header_line: 1,
        header: header.iter().map(|name| (*name).to_owned()).collect(),
        mark_from: MarkFrom::File,
        ..FileShape::binary("csv")
    }
}

/// Cuts rows at `|`; a row's line counts from 2. `∅` is a NULL of the format.
pub fn raw(rows: &[&str]) -> RawBatch {
    let mut batch = RawBatch::default();
    for (line, row) in (2..).zip(rows) {
        let range = batch.append(row);
        row.split('|').for_each(|cell| batch.push_text(Some(cell).filter(|cell| *cell != "∅")));
        batch.end_row(line, range, None);
    }
    batch
}

/// Adds a row that could not be cut.
pub fn broken(batch: &mut RawBatch, line: u64, text: &str, fault: RawFault) {
    let range = batch.append(text);
    batch.end_row(line, range, Some(fault));
}

/// Returns the path under which files are reported.
pub fn file() -> Arc<str> {
    Path::new("d01.csv").to_string_lossy().into()
}
