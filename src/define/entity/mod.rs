//! Entities as validated: what may be one and the same thing, and how that is decided.
//!
//! Every name of an attribute has become its number in [`Entity::attributes`], every source its number in
//! [`Entity::records`], which is also its rank of trust.

mod against;
mod evidence;
mod read;

#[cfg(test)]
mod tests;

use std::{path::PathBuf, sync::Arc};

pub use against::{against_models, against_sources};
pub use read::{read, read_loosely};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::record::{Placed, TableName, Text};

/// A thing of which several sources have records.
#[derive(Debug, Clone)]
pub struct Entity {
    /// The file.
    pub text: Arc<Text>,
    /// Name.
    pub name: Placed<String>,
    /// What it is.
    pub description: Option<String>,
    /// Column of the id on staged rows.
    pub id_column: Placed<String>,
    /// How every id begins.
    pub id_prefix: String,
    /// Schema of the entity's tables.
    pub schema: String,
    /// Where records are, the most trusted source first.
    pub records: Vec<RecordSource>,
    /// Attributes: first those that are compared, as written, then those that are only carried.
    pub attributes: Vec<Attribute>,
    /// Attributes of which a row must have one to name the entity; numbers in order.
    pub named_by: Vec<usize>,
    /// Certain links, in order.
    pub rules: Vec<Rule>,
    /// What is never one.
    pub vetoes: Vec<Veto>,
    /// Which pairs are compared.
    pub blocks: Vec<Block>,
    /// Records of a block above which it is split.
    pub block_limit: usize,
    /// Forms by which too large blocks are split.
    pub split_by: Vec<Form>,
    /// How evidence is weighed.
    pub comparisons: Vec<Comparison>,
    /// File of the pinned model.
    pub model: Option<Placed<PathBuf>>,
    /// Probability from which two records are linked.
    pub link_from: f64,
    /// Probability from which a pair that is not linked is shown to people.
    pub review_from: f64,
    /// How closely a cluster holds together; None: no limit but the vetoes.
    pub cohesion: Option<f64>,
    /// File of pairs that people have decided.
    pub overrides: Option<Placed<PathBuf>>,
}

/// The records of one source.
#[derive(Debug, Clone)]
pub struct RecordSource {
    /// The source.
    pub source: Placed<String>,
    /// Columns that name a record.
    pub key: Vec<Placed<String>>,
    /// Date or timestamp at which a row was seen.
    pub date: Option<Placed<String>>,
    /// Date or timestamp by which values are more recent.
    pub recent_by: Option<Placed<String>>,
    /// Attribute and its column, in order of the attributes.
    pub columns: Vec<(usize, Placed<String>)>,
    /// Record of another source that a row names.
    pub belongs_to: Option<BelongsTo>,
}

/// A record of another source that a row names.
#[derive(Debug, Clone)]
pub struct BelongsTo {
    /// The other source, by its number in [`Entity::records`].
    pub records: usize,
    /// Columns with the other's key, in its order.
    pub key: Vec<Placed<String>>,
}

/// Something that records say.
#[derive(Debug, Clone)]
pub struct Attribute {
    /// Its name, which is also its column in the entity's table.
    pub name: Placed<String>,
    /// How it is prepared for comparing; None: only carried.
    pub preparation: Option<Preparation>,
    /// Which value wins: the first, and what decides where it does not.
    pub survivorship: Vec<Survival>,
}

/// How an attribute is prepared for comparing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Preparation {
    /// What kind of text it is.
    pub kind: PreparationKind,
    /// Region of telephone numbers without a country code: two upper-case letters.
    pub default_region: Option<String>,
    /// Further endings of companies' names.
    pub endings: Vec<String>,
}

/// A kind of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PreparationKind {
    /// The name of a company.
    Company,
    /// The whole name of a person.
    Person,
    /// A given name.
    GivenName,
    /// A family name.
    Surname,
    /// A telephone number.
    Phone,
    /// An e-mail address.
    Email,
    /// A tax id.
    TaxId,
    /// A street address.
    Address,
    /// A town, a province, a country.
    Place,
    /// A date.
    Date,
    /// A number.
    Number,
    /// Any other text.
    Text,
}

/// A form of an attribute: a text that its preparation makes of the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Form {
    /// The attribute's number.
    pub attribute: usize,
    /// Which form.
    pub form: FormName,
}

/// The name of a form. `normal` is what an attribute's bare name means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FormName {
    /// The cleaned value.
    #[default]
    Normal,
    /// What must be equal for two values to be the same one: of a company without legal form and place.
    Key,
    /// What distinguishes a value from others of its kind.
    Stem,
    /// Its letters as they sound: pinyin of Chinese characters, a phonetic code of others.
    Pinyin,
    /// The words in alphabetical order.
    Tokens,
    /// The family name of a person.
    Surname,
    /// The part of an e-mail address before the `@`.
    Local,
    /// The part of an e-mail address after the `@`.
    Domain,
    /// The digits.
    Digits,
    /// The first character or letter.
    Initial,
    /// The year of a date.
    Year,
    /// The legal form of a company, whichever way it is written.
    Legal,
}

