//! Columnar files of every type, well-formed and not.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use ::parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    data_type::{FixedLenByteArray, FixedLenByteArrayType, Int96, Int96Type},
    file::{
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::parser::parse_message_type,
};
use arrow::{
    array::{
        ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Decimal256Array, DictionaryArray,
        DurationMillisecondArray, FixedSizeBinaryArray, Float32Array, Float64Array, Int32Array, Int64Array,
        IntervalDayTimeArray, IntervalMonthDayNanoArray, IntervalYearMonthArray, LargeStringArray, ListArray,
        MapBuilder, NullArray, RecordBatch, StringArray, StringBuilder, StructArray, Time64MicrosecondArray,
        TimestampMicrosecondArray, TimestampNanosecondArray, TimestampSecondArray, UInt64Array,
    },
    buffer::NullBuffer,
    datatypes::{DataType, Field, Fields, Int32Type, IntervalDayTime, IntervalMonthDayNano, i256},
    ipc::{
        CompressionType,
        writer::{FileWriter, IpcWriteOptions, StreamWriter},
    },
};

use super::DAMAGED;
use crate::{
    define::project::Format,
    extract::{
        Hints, Limits, open,
        testing::{fail, fail_within, read},
    },
};

fn written(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

#[test]
fn every_type_becomes_text() {
    let bytes = written(vec![
        ("名", Arc::new(StringArray::from(vec![Some("广\t州"), None])) as ArrayRef),
        ("i", Arc::new(Int64Array::from(vec![Some(-7), None]))),
        ("d", Arc::new(Decimal128Array::from(vec![Some(123_450), None]).with_precision_and_scale(18, 2).unwrap())),
        ("f", Arc::new(Float64Array::from(vec![Some(3.0), Some(0.1)]))),
        ("b", Arc::new(BooleanArray::from(vec![Some(true), None]))),
        ("day", Arc::new(Date32Array::from(vec![Some(19_782), None]))),
        (
            "at",
            Arc::new(
                TimestampMicrosecondArray::from(vec![Some(1_709_164_800_500_000), None]).with_timezone("Asia/Shanghai"),
            ),
        ),
        ("local", Arc::new(TimestampMicrosecondArray::from(vec![Some(1_709_164_800_000_000), None]))),
    ]);
    let found = read("a.parquet", bytes, &Format::Auto, &[]);
    assert_eq!(found.shape.header, ["名", "i", "d", "f", "b", "day", "at", "local"]);
    let expected =
        ["1: 广\t州|-7|1234.50|3|true|2024-02-29|2024-02-29T00:00:00.500Z|2024-02-29T00:00:00", "2: ∅|∅|∅|0.1|∅|∅|∅|∅"];
    assert_eq!(found.rows, expected);
    assert_eq!(found.count(), "2 = 2 rows");
}

#[test]
fn no_rows_and_many_rows_are_read() {
    assert_eq!(
        read("a.parquet", written(vec![("a", Arc::new(Int64Array::from(Vec::<i64>::new())))]), &Format::Auto, &[])
            .count(),
        "0 = 0 rows"
    );
    let many: Vec<i64> = (0..20_000).collect();
    let found = read("a.parquet", written(vec![("a", Arc::new(Int64Array::from(many)))]), &Format::Auto, &[]);
    assert_eq!((found.rows.len(), found.rows[19_999].as_str()), (20_000, "20000: 19999"));
}

#[test]
fn a_damaged_file_is_an_error() {
    let message = fail("a.parquet", "PAR1 and no more", &Format::Auto);
    assert!(message.starts_with("cannot read `a.parquet`: ") && message.ends_with(DAMAGED), "{message}");
}

#[test]
fn a_header_that_takes_long_to_skip_is_an_error() {
    let conditions = [0x09, 0xc8, 0x01, 0xf1, 0xff, 0xff, 0xff, 0xff, 0x07]; // field 100, a list of 2^31 - 1 of them
    let whole = || written(vec![("a", Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef)]);
    let mut page = whole();
    page[4..4 + conditions.len()].copy_from_slice(&conditions);
    let message = fail_within("a.parquet", page, &Format::Auto);
    assert!(message.contains("the header at byte 4 has more conditions than any can have"), "{message}");
    let mut footer = whole();
    let length_at = footer.len() - 8;
    let length = u32::from_le_bytes(footer[length_at..length_at + 4].try_into().unwrap()) + 9;
    footer[length_at..length_at + 4].copy_from_slice(&length.to_le_bytes());
    footer.splice(length_at - 1..length_at - 1, conditions);
    let message = fail("a.parquet", footer, &Format::Auto);
    assert!(message.contains("the footer has more conditions than any can have"), "{message}");
}

#[test]
fn intervals_are_iso_with_all_their_parts() {
    let bytes = ipc(&RecordBatch::try_from_iter([
        (
            "parts",
            Arc::new(IntervalMonthDayNanoArray::from(vec![
                IntervalMonthDayNano::new(14, 3, 5_000_000_000),
                IntervalMonthDayNano::new(-1, 2, -500_000_000),
                IntervalMonthDayNano::new(0, 0, 0),
            ])) as ArrayRef,
        ),
        ("months", Arc::new(IntervalYearMonthArray::from(vec![Some(14), Some(-1), None]))),
        (
            "days",
            Arc::new(IntervalDayTimeArray::from(vec![
                IntervalDayTime::new(1, 0),
                IntervalDayTime::new(0, 1),
                IntervalDayTime::new(-1, -1_000),
            ])),
        ),
    ])
    .unwrap());
    for (name, bytes) in bytes {
        let found = read(name, bytes, &Format::Auto, &[]);
        let expected = ["1: P14M3DT5S|P14M|P1D", "2: P-1M2DT-0.5S|P-1M|PT0.001S", "3: PT0S|∅|P-1DT-1S"];
        assert_eq!(found.rows[..3], expected, "{name}");
    }
}

/// Writes one row group of a Parquet schema, a column of fixed bytes or INT96 for each leaf.
fn parquet_of(schema: &str, leaves: impl Fn(&mut SerializedRowGroupWriter<'_, &mut Vec<u8>>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, Arc::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    leaves(&mut group);
    group.close().unwrap();
    writer.close().unwrap();
    bytes
}

#[test]
fn parquet_says_what_fixed_bytes_are() {
    let interval: Vec<u8> = [14_u32, 3, 5_000].iter().flat_map(|part| part.to_le_bytes()).collect();
    let uuid: Vec<u8> = (0..16).collect();
    let fixed = |group: &mut SerializedRowGroupWriter<'_, &mut Vec<u8>>, value: &[u8]| {
        let mut column = group.next_column().unwrap().unwrap();
        let value = FixedLenByteArray::from(value.to_vec());
        column.typed::<FixedLenByteArrayType>().write_batch(&[value], None, None).unwrap();
        column.close().unwrap();
    };
    let schema = "message m {
        required fixed_len_byte_array(12) span (INTERVAL);
        required group inner { required fixed_len_byte_array(16) id (UUID); }
        required fixed_len_byte_array(16) plain;
    }";
    let bytes = parquet_of(schema, |group| {
        fixed(group, &interval);
        fixed(group, &uuid);
        fixed(group, &uuid);
    });
    let found = read("a.parquet", bytes, &Format::Auto, &[]);
    assert_eq!(found.shape.header, ["span", "inner.id", "plain"]);
    let id = "00010203-0405-0607-0809-0a0b0c0d0e0f";
    assert_eq!(found.rows, [format!("1: P14M3DT5S|{id}|{}", id.replace('-', ""))]);
}

