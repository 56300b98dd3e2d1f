//! Packs the first columns of the sort order into the bits of a number, so that rows are sorted by comparing numbers.
//!
//! In: batches and the columns of their order. Out: one [`Prefix`] a row, of which a smaller one means that the row comes
//! first; equal ones say nothing, unless every column went in whole. The order is that of Arrow's row format: NULL first,
//! numbers by value, floats by their total order, texts by their bytes.
//!
//! ```text
//!  dealer   order       line        what is the same in all rows costs nothing, a digit costs 4 bits:
//!  D0012    SO2406001   3      ──►  0001 0010 | 0000 0000 0001 | 11 | batch and row
//! ```
//!
//! Deliberately absent: nested types, at which packing stops, and the rows that remain equal (`sort` compares them whole).

use arrow::{
    array::{Array, ArrayRef, AsArray, BooleanArray, GenericByteArray, PrimitiveArray},
    buffer::NullBuffer,
    datatypes::{
        ArrowPrimitiveType, BinaryType, ByteArrayType, DataType, Date32Type, Decimal128Type, Float32Type, Float64Type,
        Int8Type, Int16Type, Int32Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType, UInt8Type,
        UInt16Type, UInt32Type, UInt64Type, Utf8Type,
    },
};

/// Bits of the order; the others hold the row's place.
const PACKED_BITS: u32 = 96;
/// Bits of a row's place: half of them for the batch, half for the row in it.
pub(super) const PLACE_BITS: u32 = 32;
/// Bytes of a text that are looked at, after those that all texts have in common.
const TEXT_BYTES: usize = 24;

/// The packed columns of a row, then its place.
pub(super) type Prefix = u128;

/// Returns a prefix for every row: at most 65,536 batches of at most 65,536 rows.
pub(super) fn pack(columns: &[Vec<ArrayRef>], rows: &[usize]) -> Vec<Prefix> {
    let mut packed = vec![0; rows.iter().sum()];
    let mut left = PACKED_BITS;
    for arrays in columns {
        let is_whole = pack_column(arrays, &mut packed, &mut left);
        if !is_whole || left == 0 {
            break;
        }
    }
    let mut prefixes = packed.iter_mut();
    for (batch, &count) in (0_u128..).zip(rows) {
        for (row, prefix) in (0_u128..).zip(prefixes.by_ref().take(count)) {
            *prefix = *prefix << PLACE_BITS | batch << (PLACE_BITS / 2) | row;
        }
    }
    packed
}

/// Appends a column to the prefixes; false when two values may have become one.
fn pack_column(arrays: &[ArrayRef], packed: &mut [u128], left: &mut u32) -> bool {
    let Some(first) = arrays.first() else { return true };
    match first.data_type() {
        DataType::Boolean => pack_booleans(arrays, packed, left),
        DataType::Int8 => pack_numbers::<Int8Type>(arrays, packed, left, |v| signed(v.into())),
        DataType::Int16 => pack_numbers::<Int16Type>(arrays, packed, left, |v| signed(v.into())),
        DataType::Int32 => pack_numbers::<Int32Type>(arrays, packed, left, |v| signed(v.into())),
        DataType::Int64 => pack_numbers::<Int64Type>(arrays, packed, left, |v| signed(v.into())),
        DataType::UInt8 => pack_numbers::<UInt8Type>(arrays, packed, left, u128::from),
        DataType::UInt16 => pack_numbers::<UInt16Type>(arrays, packed, left, u128::from),
        DataType::UInt32 => pack_numbers::<UInt32Type>(arrays, packed, left, u128::from),
        DataType::UInt64 => pack_numbers::<UInt64Type>(arrays, packed, left, u128::from),
        DataType::Date32 => pack_numbers::<Date32Type>(arrays, packed, left, |v| signed(v.into())),
        DataType::Time64(_) => pack_numbers::<Time64MicrosecondType>(arrays, packed, left, |v| signed(v.into())),
        DataType::Timestamp(..) => pack_numbers::<TimestampMicrosecondType>(arrays, packed, left, |v| signed(v.into())),
        DataType::Decimal128(..) => pack_numbers::<Decimal128Type>(arrays, packed, left, signed),
        DataType::Float32 => pack_numbers::<Float32Type>(arrays, packed, left, |v| ordered(v.to_bits().into(), 32)),
        DataType::Float64 => pack_numbers::<Float64Type>(arrays, packed, left, |v| ordered(v.to_bits(), 64)),
        DataType::Utf8 => pack_texts::<Utf8Type>(arrays, packed, left),
        DataType::Binary => pack_texts::<BinaryType>(arrays, packed, left),
        _ => false,
    }
}

