//! A file of an entity, the definition of what is one and the same thing, as written.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::define::{
    entity::{FormName, PreparationKind, Survival},
    spans::{At, OneOrMany, Pairs, TextOr},
};

/// An entity: which records of several sources may be one and the same thing (a customer, a dealer, a person), and how
/// that is decided. Each of its sources gets a column with the id on its staged rows.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entity {
    /// Name of the entity, in `snake_case`; its tables are `<schema>.<name>_identity`, `_xref` and `_event`.
    #[schemars(required, extend("pattern" = "^[a-z][a-z0-9_]*$"))]
    pub name: Option<At<String>>,
    /// What the entity is.
    pub description: Option<String>,
    /// The id: its column on the staged rows, and how it begins.
    #[schemars(required)]
    pub id: Option<At<Id>>,
    /// Schema of the entity's tables; `core` when left out.
    #[schemars(extend("pattern" = "^[a-z][a-z0-9_]*$"))]
    pub schema: Option<At<String>>,
    /// Where records are, the most trusted source first.
    #[schemars(required, extend("minItems" = 1))]
    pub records: Option<Vec<At<Records>>>,
    /// Attributes that are compared, and how each is prepared. What else the sources' `columns` name is only carried.
    #[schemars(required, extend("minProperties" = 1))]
    pub attributes: Option<Pairs<Attribute>>,
    /// Attributes of which a row must have one to name the entity at all. Left out: those that rules and blocks use.
    pub named_by: Option<Vec<At<String>>>,
    /// Certain links, in order: records that agree in all of these are one.
    #[serde(default)]
    pub rules: Vec<At<Rule>>,
    /// What is never one: records that differ in all of these, not even through others between them.
    #[serde(default)]
    pub vetoes: Vec<At<Veto>>,
    /// Which pairs of records are compared.
    #[serde(default)]
    pub blocks: Vec<At<Block>>,
    /// Records of a block above which it is split by `split_by`; 300 when left out.
    #[schemars(extend("minimum" = 2))]
    pub block_limit: Option<At<u64>>,
    /// Forms by which too large blocks are split, one after the other.
    #[serde(default)]
    pub split_by: Vec<At<String>>,
    /// How evidence is weighed: one comparison for each attribute.
    #[serde(default)]
    pub comparisons: Vec<At<Comparison>>,
    /// JSON file of the pinned model, relative to this file; `tallyhouse identity train` writes it. While it is not there,
    /// every run trains one from the data.
    pub model: Option<At<String>>,
    /// Probability from which two records are linked; 0.95 when left out.
    pub link_from: Option<At<f64>>,
    /// Probability from which `tallyhouse identity review` shows a pair that is not linked; 0.5 when left out.
    pub review_from: Option<At<f64>>,
    /// How closely the records of one thing hold together, 0 to 1; below it a cluster is cut by its weakest links.
    pub cohesion: Option<At<f64>>,
    /// CSV file of pairs that people have decided, relative to this file: `left_source`, `left_key`, `right_source`,
    /// `right_key`, `verdict` (`same` or `different`), `reason`.
    pub overrides: Option<At<String>>,
    /// Which value wins where records disagree, by attribute. Left out: `[most_trusted, most_recent]`.
    #[serde(default)]
    pub survivorship: Pairs<OneOrMany<Survival>>,
}

/// The id of an entity.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Id {
    /// Column that the staged tables of all sources get.
    #[schemars(required, extend("pattern" = "^[a-z][a-z0-9_]*$"))]
    pub column: Option<At<String>>,
    /// How every id begins: letters and digits, such as `C`; nothing when left out.
    #[schemars(extend("pattern" = "^[A-Za-z0-9_-]{0,8}$"))]
    pub prefix: Option<At<String>>,
}