#[test]
fn old_timestamps_reach_far_years_at_any_depth() {
    // The Julian day of 3000-01-01, no nanoseconds of the day.
    let far = Int96::from(vec![0, 0, 2_816_788]);
    let schema = "message m { required group s { required int96 t; } required int96 r; }";
    let bytes = parquet_of(schema, |group| {
        for _ in 0..2 {
            let mut column = group.next_column().unwrap().unwrap();
            column.typed::<Int96Type>().write_batch(&[far], None, None).unwrap();
            column.close().unwrap();
        }
    });
    let found = read("a.parquet", bytes, &Format::Auto, &[]);
    assert_eq!(found.rows, ["1: 3000-01-01T00:00:00|3000-01-01T00:00:00"]);
}

#[test]
fn rows_that_the_footer_forgot_are_read() {
    let mut bytes = written(vec![("a", Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef)]);
    // The third field of the footer, a number, which is 2 and stands before the list of row groups.
    let count_at = bytes.windows(3).rposition(|part| part == [0x16, 4, 0x19]).unwrap() + 1;
    bytes[count_at] = 0;
    let found = read("a.parquet", bytes, &Format::Auto, &[]);
    assert_eq!(found.rows, ["1: 1", "2: 2"]);
}

/// Writes a batch as Arrow IPC: as a file and as a stream, with every compression.
fn ipc(batch: &RecordBatch) -> Vec<(&'static str, Vec<u8>)> {
    let mut files = Vec::new();
    for compression in [None, Some(CompressionType::LZ4_FRAME), Some(CompressionType::ZSTD)] {
        let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
        let mut bytes = Vec::new();
        let mut writer = FileWriter::try_new_with_options(&mut bytes, &batch.schema(), options.clone()).unwrap();
        writer.write(batch).unwrap();
        writer.write(batch).unwrap();
        writer.finish().unwrap();
        drop(writer);
        files.push(("a.dat", bytes));
        let mut bytes = Vec::new();
        let mut writer = StreamWriter::try_new_with_options(&mut bytes, &batch.schema(), options).unwrap();
        writer.write(batch).unwrap();
        writer.write(batch).unwrap();
        writer.finish().unwrap();
        drop(writer);
        files.push(("a.arrows", bytes));
    }
    files
}