/// Moves a signed number so that the smallest is 0.
const fn signed(value: i128) -> u128 {
    value.cast_unsigned() ^ (1 << 127)
}

/// Turns the bits of a float into a number of the same order.
fn ordered(bits: u64, width: u32) -> u128 {
    let sign = 1 << (width - 1);
    u128::from(if bits & sign == 0 { bits | sign } else { !bits & (u64::MAX >> (64 - width)) })
}

/// Returns how many bits the numbers up to `largest` need.
const fn bits_of(largest: u128) -> u32 {
    128 - largest.leading_zeros()
}

fn has_nulls(arrays: &[ArrayRef]) -> bool {
    arrays.iter().any(|array| array.null_count() > 0)
}

fn pack_booleans(arrays: &[ArrayRef], packed: &mut [u128], left: &mut u32) -> bool {
    let typed: Vec<&BooleanArray> = arrays.iter().map(AsArray::as_boolean).collect();
    let values = typed.iter().flat_map(|array| array.iter());
    append_numbers(values.map(|value| value.map(u128::from)), (0, 1), has_nulls(arrays), packed, left)
}

fn pack_numbers<T: ArrowPrimitiveType>(
    arrays: &[ArrayRef],
    packed: &mut [u128],
    left: &mut u32,
    ordered: impl Fn(T::Native) -> u128 + Copy,
) -> bool {
    let typed: Vec<&PrimitiveArray<T>> = arrays.iter().map(AsArray::as_primitive::<T>).collect();
    let range = typed.iter().flat_map(|array| array.iter().flatten()).fold((u128::MAX, 0), |(least, most), value| {
        let value = ordered(value);
        (value.min(least), value.max(most))
    });
    if has_nulls(arrays) {
        let values = typed.iter().flat_map(|array| array.iter());
        return append_numbers(values.map(|value| value.map(ordered)), range, true, packed, left);
    }
    let values = typed.iter().flat_map(|array| array.values().iter().copied());
    append_numbers(values.map(|value| Some(ordered(value))), range, false, packed, left)
}

/// Appends the distance of each number from the least one, its lowest bits cut where there is no room.
fn append_numbers(
    values: impl Iterator<Item = Option<u128>>,
    (least, most): (u128, u128),
    has_nulls: bool,
    packed: &mut [u128],
    left: &mut u32,
) -> bool {
    let wanted = bits_of(most.saturating_sub(least));
    let bits = wanted.min(*left - u32::from(has_nulls));
    let cut = wanted - bits;
    let valid = u128::from(has_nulls) << bits;
    *left -= bits + u32::from(has_nulls);
    for (prefix, value) in packed.iter_mut().zip(values) {
        let code = value.map_or(0, |value| ((value - least) >> cut) | valid);
        *prefix = *prefix << (bits + u32::from(has_nulls)) | code;
    }
    cut == 0
}

fn pack_texts<T: ByteArrayType<Offset = i32>>(arrays: &[ArrayRef], packed: &mut [u128], left: &mut u32) -> bool {
    let texts: Vec<Texts<'_>> = arrays.iter().map(|array| Texts::new(array.as_bytes::<T>())).collect();
    let mut alphabet = Alphabet::of(&texts);
    let has_nulls = has_nulls(arrays);
    let is_whole = alphabet.fit(*left - u32::from(has_nulls));
    let bits = alphabet.bits + u32::from(has_nulls);
    *left -= bits;
    let valid = u128::from(has_nulls) << alphabet.bits;
    let mut prefixes = packed.iter_mut();
    for texts in &texts {
        for (row, prefix) in prefixes.by_ref().take(texts.rows()).enumerate() {
            let code = texts.get(row).map_or(0, |text| alphabet.encode(text) | valid);
            *prefix = *prefix << bits | code;
        }
    }
    is_whole
}

/// The texts of an array as bytes.
struct Texts<'a> {
    nulls: Option<&'a NullBuffer>,
    offsets: &'a [i32],
    bytes: &'a [u8],
}

impl<'a> Texts<'a> {
    fn new<T: ByteArrayType<Offset = i32>>(array: &'a GenericByteArray<T>) -> Self {
        Self { nulls: array.nulls(), offsets: array.value_offsets(), bytes: array.value_data() }
    }

