//! Arrow IPC: messages of a file or a stream → record batches, one message at a time.
//!
//! In: a file by offset. Out: its schema, then batches. Every length is compared with the file's before anything is
//! allocated for it, also the lengths that compressed buffers claim. Deliberately reads big-endian files as errors.

use std::{collections::HashMap, sync::Arc};

use arrow::{
    array::{ArrayRef, RecordBatch},
    buffer::Buffer,
    datatypes::SchemaRef,
    ipc::{
        Block, Message, MessageHeader, RecordBatch as Layout, Schema as Written,
        convert::fb_to_schema,
        reader::{RecordBatchDecoder, read_dictionary, read_footer_length},
        root_as_footer, root_as_message,
    },
};

use super::{Batches, Fault, Source, bytes::exactly};
use crate::storage::content::Content;

/// The bytes with which a file, as opposed to a stream, begins and ends.
const MAGIC: &[u8] = b"ARROW1";

/// What precedes a message since Arrow 0.15.
const CONTINUATION: [u8; 4] = [0xFF; 4];

/// The most bytes that the buffers of one batch may unpack to.
const UNPACKED_BYTES: u64 = 4 << 30;

/// The most rows that a batch may claim; columns of nothing but NULL need no bytes for them.
const BATCH_ROWS: i64 = 1 << 31;

/// Under this key the messages of Arrow 0.17 name the compression of their buffers, before the format had a place for it.
const OLD_COMPRESSION: &str = "ARROW:experimental_compression";

/// Opens an Arrow IPC file or stream.
pub(super) fn open(content: &Content) -> Result<Box<dyn Source>, Fault> {
    let head = content.part(0, MAGIC.len()).map_err(|error| error.to_string())?;
    if head == MAGIC { open_file(content) } else { open_stream(content) }
}

fn bytes(content: &Content, offset: u64, length: u64) -> Result<Buffer, String> {
    let length = usize::try_from(length).map_err(|_| format!("a length of {length} bytes"))?;
    exactly(content, offset, length).map(Buffer::from).map_err(|error| error.to_string())
}

fn length(written: i64) -> Result<u64, String> {
    u64::try_from(written).map_err(|_| format!("a length of {written} bytes"))
}

/// Parses the metadata of a message.
fn message(metadata: &[u8]) -> Result<Message<'_>, String> {
    root_as_message(metadata).map_err(|error| format!("a message cannot be parsed: {error}"))
}

/// Refuses a message whose buffers are compressed as Arrow 0.17 did it: the library would take them for values.
fn refuse_old_compression(message: &Message<'_>, at: u64) -> Result<(), Fault> {
    let holds_buffers = matches!(message.header_type(), MessageHeader::RecordBatch | MessageHeader::DictionaryBatch);
    let is_old = message.custom_metadata().iter().flatten().any(|pair| pair.key() == Some(OLD_COMPRESSION));
    if holds_buffers && is_old {
        return Err(Fault {
            reason: format!("the message at byte {at} is compressed as only Arrow 0.17 did it"),
            hint: "write it again with Arrow 1.0 or newer, or without compression",
        });
    }
    Ok(())
}

/// Compares what the compressed buffers of a message claim to unpack to with what may be.
fn refuse_bombs(message: &Message<'_>, body: &[u8]) -> Result<(), String> {
    let layout: Option<Layout<'_>> = match message.header_type() {
        MessageHeader::RecordBatch => message.header_as_record_batch(),
        MessageHeader::DictionaryBatch => message.header_as_dictionary_batch().and_then(|batch| batch.data()),
        _ => None,
    };
    let Some(buffers) = layout.filter(|layout| layout.compression().is_some()).and_then(|layout| layout.buffers())
    else {
        return Ok(());
    };
    let mut unpacked = 0_u64;
    for buffer in buffers {
        let start = usize::try_from(buffer.offset()).unwrap_or(usize::MAX);
        let claimed =
            body.get(start..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| i64::from_le_bytes(*bytes));
        if buffer.length() >= 8 {
            unpacked = unpacked.saturating_add(u64::try_from(claimed).unwrap_or(0));
        }
    }
    if unpacked > UNPACKED_BYTES {
        return Err(format!("a batch claims to unpack to {unpacked} bytes; the limit is {UNPACKED_BYTES}"));
    }
    Ok(())
}

/// A file or stream whose schema is known, and where its messages are.
struct File<M> {
    messages: M,
    decoder: Decoder,
}

/// What turns messages into batches.
struct Decoder {
    content: Content,
    schema: SchemaRef,
    dictionaries: HashMap<i64, ArrayRef>,
}

/// Where a message is: its metadata, with their prefix or without, and behind them its body.
#[derive(Clone, Copy)]
struct Place {
    metadata: u64,
    metadata_length: u64,
    /// None: as the message itself says.
    body_length: Option<u64>,
}

impl Decoder {
    fn new(content: &Content, written: Written<'_>) -> Result<Self, String> {
        if !written.endianness().equals_to_target_endianness() {
            return Err("it was written on a machine with another order of bytes".to_owned());
        }
        let schema: SchemaRef = Arc::new(fb_to_schema(written));
        Ok(Self { content: content.clone(), schema, dictionaries: HashMap::new() })
    }

