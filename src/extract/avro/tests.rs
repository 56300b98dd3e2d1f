//! Avro files written by a library that shares no code with the reader.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array, ListArray,
        RecordBatch, StringArray, StructArray, TimestampMicrosecondArray,
    },
    datatypes::{DataType, Field, Fields, Int32Type},
};
use arrow_avro::{
    compression::CompressionCodec,
    writer::{WriterBuilder, format::AvroOcfFormat},
};

use super::DAMAGED;
use crate::{
    define::project::Format,
    extract::testing::{fail, read},
};

fn batch() -> RecordBatch {
    let address = StructArray::new(
        Fields::from(vec![Field::new("city", DataType::Utf8, true), Field::new("no", DataType::Int32, false)]),
        vec![
            Arc::new(StringArray::from(vec![Some("广州"), None])) as ArrayRef,
            Arc::new(Int32Array::from(vec![7, 8])) as ArrayRef,
        ],
        None,
    );
    RecordBatch::try_from_iter_with_nullable(vec![
        ("name", Arc::new(StringArray::from(vec![Some("a\tb"), None])) as ArrayRef, true),
        ("i", Arc::new(Int64Array::from(vec![i64::MIN, i64::MAX])), false),
        ("d", Arc::new(Decimal128Array::from(vec![Some(-5), None]).with_precision_and_scale(38, 3).unwrap()), true),
        ("f", Arc::new(Float64Array::from(vec![0.1, f64::NEG_INFINITY])), false),
        ("b", Arc::new(BooleanArray::from(vec![Some(true), None])), true),
        ("day", Arc::new(Date32Array::from(vec![Some(19_782), None])), true),
        (
            "at",
            Arc::new(TimestampMicrosecondArray::from(vec![1_709_164_800_500_000, -1]).with_timezone("+00:00")),
            false,
        ),
        ("address", Arc::new(address), false),
        (
            "list",
            Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1), None]), None])),
            true,
        ),
    ])
    .unwrap()
}

fn written(batch: &RecordBatch, codec: Option<CompressionCodec>, times: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = WriterBuilder::new(batch.schema().as_ref().clone())
        .with_compression(codec)
        .build::<_, AvroOcfFormat>(&mut bytes)
        .unwrap();
    for _ in 0..times {
        writer.write(batch).unwrap();
    }
    writer.finish().unwrap();
    drop(writer);
    bytes
}

const ROWS: [&str; 2] = [
    "a\tb|-9223372036854775808|-0.005|0.1|true|2024-02-29|2024-02-29T00:00:00.500Z|广州|7|[1,null]",
    "∅|9223372036854775807|∅|-inf|∅|∅|1969-12-31T23:59:59.999999Z|∅|8|∅",
];

#[test]
fn every_codec_gives_the_same_rows() {
    for codec in [
        None,
        Some(CompressionCodec::Deflate),
        Some(CompressionCodec::Snappy),
        Some(CompressionCodec::ZStandard),
        Some(CompressionCodec::Bzip2),
        Some(CompressionCodec::Xz),
    ] {
        let found = read("a.dat", written(&batch(), codec, 2), &Format::Auto, &[]);
        let header = ["name", "i", "d", "f", "b", "day", "at", "address.city", "address.no", "list"];
        assert_eq!((found.shape.format, found.shape.header.as_slice()), ("avro", &header.map(str::to_owned)[..]));
        let rows: Vec<&str> = found.rows.iter().map(|row| row.split_once(": ").unwrap().1).collect();
        assert_eq!(rows, [ROWS, ROWS].concat(), "{codec:?}");
        assert_eq!(found.count(), "4 = 4 rows");
    }
}

#[test]
fn only_the_columns_that_are_asked_for_are_read() {
    let found = read("a.avro", written(&batch(), None, 1), &Format::Avro, &["I", "address", "address.no"]);
    assert_eq!(found.shape.header.len(), 11);
    assert_eq!(found.rows[1], "2: ∅|9223372036854775807|∅|∅|∅|∅|∅|{\"city\":null,\"no\":8}|∅|8|∅");
}