/// A batch of rarer types.
fn rare() -> RecordBatch {
    let inner = Fields::from(vec![Field::new("city", DataType::Utf8, true), Field::new("no.", DataType::Int32, true)]);
    let address = StructArray::new(
        inner,
        vec![
            Arc::new(StringArray::from(vec![Some("广州"), Some("lost"), None])) as ArrayRef,
            Arc::new(Int32Array::from(vec![Some(7), Some(8), None])) as ArrayRef,
        ],
        Some(NullBuffer::from(vec![true, false, true])),
    );
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1), None]), None, Some(vec![])]);
    let mut map = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    map.keys().append_value("k\"");
    map.values().append_null();
    map.append(true).unwrap();
    map.append(false).unwrap();
    map.append(true).unwrap();
    let dictionary: DictionaryArray<Int32Type> = vec![Some("x"), None, Some("x")].into_iter().collect();
    let wide =
        Decimal256Array::from(vec![Some(i256::from_string(&"9".repeat(70)).unwrap()), None, Some(i256::from(-5))]);
    RecordBatch::try_from_iter_with_nullable(vec![
        ("address", Arc::new(address) as ArrayRef, true),
        ("list", Arc::new(list), true),
        ("map", Arc::new(map.finish()), true),
        ("dictionary", Arc::new(dictionary), true),
        ("wide", Arc::new(wide.with_precision_and_scale(76, 3).unwrap()), true),
        ("bytes", Arc::new(BinaryArray::from(vec![Some(&b"\x00\xff"[..]), None, Some(b"")])), true),
        (
            "fixed",
            Arc::new(
                FixedSizeBinaryArray::try_from_sparse_iter_with_size(
                    vec![Some([1, 2]), None, Some([3, 4])].into_iter(),
                    2,
                )
                .unwrap(),
            ),
            true,
        ),
        ("f", Arc::new(Float32Array::from(vec![0.1, f32::NAN, -0.0])), true),
        ("u", Arc::new(UInt64Array::from(vec![u64::MAX, 0, 1])), true),
        ("big", Arc::new(LargeStringArray::from(vec![Some("a\nb"), Some(""), None])), true),
        ("time", Arc::new(Time64MicrosecondArray::from(vec![Some(86_399_999_999), None, Some(0)])), true),
        (
            "nanos",
            Arc::new(TimestampNanosecondArray::from(vec![Some(1), None, Some(-1)]).with_timezone("+08:00")),
            true,
        ),
        ("seconds", Arc::new(TimestampSecondArray::from(vec![-62_135_596_800, 253_402_300_799, 0])), true),
    ])
    .unwrap()
}