/// A certain link.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Name.
    pub name: Placed<String>,
    /// Forms that must all be there and equal.
    pub equal: Vec<Form>,
}

/// What is never one.
#[derive(Debug, Clone)]
pub struct Veto {
    /// Name.
    pub name: Placed<String>,
    /// Forms that must all be there, valid, and different.
    pub differ: Vec<Form>,
}

/// Which pairs are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// Those that agree in all forms.
    Equal(Vec<Form>),
    /// Those that share rare bigrams of a form.
    Bigrams(Form),
    /// Those that are at most `window` − 1 apart in the order of a form.
    Neighbours {
        /// The form.
        form: Form,
        /// Records that are compared with each other, at least 2.
        window: usize,
    },
}

/// How the evidence of one attribute is weighed.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The attribute's number.
    pub attribute: usize,
    /// Levels, the closest first; the last one, of values that reach none, is implied.
    pub levels: Vec<Level>,
    /// Whether agreeing in a rare value counts for more.
    pub term_frequency: bool,
}

/// A level of likeness.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// How likeness is measured, and where the level begins.
    pub measure: Measure,
    /// The form that is compared.
    pub form: FormName,
    /// The form that must not differ besides: equal, or missing in one value.
    pub agree: Option<FormName>,
}

/// How likeness is measured, and where a level begins.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Equal.
    Exact,
    /// Similarity of at least this, 0 to 1.
    JaroWinkler(f64),
    /// At most so many edits.
    DamerauLevenshtein(u32),
    /// Share of common bigrams of at least this, 0 to 1.
    BigramJaccard(f64),
    /// Share of common words of at least this, 0 to 1.
    TokenOverlap(f64),
    /// Difference of at most this.
    NumberDistance(f64),
    /// At most so many days.
    DateDays(u32),
}

/// Which of several values wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Survival {
    /// That of the source that stands first.
    MostTrusted,
    /// That of the latest record.
    MostRecent,
    /// That which most records have.
    MostFrequent,
    /// That with most characters.
    Longest,
}

impl Entity {
    /// Returns the table with one row for each thing.
    #[must_use]
    pub fn identity_table(&self) -> TableName {
        self.table("identity")
    }

    /// Returns the table with the id of each record.
    #[must_use]
    pub fn xref_table(&self) -> TableName {
        self.table("xref")
    }

    /// Returns the table of what happened to ids.
    #[must_use]
    pub fn event_table(&self) -> TableName {
        self.table("event")
    }

    /// Returns the table of the links that a person should look at, and why each has its probability.
    #[must_use]
    pub fn evidence_table(&self) -> TableName {
        self.table("evidence")
    }

    /// Returns all tables of the entity.
    #[must_use]
    pub fn tables(&self) -> [TableName; 4] {
        tables_of(&self.schema, &self.name.value)
    }

    /// Returns the records of a source, with their rank.
    #[must_use]
    pub fn records_of(&self, source: &str) -> Option<(usize, &RecordSource)> {
        self.records.iter().enumerate().find(|(_, records)| records.source.value == source)
    }

    /// Returns a hash of all that decides who is who and what is written of it; places and comments are no part of it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let names = |list: &[Placed<String>]| list.iter().map(|name| name.value.clone()).collect::<Vec<_>>();
        let mut hasher = blake3::Hasher::new();
        let mut part = |text: String| {
            hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
        };
        part(format!("{:?}", (&self.name.value, &self.id_column.value, &self.id_prefix, &self.schema)));
        for records in &self.records {
            let columns: Vec<_> = records.columns.iter().map(|(number, column)| (number, &column.value)).collect();
            let dates = [&records.date, &records.recent_by].map(|date| date.as_ref().map(|date| &date.value));
            let belongs_to = records.belongs_to.as_ref().map(|named| (named.records, names(&named.key)));
            part(format!("{:?}", (&records.source.value, names(&records.key), columns, dates, belongs_to)));
        }
        for attribute in &self.attributes {
            part(format!("{:?}", (&attribute.name.value, &attribute.preparation, &attribute.survivorship)));
        }
        for rule in &self.rules {
            part(format!("{:?}", (&rule.name.value, &rule.equal)));
        }
        for veto in &self.vetoes {
            part(format!("{:?}", (&veto.name.value, &veto.differ)));
        }
        part(format!("{:?}", (&self.named_by, &self.blocks, self.block_limit, &self.split_by, &self.comparisons)));
        part(format!("{:?}", (self.link_from, self.review_from, self.cohesion)));
        hasher.finalize().to_hex().to_string()
    }

    fn table(&self, what: &str) -> TableName {
        table_of(&self.schema, &self.name.value, what)
    }
}

/// Returns all tables of an entity.
fn tables_of(schema: &str, entity: &str) -> [TableName; 4] {
    ["identity", "xref", "event", "evidence"].map(|what| table_of(schema, entity, what))
}

fn table_of(schema: &str, entity: &str, what: &str) -> TableName {
    TableName::new(schema, format!("{entity}_{what}"))
}
