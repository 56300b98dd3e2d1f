//! What a column is used for, and the names of what is used.

use std::{collections::BTreeMap, fmt};

use serde::{Serialize, Serializer};

use crate::record::TableName;

/// One way in which a column is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Use {
    /// Its value is copied.
    Copy,
    /// Its value goes into a computation, a cast and the condition of a CASE included.
    Computed,
    /// It decides which rows there are, or are counted.
    Filter,
    /// It is compared in a join.
    Join,
    /// Rows are grouped, made distinct or put into windows by it.
    Group,
    /// Rows are put in order by it where that matters: in a window, an aggregate, or below a LIMIT.
    Order,
}

impl Use {
    /// All of them, the strongest first.
    pub const ALL: [Self; 6] = [Self::Copy, Self::Computed, Self::Filter, Self::Join, Self::Group, Self::Order];

    const fn bit(self) -> u8 {
        1 << (self as u8)
    }
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Copy => "copy",
            Self::Computed => "computed",
            Self::Filter => "filter",
            Self::Join => "join",
            Self::Group => "group",
            Self::Order => "order",
        })
    }
}

/// Ways in which a column is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Uses(u8);

impl Uses {
    /// The ways of one that is copied.
    pub const COPY: Self = Self(Use::Copy.bit());

    const VALUE: u8 = Use::Copy.bit() | Use::Computed.bit();

    /// Returns the ways in which something is used.
    pub fn iter(self) -> impl Iterator<Item = Use> {
        Use::ALL.into_iter().filter(move |one| self.0 & one.bit() != 0)
    }

    /// Returns whether its value goes into what uses it.
    #[must_use]
    pub const fn is_value(self) -> bool {
        self.0 & Self::VALUE != 0
    }

    /// Returns both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns how a thing is used by what uses, in these ways, something that uses it in `inner` ways.
    ///
    /// A value that is copied and then computed with is computed with; one that decides over rows, once it has, is no value any
    /// more, whatever becomes of the rows.
    #[must_use]
    pub fn after(self, inner: Self) -> Self {
        let value = match inner.0 & Self::VALUE {
            0 => 0,
            copy if copy == Use::Copy.bit() => self.0,
            _ if self.0 & Self::VALUE == 0 => self.0,
            _ => (self.0 & !Self::VALUE) | Use::Computed.bit(),
        };
        let others = if self.0 == 0 { 0 } else { inner.0 & !Self::VALUE };
        Self(value | others)
    }
}

impl From<Use> for Uses {
    fn from(one: Use) -> Self {
        Self(one.bit())
    }
}

impl Serialize for Uses {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl fmt::Display for Uses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self.iter().map(|one| one.to_string()).collect();
        f.write_str(&words.join(", "))
    }
}

/// What can be used: a column of a table, or which rows the table has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Element {
    /// The table.
    pub table: TableName,
    /// The column; None for the rows.
    pub column: Option<String>,
}

impl Element {
    /// Returns a column of a table.
    #[must_use]
    pub fn column(table: &TableName, column: &str) -> Self {
        Self { table: table.clone(), column: Some(column.to_owned()) }
    }

    /// Returns the rows of a table.
    #[must_use]
    pub fn rows(table: &TableName) -> Self {
        Self { table: table.clone(), column: None }
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.column {
            Some(column) => write!(f, "{}.{column}", self.table),
            None => write!(f, "rows of {}", self.table),
        }
    }
}

/// What is used, and how.
pub type Links = BTreeMap<Element, Uses>;