const RARE: [&str; 3] = [
    "广州|7|[1,null]|{\"k\\\"\":null}|x|9999999999999999999999999999999999999999999999999999999999999999999.999|00ff|0102|0.1\
     |18446744073709551615|a\nb|23:59:59.999999|1970-01-01T00:00:00.000000001Z|0001-01-01T00:00:00",
    "∅|∅|∅|∅|∅|∅|∅|∅|NaN|0||∅|∅|9999-12-31T23:59:59",
    "∅|∅|[]|{}|x|-0.005||0304|0|1|∅|00:00:00|1969-12-31T23:59:59.999999999Z|1970-01-01T00:00:00",
];

#[test]
fn rare_types_are_text_in_every_format() {
    let batch = rare();
    let header =
        ["address.city", "address.no.", "list", "map", "dictionary", "wide", "bytes", "fixed", "f", "u", "big"];
    let rows = |found: &[String]| -> Vec<String> {
        found.iter().map(|row| row.split_once(": ").unwrap().1.to_owned()).collect()
    };
    let parquet = read(
        "a.parquet",
        written(
            batch
                .schema()
                .fields()
                .iter()
                .zip(batch.columns())
                .map(|(field, column)| (field.name().as_str(), Arc::clone(column)))
                .collect(),
        ),
        &Format::Auto,
        &[],
    );
    assert_eq!(parquet.shape.header[..header.len()], header);
    assert_eq!(rows(&parquet.rows), RARE);
    for (name, bytes) in ipc(&batch) {
        let found = read(name, bytes, &Format::Auto, &[]);
        assert_eq!(found.shape.header[..header.len()], header);
        assert_eq!(rows(&found.rows), [RARE, RARE].concat(), "{name}");
        assert_eq!((found.shape.format, found.count().as_str()), ("arrow", "6 = 6 rows"));
    }
}

#[test]
fn only_the_columns_that_are_asked_for_are_read() {
    let batch = rare();
    let columns = batch
        .schema()
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, column)| (field.name().clone(), Arc::clone(column)))
        .collect::<Vec<_>>();
    let parquet = written(columns.iter().map(|(name, column)| (name.as_str(), Arc::clone(column))).collect());
    let mut files = vec![("a.parquet", parquet)];
    files.extend(ipc(&batch));
    for (name, bytes) in files {
        let found = read(name, bytes, &Format::Auto, &["ADDRESS", "address.city", "u", "none"]);
        assert_eq!(found.shape.header.len(), 15, "{name}");
        assert_eq!(found.shape.header[..3], ["address", "address.city", "address.no."]);
        assert_eq!(
            found.rows[0],
            "1: {\"city\":\"广州\",\"no.\":7}|广州|∅|∅|∅|∅|∅|∅|∅|∅|∅|18446744073709551615|∅|∅|∅|∅"
                .replace("|∅|∅|∅|∅|∅|∅|∅|∅|∅|184", "|∅|∅|∅|∅|∅|∅|∅|∅|184")
        );
    }
}

#[test]
fn every_compression_of_parquet_is_read() {
    let batch = RecordBatch::try_from_iter([("a", Arc::new(Int64Array::from_iter_values(0..3)) as ArrayRef)]).unwrap();
    for compression in [
        Compression::SNAPPY,
        Compression::GZIP(::parquet::basic::GzipLevel::default()),
        Compression::LZ4,
        Compression::LZ4_RAW,
        Compression::ZSTD(ZstdLevel::default()),
    ] {
        let properties = WriterProperties::builder().set_compression(compression).build();
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        assert_eq!(read("a", bytes, &Format::Auto, &[]).rows, ["1: 0", "2: 1", "3: 2"], "{compression}");
    }
}