#[test]
fn a_file_that_was_cut_anywhere_is_an_error() {
    let bytes = written(&batch(), Some(CompressionCodec::Deflate), 1);
    let empty = written(&batch().slice(0, 0), Some(CompressionCodec::Deflate), 0).len();
    for end in 0..bytes.len() {
        let content = bytes::Bytes::copy_from_slice(&bytes[..end]).into();
        let opened =
            crate::extract::open(&Arc::from("a.avro"), &content, &Format::Avro, &crate::extract::Hints::default());
        let failed = opened.map_or(true, |mut parts| parts[0].reader.next_batch().is_err());
        assert!(failed || end == empty, "{end}");
    }
    assert!(fail("a.avro", "Obj\x01", &Format::Auto).ends_with(DAMAGED));
}

#[test]
fn many_rows_come_in_batches() {
    let many =
        RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from_iter_values(0..20_000)) as ArrayRef)]).unwrap();
    let found = read("a.avro", written(&many, None, 1), &Format::Avro, &[]);
    assert_eq!((found.rows.len(), found.rows[19_999].as_str()), (20_000, "20000: 19999"));
}

/// Writes a file by hand: a schema, and one block of these bytes and rows.
fn by_hand(schema: &str, rows: u8, block: &[u8]) -> Vec<u8> {
    let counted = |bytes: &[u8]| {
        let mut length = bytes.len() * 2;
        let mut written = Vec::new();
        while length >= 0x80 {
            written.push(u8::try_from(length & 0x7F).unwrap() | 0x80);
            length >>= 7;
        }
        written.push(u8::try_from(length).unwrap());
        [&written, bytes].concat()
    };
    let mark = [7; 16];
    [
        b"Obj\x01\x02",
        &counted(b"avro.schema")[..],
        &counted(schema.as_bytes()),
        b"\0",
        &mark,
        &[rows * 2],
        &counted(block),
        &mark,
    ]
    .concat()
}

#[test]
fn unions_maps_enums_and_recursion_are_read() {
    let schema = r#"{"type":"record","name":"node","namespace":"x","fields":[
        {"name":"u","type":["null","int","string"]},
        {"name":"m","type":{"type":"map","values":"boolean"}},
        {"name":"e","type":{"type":"enum","name":"color","symbols":["red","green"]}},
        {"name":"next","type":["null","node"]},
        {"name":"id","type":{"type":"fixed","name":"id","size":16,"logicalType":"uuid"}},
        {"name":"t","type":"int","logicalType":"time-millis"}]}"#;
    let tail = [&[0x11; 16][..], &[0xD0, 0x0F]].concat();
    let inner = [&[0, 0, 0, 0][..], &tail].concat();
    let block = [&[4, 4, b'h', b'i', 1, 6, 2, b'k', 1, 0, 2, 2][..], &inner, &tail].concat();
    let found = read("a.avro", by_hand(schema, 1, &block), &Format::Auto, &[]);
    assert_eq!(found.shape.header, ["u", "m", "e", "next", "id", "t"]);
    let uuid = "11111111-1111-1111-1111-111111111111";
    let next = format!(r#"{{"u":null,"m":{{}},"e":"red","next":null,"id":"{uuid}","t":"00:00:01"}}"#);
    assert_eq!(found.rows, [format!("1: hi|{{\"k\":true}}|green|{next}|{uuid}|00:00:01")]);
}

#[test]
fn lying_numbers_are_errors() {
    let list = r#"{"type":"record","name":"r","fields":[{"name":"l","type":{"type":"array","items":"null"}}]}"#;
    let huge = [0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01];
    for (schema, rows, block) in [
        (list, 1, &huge[..]),
        (list, 1, &[0, 0]),
        (list, 3, &[0]),
        (r#"{"type":"record","name":"r","fields":[{"name":"s","type":"string"}]}"#, 1, &huge),
        (r#"{"type":"record","name":"r","fields":[{"name":"s","type":["null"]}]}"#, 1, &[8]),
    ] {
        let content = bytes::Bytes::from(by_hand(schema, rows, block)).into();
        let mut parts =
            crate::extract::open(&Arc::from("a.avro"), &content, &Format::Auto, &crate::extract::Hints::default())
                .unwrap();
        let reader = &mut parts[0].reader;
        let failed = (0..9).any(|_| reader.next_batch().is_err());
        assert!(failed, "{schema} {block:?}");
    }
}
