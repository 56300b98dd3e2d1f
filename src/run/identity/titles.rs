//! What people are told of the columns that identification makes.

use std::collections::BTreeMap;

use crate::{
    define::entity::Entity,
    record::manifest::{Label, Told},
};

/// The column of the id, whose name the entity says.
const ID: Told = ("", "编号", "Id", "Id of the thing, as long as it stands; a merged one shows the surviving id.");

/// Columns of the table with one row for each thing, the attributes aside.
pub(super) const IDENTITY: &[Told] = &[
    ID,
    ("first_seen_date", "首次出现日期", "First seen", "Earliest day on which a record of it was seen."),
    ("record_count", "记录数", "Records", "Records that are this thing."),
    ("source_count", "来源数", "Sources", "Sources that have a record of it."),
];

/// Columns of the table with one row for each record.
pub(super) const XREF: &[Told] = &[
    ("source", "来源", "Source", "Source of the record."),
    ("source_key", "来源键", "Source key", "Key of the record in its source."),
    ID,
    (
        "rule",
        "规则",
        "Rule",
        "What ties the record to another: a certain rule, a probability, or a person; NULL if nothing does.",
    ),
    ("score", "概率", "Score", "Probability that the two are one, where it was weighed."),
    ("linked_source", "关联来源", "Linked source", "Source of the record to which it is tied."),
    ("linked_key", "关联键", "Linked key", "Key of the record to which it is tied."),
    ("since", "起始日期", "Since", "Run date since which the record has this id."),
    ("own_id", "自有编号", "Own id", "Id that the record has when it stands alone, for life."),
    (
        "seniority",
        "先后次序",
        "Seniority",
        "Order in which records were first seen: of several that are one, the lowest gives its id.",
    ),
];

/// Columns of the table of what happened.
pub(super) const EVENT: &[Told] = &[
    ("run_month", "运行月份", "Run month", "First day of the month of the run date."),
    ("number", "序号", "Number", "Number of the event, from 0, in the order in which they happened."),
    ("run_date", "运行日期", "Run date", "Day as of which the run answered."),
    (
        "event",
        "事件",
        "Event",
        "assign: records got the id. merge: all its records bear another one now. split: some do. retire: it has no record left.",
    ),
    ID,
    ("other_id", "另一编号", "Other id", "Id that the records bear now, after a merge or a split."),
    ("source", "来源", "Source", "Source of the record that decided it."),
    ("source_key", "来源键", "Source key", "Key of the record that decided it."),
    ("record_count", "记录数", "Records", "Records that the event concerned."),
    ("rule", "规则", "Rule", "Rule or kind of evidence behind it."),
    ("score", "概率", "Score", "Probability behind it, where it was weighed."),
    ("reason", "原因", "Reason", "Why it happened, as a sentence."),
];

/// Columns of the table of links that a person should look at.
pub(super) const EVIDENCE: &[Told] = &[
    ("left_source", "左来源", "Left source", "Source of one record."),
    ("left_key", "左键", "Left key", "Key of one record."),
    ("right_source", "右来源", "Right source", "Source of the other record."),
    ("right_key", "右键", "Right key", "Key of the other record."),
    ("number", "序号", "Number", "Place of the step among those of the link, from 0."),
    ("step", "步骤", "Step", "What is compared: the prior odds, an attribute, a correction."),
    ("level", "相似等级", "Level", "How alike the two are in it."),
    ("bits", "证据量", "Bits", "Evidence of the step in bits: above 0 for one thing, below 0 for two."),
    ("probability", "概率", "Probability", "Probability that the two are one, all steps taken together."),
    ("is_linked", "是否关联", "Linked", "Whether the two are linked."),
    ID,
    ("other_id", "另一编号", "Other id", "Id of the other record."),
];

/// Returns the labels of a table of an entity.
pub(super) fn of(entity: &Entity, told: &[Told]) -> BTreeMap<String, Label> {
    let mut labels = Label::of_columns(told);
    if let Some(label) = labels.remove(ID.0) {
        labels.insert(entity.id_column.value.clone(), label);
    }
    labels
}
