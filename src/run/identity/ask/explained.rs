//! What stands behind an id, as data: for text, for JSON, and for the picture.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Serialize;

use super::RecordShown;
use crate::define::project::Title;

/// The tie of a record towards the founder of its id.
#[derive(Debug, Clone, Serialize)]
pub struct TieShown {
    /// Source of the record that it leads to.
    pub source: String,
    /// Key of that record.
    pub key: String,
    /// The rule; `evidence`, `reference` and `override` are built in.
    pub rule: String,
    /// What people wrote beside an override.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
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
    /// Attributes and values as they are compared, those that differ from what the record says.
    pub compared_as: Vec<(String, String)>,
    /// The first day on which it was seen.
    pub date: Option<NaiveDate>,
    /// Since when it has borne the id.
    pub since: Option<NaiveDate>,
    /// By what it is tied; None for the founder.
    pub tie: Option<TieShown>,
}

/// A link between a record that bears the id and one that does not: something forbids it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Apart {
    /// Source of the record that bears the id.
    pub source: String,
    /// Its key.
    pub key: String,
    /// Source of the other record.
    pub other_source: String,
    /// Its key.
    pub other_key: String,
    /// Its id.
    pub other_id: String,
    /// A veto by its name, `override` or `cohesion`.
    pub why: String,
    /// What people wrote beside an override.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What stands behind an id.
#[derive(Debug, Clone, Serialize)]
pub struct IdExplained {
    /// The entity.
    pub entity: String,
    /// The id.
    pub id: String,
    /// The day as of which records and ties are shown.
    pub run_date: NaiveDate,
    /// The served snapshot, of which the events are.
    pub snapshot: Option<String>,
    /// Its records, the founder first.
    pub members: Vec<MemberShown>,
    /// Links to records of other ids that something forbids.
    pub kept_apart: Vec<Apart>,
    /// What happened to it: one line for each event.
    pub events: Vec<String>,
    /// What people call the attributes.
    #[serde(skip)]
    pub(super) titles: BTreeMap<String, Title>,
}