    const fn rows(&self) -> usize {
        self.offsets.len() - 1
    }

    fn get(&self, row: usize) -> Option<&'a [u8]> {
        let at = |offset: i32| usize::try_from(offset).unwrap_or_default();
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            return None;
        }
        self.bytes.get(at(self.offsets[row])..at(self.offsets[row + 1]))
    }

    fn iter(&self) -> impl Iterator<Item = &'a [u8]> {
        (0..self.rows()).filter_map(|row| self.get(row))
    }
}

/// Which bytes occur at which place of a column's texts, and with how few bits they are told apart.
struct Alphabet {
    /// Places at which texts differ, with the bits of a code there and the code of each byte: 0 where a text has ended.
    places: Vec<(usize, u32, [u8; 256])>,
    /// Whether texts differ in what is not looked at.
    is_cut: bool,
    bits: u32,
}

impl Alphabet {
    fn of(texts: &[Texts<'_>]) -> Self {
        let common = common_length(texts);
        let mut used = vec![[false; 256]; TEXT_BYTES];
        // Whether a text ends before each place.
        let mut ends = [false; TEXT_BYTES];
        let mut is_cut = false;
        for text in texts.iter().flat_map(Texts::iter) {
            let rest = &text[common..];
            for (used, &byte) in used.iter_mut().zip(rest) {
                used[usize::from(byte)] = true;
            }
            match ends.get_mut(rest.len()) {
                Some(end) => *end = true,
                None => is_cut |= rest.len() > TEXT_BYTES,
            }
        }
        let mut ended = false;
        let mut places = Vec::new();
        for (place, used) in used.iter().enumerate() {
            ended |= ends[place];
            // 256 bytes and an end have no room in a byte: the last two share a code.
            is_cut |= ended && used.iter().all(|used| *used);
            let (bits, codes) = codes(used, ended);
            if bits > 0 {
                places.push((common + place, bits, codes));
            }
        }
        Self { places, is_cut, bits: 0 }
    }

    /// Leaves out the places for which there is no room; false when that, or the length of the texts, loses something.
    fn fit(&mut self, room: u32) -> bool {
        let count = self.places.iter().take_while(|(_, bits, _)| {
            let fits = self.bits + bits <= room;
            self.bits += if fits { *bits } else { 0 };
            fits
        });
        let count = count.count();
        let is_whole = count == self.places.len() && !self.is_cut;
        self.places.truncate(count);
        is_whole
    }

    fn encode(&self, text: &[u8]) -> u128 {
        self.places.iter().fold(0, |code, (place, bits, codes)| {
            let byte = text.get(*place).map_or(0, |&byte| codes[usize::from(byte)]);
            code << bits | u128::from(byte)
        })
    }
}

/// Returns the number of bytes with which all texts begin.
fn common_length(texts: &[Texts<'_>]) -> usize {
    let mut all = texts.iter().flat_map(Texts::iter);
    let Some(first) = all.next() else { return 0 };
    all.fold(first.len(), |common, text| {
        if text.len() >= common && text[..common] == first[..common] {
            return common;
        }
        text.iter().zip(&first[..common]).take_while(|(one, other)| one == other).count()
    })
}

/// Numbers the bytes that occur at a place, after 0 for a text's end where that occurs.
fn codes(used: &[bool; 256], ended: bool) -> (u32, [u8; 256]) {
    let mut codes = [0; 256];
    let mut next: u16 = u16::from(ended);
    for (code, _) in codes.iter_mut().zip(used).filter(|(_, used)| **used) {
        *code = u8::try_from(next).unwrap_or(u8::MAX);
        next += 1;
    }
    (bits_of(u128::from(next.saturating_sub(1).min(255))), codes)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::sync::Arc;

    use arrow::{
        array::{
            BinaryArray, Date32Array, Decimal128Array, Float64Array, Int64Array, StringArray,
            TimestampMicrosecondArray, UInt8Array,
        },
        compute::concat,
        row::{RowConverter, SortField},
    };
    use proptest::prelude::*;

    use super::*;

    /// One row of every kind that is packed.
    type Row = (
        (Option<i64>, Option<i32>, Option<i64>, Option<i128>, Option<bool>),
        (Option<String>, Option<Vec<u8>>, Option<f64>, Option<u8>),
    );

    /// Values close to each other, so that many tie, and the ends of their types.
    fn row() -> impl Strategy<Value = Row> {
        let long = prop_oneof![4 => -3_i64..4, 1 => Just(i64::MIN), 1 => Just(i64::MAX), 1 => any::<i64>()];
        let at = prop_oneof![3 => 0_i64..3, 1 => any::<i64>()];
        let amount = prop_oneof![4 => -3_i128..4, 1 => -10_i128.pow(37)..10_i128.pow(37)];
        let text = prop_oneof![3 => "D00[0-9]{2}", 2 => "[a-b\u{0}甲乙]{0,4}", 1 => "SO[0-9]{30}"];
        let bytes =
            prop_oneof![2 => prop::collection::vec(any::<u8>(), 0..3), 1 => prop::collection::vec(0..2_u8, 20..40)];
        let float =
            prop_oneof![2 => Just(0.0), 2 => Just(-0.0), 1 => Just(f64::NAN), 1 => Just(-f64::NAN), 3 => any::<f64>()];
        let some = prop::option::of::<BoxedStrategy<i64>>;
        (
            (
                some(long.boxed()),
                prop::option::of(-2_i32..3),
                some(at.boxed()),
                prop::option::of(amount),
                any::<Option<bool>>(),
            ),
            (prop::option::of(text), prop::option::of(bytes), prop::option::of(float), any::<Option<u8>>()),
        )
    }

    fn columns(rows: &[Row]) -> Vec<ArrayRef> {
        let amounts: Decimal128Array = rows.iter().map(|row| row.0.3).collect();
        vec![
            Arc::new(rows.iter().map(|row| row.0.0).collect::<Int64Array>()),
            Arc::new(rows.iter().map(|row| row.0.1).collect::<Date32Array>()),
            Arc::new(rows.iter().map(|row| row.0.2).collect::<TimestampMicrosecondArray>()),
            Arc::new(amounts.with_precision_and_scale(38, 2).unwrap()),
            Arc::new(rows.iter().map(|row| row.0.4).collect::<BooleanArray>()),
            Arc::new(rows.iter().map(|row| row.1.0.as_deref()).collect::<StringArray>()),
            Arc::new(rows.iter().map(|row| row.1.1.as_deref()).collect::<BinaryArray>()),
            Arc::new(rows.iter().map(|row| row.1.2).collect::<Float64Array>()),
            Arc::new(rows.iter().map(|row| row.1.3).collect::<UInt8Array>()),
        ]
    }

    /// Some columns in two batches.
    fn batches(rows: &[Row], cut: usize, order: &[usize]) -> Vec<Vec<ArrayRef>> {
        let (first, rest) = rows.split_at(cut.min(rows.len()));
        let (first, rest) = (columns(first), columns(rest));
        order.iter().map(|&column| vec![first[column].clone(), rest[column].clone()]).collect()
    }

    proptest! {
        #[test]
        fn prefixes_never_contradict_arrows_order_of_rows(
            rows in prop::collection::vec(row(), 0..40),
            cut in 0_usize..40,
            order in Just((0..9).collect::<Vec<usize>>()).prop_shuffle(),
            width in 1_usize..9,
        ) {
            let columns = batches(&rows, cut, &order[..width]);
            let counts: Vec<usize> = columns[0].iter().map(Array::len).collect();
            let prefixes = pack(&columns, &counts);
            let whole: Vec<ArrayRef> =
                columns.iter().map(|parts| concat(&[parts[0].as_ref(), parts[1].as_ref()]).unwrap()).collect();
            let fields = whole.iter().map(|array| SortField::new(array.data_type().clone())).collect();
            let encoded = RowConverter::new(fields).unwrap().convert_columns(&whole).unwrap();
            for (one, prefix) in prefixes.iter().enumerate() {
                for (other, larger) in prefixes.iter().enumerate() {
                    if prefix >> PLACE_BITS < larger >> PLACE_BITS {
                        prop_assert!(encoded.row(one) < encoded.row(other), "rows {one} and {other}");
                    }
                }
            }
            let places: Vec<u128> = prefixes.iter().map(|prefix| prefix & u128::from(u32::MAX)).collect();
            let expected: Vec<u128> =
                (0_u128..).zip(&counts).flat_map(|(batch, &count)| (0..count as u128).map(move |row| batch << 16 | row)).collect();
            prop_assert_eq!(places, expected);
        }
    }
}
