//! The tables that a statement can read: what the manifest says of them and how their files are scanned.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
};

use arrow::datatypes::SchemaRef;
use datafusion::{catalog::TableProvider, error::Result};

use super::{AsOf, SnapshotTable, TablePartition};
use crate::record::{PartitionValues, StoredAt, TableName, manifest};

/// Tables by name.
pub type Catalog = BTreeMap<TableName, CatalogTable>;

/// One table that a statement can read.
#[derive(Debug, Clone)]
pub struct CatalogTable {
    /// What the manifest says of it.
    pub table: manifest::Table,
    /// Its files; partitions in the manifest's order.
    pub files: SnapshotTable,
    /// The cut that its scan applies.
    pub as_of: Option<AsOf>,
}

impl CatalogTable {
    /// Joins a manifest's table with the places of its files.
    #[must_use]
    pub fn new(
        table: manifest::Table,
        schema: SchemaRef,
        as_of: Option<AsOf>,
        locate: &dyn Fn(&manifest::DataFile) -> StoredAt,
    ) -> Self {
        let partition = |partition: &manifest::Partition| TablePartition {
            values: partition.values.clone(),
            files: partition.files.iter().map(|file| (locate(file), file.bytes)).collect(),
            rows: partition.rows,
        };
        let partitions = table.partitions.iter().map(partition).collect();
        let files = SnapshotTable::new(schema, table.partition_by.clone(), partitions);
        Self { table, files, as_of }
    }

    /// Returns an empty table, for planning without data.
    #[must_use]
    pub fn empty(schema: &SchemaRef, partition_by: Vec<String>, as_of: Option<AsOf>) -> Self {
        let table = declared(schema, partition_by, Vec::new());
        Self::new(table, Arc::clone(schema), as_of, &|_| StoredAt::Disk(PathBuf::new()))
    }

    /// Returns its columns.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        self.files.schema()
    }

    /// Returns what scans the table, the as-of cut included.
    ///
    /// # Errors
    /// When the cut names a column that is neither a date nor a timestamp.
    pub fn provider(&self, name: &TableName) -> Result<Arc<dyn TableProvider>> {
        self.cut(self.files.clone(), name)
    }

    /// Returns what scans some of its partitions, of those that it has, in the same way.
    ///
    /// # Errors
    /// As [`Self::provider`].
    pub fn provider_of(
        &self,
        name: &TableName,
        partitions: &BTreeSet<PartitionValues>,
    ) -> Result<Arc<dyn TableProvider>> {
        self.cut(self.files.only(partitions), name)
    }

    fn cut(&self, files: SnapshotTable, name: &TableName) -> Result<Arc<dyn TableProvider>> {
        let files = Arc::new(files);
        match &self.as_of {
            Some(as_of) => as_of.cut(files, &name.to_string()),
            None => Ok(files),
        }
    }
}

/// Returns a manifest's table without partitions.
#[must_use]
pub fn declared(schema: &SchemaRef, partition_by: Vec<String>, key: Vec<String>) -> manifest::Table {
    let column = |field: &Arc<arrow::datatypes::Field>| manifest::Column {
        name: field.name().clone(),
        data_type: field.data_type().to_string(),
        nullable: field.is_nullable(),
    };
    manifest::Table {
        columns: schema.fields().iter().map(column).collect(),
        partition_by,
        key,
        description: None,
        definition: None,
        defined_on: None,
        meanings: BTreeMap::new(),
        is_history: false,
        is_behind: false,
        event_date: None,
        as_of: Vec::new(),
        labels: BTreeMap::new(),
        partitions: Vec::new(),
    }
}

/// Returns the providers of a session over all tables of a catalog.
///
/// # Errors
/// As [`CatalogTable::provider`].
pub fn providers(catalog: &Catalog) -> Result<Vec<(TableName, Arc<dyn TableProvider>)>> {
    catalog.iter().map(|(name, table)| Ok((name.clone(), table.provider(name)?))).collect()
}
