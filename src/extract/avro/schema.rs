//! An Avro schema: JSON → the types that say how many bytes a value has and what they mean.
//!
//! In: the schema of a file's header. Out: a [`Schema`], whose types refer to each other by number, because they may be
//! recursive. Deliberately resolves no reader's schema: the contract asks for columns by name.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// Schemas deeper than this are refused.
const DEPTH: usize = 64;

/// All types of a schema; the first is the whole.
#[derive(Debug, Default)]
pub(super) struct Schema {
    pub types: Vec<Type>,
    named: HashMap<String, usize>,
}

/// A type; numbers are places in [`Schema::types`].
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Type {
    Null,
    Boolean,
    Integer(Meaning),
    Float,
    Double,
    /// Bytes with their length before them, or as many as are given.
    Bytes(Option<usize>, Meaning),
    Text,
    Enum(Vec<String>),
    List(usize),
    Map(usize),
    Union(Vec<usize>),
    Record(Vec<(String, usize)>),
}

/// What the number or the bytes of a value mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Plain,
    Decimal {
        scale: u32,
    },
    Date,
    /// Time of day, in parts of a second.
    Time(i64),
    /// Timestamp, in parts of a second; with a zone it is UTC.
    Timestamp {
        per_second: i64,
        has_zone: bool,
    },
    Uuid,
    Duration,
}

impl Schema {
    /// Parses a schema.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let written: Value = serde_json::from_str(text).map_err(|error| format!("its schema is no JSON: {error}"))?;
        let mut schema = Self::default();
        schema.add(&written, "", 0)?;
        Ok(schema)
    }

    fn push(&mut self, found: Type) -> usize {
        self.types.push(found);
        self.types.len() - 1
    }

    fn add(&mut self, written: &Value, space: &str, depth: usize) -> Result<usize, String> {
        if depth > DEPTH {
            return Err("its schema is nested too deeply".to_owned());
        }
        match written {
            Value::String(name) => self.by_name(name, space),
            Value::Array(branches) => {
                let place = self.push(Type::Null);
                let branches: Result<Vec<usize>, String> =
                    branches.iter().map(|branch| self.add(branch, space, depth + 1)).collect();
                self.types[place] = Type::Union(branches?);
                Ok(place)
            }
            Value::Object(written) => self.add_object(written, space, depth),
            other => Err(format!("its schema has the type `{other}`")),
        }
    }

    fn by_name(&mut self, name: &str, space: &str) -> Result<usize, String> {
        let found = match name {
            "null" => Type::Null,
            "boolean" => Type::Boolean,
            "int" | "long" => Type::Integer(Meaning::Plain),
            "float" => Type::Float,
            "double" => Type::Double,
            "bytes" => Type::Bytes(None, Meaning::Plain),
            "string" => Type::Text,
            _ => {
                let full = full_name(name, space);
                let known = self.named.get(&full).or_else(|| self.named.get(name));
                return known.copied().ok_or_else(|| format!("its schema names the unknown type `{name}`"));
            }
        };
        Ok(self.push(found))
    }

    fn add_object(&mut self, written: &Map<String, Value>, space: &str, depth: usize) -> Result<usize, String> {
        let Some(kind) = written.get("type") else { return Err("its schema has a type without `type`".to_owned()) };
        let Value::String(kind) = kind else { return self.add(kind, space, depth + 1) };
        let inner =
            |key: &str| written.get(key).ok_or_else(|| format!("its schema has a type `{kind}` without `{key}`"));
        match kind.as_str() {
            "array" => {
                let place = self.push(Type::Null);
                let items = self.add(inner("items")?, space, depth + 1)?;
                self.types[place] = Type::List(items);
                Ok(place)
            }
            "map" => {
                let place = self.push(Type::Null);
                let values = self.add(inner("values")?, space, depth + 1)?;
                self.types[place] = Type::Map(values);
                Ok(place)
            }
            "record" | "error" => self.add_record(written, space, depth),
            "enum" => {
                let symbols = inner("symbols")?.as_array().into_iter().flatten();
                let symbols = symbols.map(|symbol| symbol.as_str().unwrap_or_default().to_owned()).collect();
                Ok(self.push_named(Type::Enum(symbols), written, space))
            }
            "fixed" => {
                let size = inner("size")?.as_u64().and_then(|size| usize::try_from(size).ok());
                let size = size.filter(|size| *size <= 1 << 24).ok_or("its schema has a `fixed` without a size")?;
                Ok(self.push_named(Type::Bytes(Some(size), meaning(written, "fixed")), written, space))
            }
            "int" | "long" => Ok(self.push(Type::Integer(meaning(written, kind)))),
            "bytes" => Ok(self.push(Type::Bytes(None, meaning(written, kind)))),
            name => self.by_name(name, space),
        }
    }

    fn add_record(&mut self, written: &Map<String, Value>, space: &str, depth: usize) -> Result<usize, String> {
        let place = self.push_named(Type::Record(Vec::new()), written, space);
        let space = space_of(written, space);
        let mut fields = Vec::new();
        for field in written.get("fields").and_then(Value::as_array).into_iter().flatten() {
            let name = field.get("name").and_then(Value::as_str).ok_or("its schema has a field without a name")?;
            let kind = field.get("type").ok_or_else(|| format!("its schema has no type for `{name}`"))?;
            // A logical type beside the type of a field, as some writers have it, belongs to the type.
            let kind = match (kind, field.get("logicalType")) {
                (Value::String(_), Some(_)) => self.add(field, &space, depth + 1)?,
                _ => self.add(kind, &space, depth + 1)?,
            };
            fields.push((name.to_owned(), kind));
        }
        self.types[place] = Type::Record(fields);
        Ok(place)
    }

    fn push_named(&mut self, found: Type, written: &Map<String, Value>, space: &str) -> usize {
        let place = self.push(found);
        let name = written.get("name").and_then(Value::as_str).unwrap_or_default();
        let space = space_of(written, space);
        self.named.insert(full_name(name, &space), place);
        self.named.entry(name.to_owned()).or_insert(place);
        place
    }
}

