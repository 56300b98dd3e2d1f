//! The types in which a table is stored, chosen so that every reader understands them.
//!
//! In: the schema that a plan produces. Out: the schema of the stored table. Deliberately lossless but in one point:
//! times finer than a microsecond are cut, since Delta and many readers know no finer ones.

use std::{collections::BTreeMap, sync::Arc};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::record::manifest::{Column, Label};

/// Returns the schema in which a table of this schema is stored: views and dictionaries become plain strings, times with
/// a zone become UTC microseconds, an untyped NULL column becomes text. Names, nullability and metadata stay.
#[must_use]
pub fn stored_schema(schema: &Schema) -> SchemaRef {
    let field = |field: &Arc<Field>| field.as_ref().clone().with_data_type(stored_type(field.data_type()));
    let fields: Vec<Field> = schema.fields().iter().map(field).collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

/// Returns a schema whose fields tell what the labels say, for whoever opens a file alone.
#[must_use]
pub fn labelled(schema: &Schema, labels: &BTreeMap<String, Label>) -> SchemaRef {
    let field = |field: &Arc<Field>| {
        let texts = labels.get(field.name()).into_iter().flat_map(Label::texts);
        let told = texts.map(|(name, text)| (name.to_owned(), text.to_owned()));
        field.as_ref().clone().with_metadata(field.metadata().clone().into_iter().chain(told).collect())
    };
    let fields: Vec<Field> = schema.fields().iter().map(field).collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

/// Returns the manifest's columns of a schema as stored.
#[must_use]
pub fn columns(schema: &Schema) -> Vec<Column> {
    let column = |field: &Arc<Field>| Column {
        name: field.name().clone(),
        data_type: field.data_type().to_string(),
        nullable: field.is_nullable(),
    };
    stored_schema(schema).fields().iter().map(column).collect()
}

fn stored_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8View | DataType::LargeUtf8 | DataType::Null => DataType::Utf8,
        DataType::BinaryView | DataType::LargeBinary => DataType::Binary,
        DataType::Dictionary(_, value) => stored_type(value),
        DataType::RunEndEncoded(_, values) => stored_type(values.data_type()),
        DataType::Timestamp(_, zone) => DataType::Timestamp(TimeUnit::Microsecond, zone.as_ref().map(|_| "UTC".into())),
        DataType::Time32(_) | DataType::Time64(_) => DataType::Time64(TimeUnit::Microsecond),
        DataType::Date64 => DataType::Date32,
        DataType::Float16 => DataType::Float32,
        DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) => {
            DataType::Decimal128(*precision, *scale)
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn views_dictionaries_and_zones_are_stored_plainly() {
        let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8View));
        let zoned = DataType::Timestamp(TimeUnit::Nanosecond, Some("Asia/Shanghai".into()));
        let local = DataType::Timestamp(TimeUnit::Second, None);
        let types = [DataType::Utf8View, dictionary, zoned, local, DataType::Null, DataType::Decimal128(18, 2)];
        let stored = types.map(|data_type| stored_type(&data_type).to_string());
        assert_eq!(stored, ["Utf8", "Utf8", "Timestamp(µs, \"UTC\")", "Timestamp(µs)", "Utf8", "Decimal128(18, 2)"]);
    }

    #[test]
    fn metadata_and_nullability_stay() {
        let metadata = HashMap::from([("title".to_owned(), "订单".to_owned())]);
        let field = Field::new("order", DataType::Utf8View, false).with_metadata(metadata.clone());
        let stored = stored_schema(&Schema::new_with_metadata(vec![field], metadata.clone()));
        assert_eq!(stored.field(0), &Field::new("order", DataType::Utf8, false).with_metadata(metadata.clone()));
        assert_eq!(stored.metadata(), &metadata);
        let column = Column { name: "order".to_owned(), data_type: "Utf8".to_owned(), nullable: false };
        assert_eq!(columns(&stored), [column]);
    }
}