/// The records of one source.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Records {
    /// The source.
    #[schemars(required)]
    pub source: Option<At<String>>,
    /// Columns that name a record: rows that agree in them are one record.
    #[schemars(required, extend("minItems" = 1))]
    pub key: Option<Vec<At<String>>>,
    /// Date or timestamp at which a row was seen; a record's is its smallest. Left out: before all dates.
    pub date: Option<At<String>>,
    /// Date or timestamp by which one row's values are more recent than another's; `date` when left out.
    pub recent_by: Option<At<String>>,
    /// Column of each attribute.
    #[serde(default)]
    pub columns: Pairs<At<String>>,
    /// Record of another source that a row names: it is the same thing.
    pub belongs_to: Option<At<BelongsTo>>,
}

/// A record of another source that a row names.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BelongsTo {
    /// The other source; it stands among the `records` too.
    #[schemars(required)]
    pub source: Option<At<String>>,
    /// Columns of this source that hold the key of a record of the other, in that order.
    #[schemars(required, extend("minItems" = 1))]
    pub key: Option<Vec<At<String>>>,
}

/// An attribute that is compared.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Attribute {
    /// What kind of text it is.
    #[schemars(required)]
    pub prepare: Option<At<PreparationKind>>,
    /// Region of telephone numbers without a country code, such as `CN`.
    #[schemars(extend("pattern" = "^[A-Z]{2}$"))]
    pub default_region: Option<At<String>>,
    /// What companies' names end with besides what the tool knows, such as `gesmbh`: it says nothing of who they are.
    #[serde(default)]
    pub endings: Vec<At<String>>,
}

/// A certain link.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Name, which explanations show.
    #[schemars(required)]
    pub name: Option<At<String>>,
    /// Attributes, or their forms such as `name.key`, that must all be there and equal.
    #[schemars(required, extend("minItems" = 1))]
    pub equal: Option<Vec<At<String>>>,
}

/// What is never one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Veto {
    /// Name, which explanations show.
    #[schemars(required)]
    pub name: Option<At<String>>,
    /// Attributes or forms that must all be there, valid, and different.
    #[schemars(required, extend("minItems" = 1))]
    pub differ: Option<Vec<At<String>>>,
}

/// Which pairs are compared: exactly one of `equal`, `bigrams`, `neighbours`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// Records that agree in all of these attributes or forms.
    pub equal: Option<Vec<At<String>>>,
    /// Records that share rare pairs of neighbouring characters of this attribute or form.
    pub bigrams: Option<At<String>>,
    /// Records that are near each other in the order of this attribute or form.
    pub neighbours: Option<At<String>>,
    /// How near, for `neighbours`; 5 when left out.
    #[schemars(extend("minimum" = 2))]
    pub window: Option<At<u64>>,
}

/// How the evidence of one attribute is weighed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// The attribute.
    #[schemars(required)]
    pub attribute: Option<At<String>>,
    /// Levels of likeness, the closest first; what reaches none of them is the last, which needs no word.
    #[schemars(required, extend("minItems" = 1))]
    pub levels: Option<Vec<At<TextOr<ExactWord, Level>>>>,
    /// Whether agreeing in a rare value counts for more.
    #[serde(default)]
    pub term_frequency: bool,
}

/// The level of equal values.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExactWord {
    /// Equal.
    Exact,
}

/// A level of likeness: exactly one measure.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// This form of both is equal.
    pub exact: Option<At<FormName>>,
    /// Jaro-Winkler similarity of at least this, 0 to 1.
    pub jaro_winkler: Option<At<f64>>,
    /// Damerau-Levenshtein distance of at most this.
    pub damerau_levenshtein: Option<At<f64>>,
    /// Share of common pairs of characters of at least this, 0 to 1.
    pub bigram_jaccard: Option<At<f64>>,
    /// Share of common words of at least this, 0 to 1.
    pub token_overlap: Option<At<f64>>,
    /// Difference of numbers of at most this.
    pub number_distance: Option<At<f64>>,
    /// Difference of dates of at most so many days.
    pub date_days: Option<At<f64>>,
    /// Form that is compared; the attribute's normal one when left out.
    pub on: Option<At<FormName>>,
    /// Form in which values that both have it must be equal besides, such as the `legal` one of companies.
    pub agree: Option<At<FormName>>,
}