fn full_name(name: &str, space: &str) -> String {
    if name.contains('.') || space.is_empty() { name.to_owned() } else { format!("{space}.{name}") }
}

fn space_of(written: &Map<String, Value>, space: &str) -> String {
    let name = written.get("name").and_then(Value::as_str).unwrap_or_default();
    match (name.rsplit_once('.'), written.get("namespace").and_then(Value::as_str)) {
        (Some((space, _)), _) | (None, Some(space)) => space.to_owned(),
        (None, None) => space.to_owned(),
    }
}

/// Returns the meaning of a logical type; one that is unknown or does not fit its type means nothing, as Avro has it.
fn meaning(written: &Map<String, Value>, kind: &str) -> Meaning {
    let timestamp = |per_second, has_zone| Meaning::Timestamp { per_second, has_zone };
    let is_integer = matches!(kind, "int" | "long");
    match written.get("logicalType").and_then(Value::as_str).unwrap_or_default() {
        "date" if is_integer => Meaning::Date,
        "time-millis" if is_integer => Meaning::Time(1_000),
        "time-micros" if is_integer => Meaning::Time(1_000_000),
        "timestamp-millis" if is_integer => timestamp(1_000, true),
        "timestamp-micros" if is_integer => timestamp(1_000_000, true),
        "timestamp-nanos" if is_integer => timestamp(1_000_000_000, true),
        "local-timestamp-millis" if is_integer => timestamp(1_000, false),
        "local-timestamp-micros" if is_integer => timestamp(1_000_000, false),
        "local-timestamp-nanos" if is_integer => timestamp(1_000_000_000, false),
        "decimal" if !is_integer => {
            let scale = written.get("scale").and_then(Value::as_u64).unwrap_or(0);
            u32::try_from(scale).map_or(Meaning::Plain, |scale| Meaning::Decimal { scale: scale.min(10_000) })
        }
        "uuid" if kind == "fixed" && written.get("size").and_then(Value::as_u64) == Some(16) => Meaning::Uuid,
        "duration" if kind == "fixed" && written.get("size").and_then(Value::as_u64) == Some(12) => Meaning::Duration,
        _ => Meaning::Plain,
    }
}
