//! Records of several sources → who is who.
//!
//! In: the records of an entity, its definition, its pinned model, people's verdicts. Out: clusters. Clusters are a pure
//! function of these four; what is kept between nights only makes them faster. No I/O, no clock.
//!
//! ```text
//!  records ──► prepare ──► block ──► compare ──► weigh ──► cluster ──► ledger ──► survive
//!  raw rows    values,     pairs     levels      links     clusters    ids,       one row per
//!  per source  features                          scored    cut         events     customer
//! ```

pub mod block;
pub mod cluster;
pub mod codes;
pub mod compare;
pub mod doubtful;
pub mod key;
pub mod key_set;
pub mod ledger;
pub mod matched;
pub mod prepare;
pub mod records;
pub mod reduce;
pub mod relink;
pub mod remembered;
mod roots;
pub mod survive;
pub mod texts;
pub mod values;
pub mod weigh;
pub mod whole;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod toy;
