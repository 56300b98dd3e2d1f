//! Building blocks of what is written in YAML: values that know where they stand, maps that keep their order, and
//! values with a short and a long form.
//!
//! In: serde events of serde-saphyr. Out: values with byte ranges. Deliberately no `#[serde(untagged)]` and no
//! `flatten`: both buffer, and what is buffered has forgotten its place.

use std::{borrow::Cow, fmt, marker::PhantomData, ops::Range};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{self, IntoDeserializer, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};
use serde_saphyr::{Location, Spanned};

/// A value and the bytes of the parsed text from which it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At<T> {
    /// What was written.
    pub value: T,
    /// Where; a flow collection gives its opening bracket, a block collection the empty range at its start.
    pub range: Range<usize>,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<T>::deserialize(deserializer)?;
        Ok(Self { value: spanned.value, range: bytes(spanned.referenced).unwrap_or_default() })
    }
}

impl<T: JsonSchema> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// Returns the bytes of a location, where the parser knows them.
pub fn bytes(location: Location) -> Option<Range<usize>> {
    let start = usize::try_from(location.span().byte_offset()?).ok()?;
    let length = usize::try_from(location.span().byte_len()?).ok()?;
    Some(start..start.saturating_add(length))
}

/// A map in the order of the file, each key with its place.
#[derive(Debug)]
pub struct Pairs<V>(pub Vec<(At<String>, V)>);

impl<V> Default for Pairs<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

struct PairsVisitor<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for PairsVisitor<V> {
    type Value = Pairs<V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Pairs(pairs))
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Pairs<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor(PhantomData))
    }
}

impl<V: JsonSchema> JsonSchema for Pairs<V> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Map_of_{}", V::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "additionalProperties": generator.subschema_for::<V>() })
    }
}

/// A value with a short form (one word) and a long form (a map).
#[derive(Debug)]
pub enum TextOr<N, T> {
    /// The short form.
    Text(N),
    /// The long form.
    Map(T),
}

struct TextOrVisitor<N, T>(PhantomData<(N, T)>);

impl<'de, N: Deserialize<'de>, T: Deserialize<'de>> Visitor<'de> for TextOrVisitor<N, T> {
    type Value = TextOr<N, T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a map")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        N::deserialize(text.into_deserializer()).map(TextOr::Text)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(TextOr::Map)
    }
}

impl<'de, N: Deserialize<'de>, T: Deserialize<'de>> Deserialize<'de> for TextOr<N, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrVisitor(PhantomData))
    }
}

impl<N: JsonSchema, T: JsonSchema> JsonSchema for TextOr<N, T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("{}_or_{}", N::schema_name(), T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [generator.subschema_for::<N>(), generator.subschema_for::<T>()] })
    }
}

/// One word, or a list of them.
#[derive(Debug)]
pub struct OneOrMany<T>(pub Vec<T>);

struct OneOrManyVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrManyVisitor<T> {
    type Value = OneOrMany<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a word or a list of words")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        T::deserialize(text.into_deserializer()).map(|word| OneOrMany(vec![word]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut words = Vec::new();
        while let Some(word) = list.next_element()? {
            words.push(word);
        }
        Ok(OneOrMany(words))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrManyVisitor(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("One_or_many_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let word = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [word, { "type": "array", "items": word, "minItems": 1 }] })
    }
}

/// One of a few words, or a list of names.
#[derive(Debug)]
pub enum WordOrMany<N, T> {
    /// The word.
    Word(N),
    /// The list.
    Many(Vec<T>),
}

struct WordOrManyVisitor<N, T>(PhantomData<(N, T)>);

impl<'de, N: Deserialize<'de>, T: Deserialize<'de>> Visitor<'de> for WordOrManyVisitor<N, T> {
    type Value = WordOrMany<N, T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a word or a list of names")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        N::deserialize(text.into_deserializer()).map(WordOrMany::Word)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        OneOrManyVisitor(PhantomData).visit_seq(list).map(|OneOrMany(names)| WordOrMany::Many(names))
    }
}

impl<'de, N: Deserialize<'de>, T: Deserialize<'de>> Deserialize<'de> for WordOrMany<N, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordOrManyVisitor(PhantomData))
    }
}

impl<N: JsonSchema, T: JsonSchema> JsonSchema for WordOrMany<N, T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("{}_or_many_{}", N::schema_name(), T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (word, name) = (generator.subschema_for::<N>(), generator.subschema_for::<T>());
        json_schema!({ "anyOf": [word, { "type": "array", "items": name, "minItems": 1 }] })
    }
}

/// A text that may be written as a number or a boolean without quotes.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct Scalar(pub String);

impl JsonSchema for Scalar {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Scalar".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number", "boolean"] })
    }
}