#[test]
fn durations_and_columns_of_nothing_are_read_from_arrow() {
    let batch = RecordBatch::try_from_iter([
        ("d", Arc::new(DurationMillisecondArray::from(vec![1_500])) as ArrayRef),
        ("n", Arc::new(NullArray::new(1))),
    ])
    .unwrap();
    let (name, bytes) = ipc(&batch).remove(0);
    assert_eq!(read(name, bytes, &Format::Auto, &[]).rows, ["1: PT1.5S|∅", "2: PT1.5S|∅"]);
}

#[test]
fn what_ends_too_early_is_an_error() {
    let batch = rare();
    for (name, bytes) in ipc(&batch).into_iter().take(2) {
        let message = fail(name, bytes[..bytes.len().min(300)].to_vec(), &Format::Arrow);
        assert!(message.starts_with(&format!("cannot read `{name}`: ")) && message.ends_with(DAMAGED), "{message}");
    }
    for bytes in [&b""[..], b"ARROW1", b"\xff\xff\xff\xff", b"\xff\xff\xff\xff\xff\xff\xff\x7f"] {
        let message = fail("a.arrow", bytes.to_vec(), &Format::Arrow);
        assert!(message.ends_with(DAMAGED), "{message}");
    }
}

#[test]
fn a_decimal_beyond_its_declared_precision_keeps_its_digits() {
    let decimals = |scale| {
        Decimal128Array::from(vec![Some(-123_456), Some(7), Some(0)]).with_data_type(DataType::Decimal128(3, scale))
    };
    let columns: [(&str, ArrayRef); 3] =
        [("id", Arc::new(decimals(2))), ("far", Arc::new(decimals(-2))), ("whole", Arc::new(decimals(0)))];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = FileWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    let found = read("a.arrow", writer.into_inner().unwrap(), &Format::Auto, &[]);
    assert_eq!(found.rows, ["1: -1234.56|-12345600|-123456", "2: 0.07|700|7", "3: 0.00|0|0"]);
}

/// A stream of two rows whose batch is marked as Arrow 0.17 did it: pyarrow 26 wrote it, with that key in the batch's metadata.
const OLD_STREAM: &str = "\
    ffffffff780000001000000000000a000c000600050008000a000000000104000c0000000800080000000400080000000400000001000000\
    14000000100014000800060007000c00000010001000000000000102100000001c0000000400000000000000010000006100000008000c00\
    08000700080000000000000108000000ffffffffd8000000180000000000000000000e00180006000500080010000c000e00000000030400\
    640000000c0000000800000000000000010000000c00000008000c0004000800080000001000000004000000030000004c5a34001e000000\
    4152524f573a6578706572696d656e74616c5f636f6d7072657373696f6e000000000a0018000c00040008000a0000003c00000010000000\
    0200000000000000000000000200000000000000000000000000000000000000000000000000000002000000000000000000000001000000\
    020000000000000000000000000000000102000000000000ffffffff00000000";

#[test]
fn a_compression_of_arrow_0_17_is_an_error_that_says_what_to_do() {
    let byte = |at: usize| u8::from_str_radix(&OLD_STREAM[at..at + 2], 16).unwrap();
    let stream: Vec<u8> = (0..OLD_STREAM.len()).step_by(2).map(byte).collect();
    let content = ::bytes::Bytes::from(stream).into();
    let mut parts =
        open(&"a.arrows".into(), &content, &Format::Auto, &Hints::default(), &Limits::default()).unwrap_or_default();
    let error = parts[0].reader.next_batch().err().unwrap();
    assert_eq!(
        format!("{error}; {}", error.hint().unwrap()),
        "cannot read `a.arrows`: the message at byte 136 is compressed as only Arrow 0.17 did it; \
         write it again with Arrow 1.0 or newer, or without compression"
    );
}
