//! The latest local date of a partition's dates and timestamps.

use arrow::{
    array::{AsArray, RecordBatch},
    compute::max,
    datatypes::{DataType, Date32Type, TimestampMicrosecondType},
};
use chrono::{DateTime, Days, NaiveDate};

use super::plan::Plan;
use crate::record::PartitionValues;

/// The latest date and instant seen so far.
///
/// Only the latest instant is turned into a local date: local dates run backwards nowhere but in the minute before a
/// clock change that steps over midnight, of which the last was in 2011.
#[derive(Debug, Default)]
pub(super) struct LatestDate {
    days: Option<i32>,
    microseconds: Option<i64>,
    /// A timestamp without a zone is local already.
    local_microseconds: Option<i64>,
    partition: Option<NaiveDate>,
}

impl LatestDate {
    /// Starts with the dates among the partition's values.
    pub fn new(values: &PartitionValues, plan: &Plan) -> Self {
        let date = |&column: &usize| values.0.get(column)?.as_ref()?.parse().ok();
        Self { partition: plan.partition_dates.iter().filter_map(date).max(), ..Self::default() }
    }

    /// Takes the dates of a batch of the files' columns.
    pub fn see(&mut self, batch: &RecordBatch, plan: &Plan) {
        for &column in &plan.date_columns {
            let array = batch.column(column);
            match array.data_type() {
                DataType::Date32 => self.days = self.days.max(max(array.as_primitive::<Date32Type>())),
                DataType::Timestamp(_, zone) => {
                    let latest = max(array.as_primitive::<TimestampMicrosecondType>());
                    let seen = if zone.is_some() { &mut self.microseconds } else { &mut self.local_microseconds };
                    *seen = (*seen).max(latest);
                }
                _ => {}
            }
        }
    }

    /// Returns the latest local date.
    pub fn date(&self, plan: &Plan) -> Option<NaiveDate> {
        let days = self.days.and_then(date_of_days);
        let instant = self.microseconds.and_then(DateTime::from_timestamp_micros);
        let instant = instant.map(|instant| instant.with_timezone(&plan.timezone).date_naive());
        let local = self.local_microseconds.and_then(DateTime::from_timestamp_micros);
        days.max(instant).max(local.map(|local| local.date_naive())).max(self.partition)
    }
}

fn date_of_days(days: i32) -> Option<NaiveDate> {
    let (epoch, span) = (NaiveDate::default(), Days::new(u64::from(days.unsigned_abs())));
    if days < 0 { epoch.checked_sub_days(span) } else { epoch.checked_add_days(span) }
}