    /// Decodes a message: a batch is returned, a dictionary remembered. Returns the offset behind it as well.
    fn decode(&mut self, place: Place, columns: &[usize]) -> Result<(Option<RecordBatch>, u64), Fault> {
        let metadata = bytes(&self.content, place.metadata, place.metadata_length)?;
        let prefix = match metadata.first_chunk() {
            Some(&CONTINUATION) => 8,
            Some(_) if place.body_length.is_some() => 4,
            _ => 0,
        };
        let message = message(metadata.get(prefix..).unwrap_or_default())?;
        refuse_old_compression(&message, place.metadata)?;
        let body_length = place.body_length.map_or_else(|| length(message.bodyLength()), Ok)?;
        let body_at = place.metadata + place.metadata_length;
        let body = bytes(&self.content, body_at, body_length)?;
        refuse_bombs(&message, &body)?;
        let batch = self.take(&message, &body, columns)?;
        Ok((batch, body_at + body_length))
    }

    fn take(&mut self, message: &Message<'_>, body: &Buffer, columns: &[usize]) -> Result<Option<RecordBatch>, String> {
        let version = message.version();
        if let Some(batch) = message.header_as_record_batch() {
            if !(0..BATCH_ROWS).contains(&batch.length()) {
                return Err(format!("a batch of {} rows", batch.length()));
            }
            let decoder =
                RecordBatchDecoder::try_new(body, batch, Arc::clone(&self.schema), &self.dictionaries, &version)
                    .map_err(|error| error.to_string())?;
            return decoder
                .with_projection(Some(columns))
                .read_record_batch()
                .map(Some)
                .map_err(|error| error.to_string());
        }
        if let Some(batch) = message.header_as_dictionary_batch() {
            read_dictionary(body, batch, &self.schema, &mut self.dictionaries, &version)
                .map_err(|error| error.to_string())?;
        }
        Ok(None)
    }
}

/// Opens a file: its footer says where its batches are.
fn open_file(content: &Content) -> Result<Box<dyn Source>, Fault> {
    let end = content.len().checked_sub(10).ok_or("the file ends in its first bytes")?;
    let tail = bytes(content, end, 10)?;
    let tail = tail.first_chunk().copied().unwrap_or_default();
    let footer_length = read_footer_length(tail).map_err(|error| error.to_string())? as u64;
    let start = end.checked_sub(footer_length).ok_or("its footer is longer than the file")?;
    let footer = bytes(content, start, footer_length)?;
    let footer = root_as_footer(&footer).map_err(|error| format!("its footer cannot be parsed: {error}"))?;
    let mut decoder = Decoder::new(content, footer.schema().ok_or("its footer holds no schema")?)?;
    for block in footer.dictionaries().iter().flatten() {
        decoder.decode(place(block)?, &[])?;
    }
    let places: Result<Vec<Place>, String> = footer.recordBatches().iter().flatten().map(place).collect();
    Ok(Box::new(File { messages: places?.into_iter(), decoder }))
}

fn place(block: &Block) -> Result<Place, String> {
    Ok(Place {
        metadata: length(block.offset())?,
        metadata_length: length(i64::from(block.metaDataLength()))?,
        body_length: Some(length(block.bodyLength())?),
    })
}

impl Source for File<std::vec::IntoIter<Place>> {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.decoder.schema)
    }

    fn read(self: Box<Self>, columns: &[usize]) -> Result<Batches, Fault> {
        let Self { messages, mut decoder } = *self;
        let columns = columns.to_vec();
        Ok(Box::new(
            messages.filter_map(move |place| decoder.decode(place, &columns).map(|(batch, _)| batch).transpose()),
        ))
    }
}

/// Messages one after the other.
struct Stream {
    at: u64,
    ended: bool,
}

/// Opens a stream: its first message is the schema.
fn open_stream(content: &Content) -> Result<Box<dyn Source>, Fault> {
    let first = next_place(content, 0)?.ok_or("the stream ends before its schema")?;
    let metadata = bytes(content, first.metadata, first.metadata_length)?;
    let message = message(&metadata)?;
    let written = message.header_as_schema().ok_or("the stream begins without a schema")?;
    let at = first.metadata + first.metadata_length + length(message.bodyLength())?;
    let decoder = Decoder::new(content, written)?;
    Ok(Box::new(File { messages: Stream { at, ended: false }, decoder }))
}

/// Returns where the message at an offset is; None where the stream ends.
fn next_place(content: &Content, at: u64) -> Result<Option<Place>, String> {
    if at >= content.len() {
        return Ok(None);
    }
    let word =
        |at| -> Result<[u8; 4], String> { Ok(bytes(content, at, 4)?.first_chunk().copied().unwrap_or_default()) };
    let first = word(at)?;
    let (metadata, written) = if first == CONTINUATION { (at + 8, word(at + 4)?) } else { (at + 4, first) };
    let metadata_length = u64::from(u32::from_le_bytes(written));
    Ok((metadata_length > 0).then_some(Place { metadata, metadata_length, body_length: None }))
}

impl Stream {
    /// Returns the next batch; None at the end of the stream.
    fn next(&mut self, decoder: &mut Decoder, columns: &[usize]) -> Result<Option<RecordBatch>, Fault> {
        while let Some(place) = next_place(&decoder.content, self.at)? {
            let (batch, next) = decoder.decode(place, columns)?;
            self.at = next;
            if batch.is_some() {
                return Ok(batch);
            }
        }
        Ok(None)
    }
}

impl Source for File<Stream> {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.decoder.schema)
    }

    fn read(self: Box<Self>, columns: &[usize]) -> Result<Batches, Fault> {
        let Self { mut messages, mut decoder } = *self;
        let columns = columns.to_vec();
        Ok(Box::new(std::iter::from_fn(move || {
            if messages.ended {
                return None;
            }
            let next = messages.next(&mut decoder, &columns);
            messages.ended = !matches!(next, Ok(Some(_)));
            next.transpose()
        })))
    }
}
