//! Writes the first inputs of all targets into the folder that `SEEDS` names, one folder for each target.
//!
//! In: the repository's own extracts, odd files and contracts. Out: small inputs of every format, also of those that no
//! file of the repository has. With the fuzzer's flags only a target can be linked, so this is one that fuzzes nothing.

#![no_main]

use std::{
    fs,
    io::{Cursor, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow::{
    array::{
        ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float64Array, Int64Array,
        ListArray, RecordBatch, StringArray, StringViewArray, StructArray, TimestampMicrosecondArray,
    },
    datatypes::{DataType, Field, Int32Type, Schema},
    ipc::{
        CompressionType,
        writer::{FileWriter, IpcWriteOptions, StreamWriter},
    },
};
use arrow_avro::{
    compression::CompressionCodec,
    writer::{WriterBuilder, format::AvroOcfFormat},
};
use libfuzzer_sys::fuzz_target;
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, GzipLevel, ZstdLevel},
    file::properties::{WriterProperties, WriterVersion},
};
use tallyhouse_fuzz::workbook;

/// Inputs above it teach a fuzzer little.
const MOST_BYTES: usize = 16 << 10;

fuzz_target!(init: write(), |_bytes: &[u8]| {});

fn write() {
    let seeds = Seeds { folder: std::env::var_os("SEEDS").expect("a folder").into() };
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (folder, most) in
        [("tests/corpus", 999), ("tests/files", 99), ("fixtures/extracts", 2), ("pipelines/sources", 99)]
    {
        files(&repository.join(folder), most, &mut |path, bytes| seeds.of_file(path, bytes));
    }
    seeds.columnar();
    seeds.packed();
    seeds.texts();
}

/// Takes the first files of a folder and of every one below it.
fn files(folder: &Path, most: usize, take: &mut impl FnMut(&Path, Vec<u8>)) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    entries.sort();
    let (folders, mut files_here): (Vec<PathBuf>, Vec<PathBuf>) = entries.into_iter().partition(|path| path.is_dir());
    files_here.truncate(most);
    for path in files_here.into_iter().chain(folders) {
        if path.is_dir() {
            files(&path, most, take);
        } else {
            take(&path, fs::read(&path).expect("a file"));
        }
    }
}

struct Seeds {
    folder: PathBuf,
}

impl Seeds {
    fn put(&self, target: &str, name: &str, mut bytes: Vec<u8>) {
        let folder = self.folder.join(target);
        fs::create_dir_all(&folder).expect("a new folder");
        bytes.truncate(MOST_BYTES);
        fs::write(folder.join(name), bytes).expect("a new file");
    }

    fn of_file(&self, path: &Path, mut bytes: Vec<u8>) {
        let name = path.file_name().expect("a name").to_string_lossy();
        match path.extension().and_then(|extension| extension.to_str()).unwrap_or_default() {
            "csv" | "tsv" | "txt" => {
                // Of the long extracts a piece is enough; a whole line, so that it is no cut file.
                bytes.truncate(
                    bytes.iter().take(2_048).rposition(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1),
                );
                self.put("csv", &name, bytes.clone());
                self.put("fixed_width", &name, [b"\x04", &bytes[..]].concat());
                self.put(
                    "normalize",
                    &name,
                    bytes.iter().map(|byte| if b",;|\t".contains(byte) { b'\n' } else { *byte }).collect(),
                );
                let table: Vec<u8> = bytes
                    .iter()
                    .map(|byte| match byte {
                        b',' => 0x1F,
                        b'\n' => 0x1E,
                        byte => *byte,
                    })
                    .collect();
                self.put("csv_clean", &name, [&[0, 1, 0x25][..], &table].concat());
                let dialect = [&b"%000000"[..], b"%110010", b"%121111", b""][bytes.len() % 4];
                self.put("csv_blocks", &name, [dialect, &bytes].concat());
            }
            "json" | "jsonl" => self.put("json", &name, bytes),
            "yaml" => self.put("contract", &name, bytes),
            "xlsx" => {
                self.put("xlsx", &name, workbook::of_xlsx(&bytes));
                self.put("archive", &name, bytes);
            }
            "xlsb" => {
                self.put("xlsb", &name, workbook::of_xlsb(&bytes));
                self.put("xlsb", &format!("whole_{name}"), bytes);
            }
            "xls" => self.put("xls", &name, bytes),
            "sqlite" => self.put("sqlite", &name, bytes),
            _ => {}
        }
    }

    fn columnar(&self) {
        let batch = batch();
        let compressions = [
            Compression::UNCOMPRESSED,
            Compression::SNAPPY,
            Compression::GZIP(GzipLevel::default()),
            Compression::ZSTD(ZstdLevel::default()),
            Compression::LZ4_RAW,
            Compression::LZ4,
        ];
        for (number, compression) in compressions.into_iter().enumerate() {
            for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
                let properties = WriterProperties::builder()
                    .set_compression(compression)
                    .set_writer_version(version)
                    .set_dictionary_enabled(number % 2 == 0)
                    .set_max_row_group_row_count(Some(2))
                    .build();
                let mut bytes = Vec::new();
                let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).expect("a writer");
                writer.write(&batch).expect("rows");
                writer.close().expect("a footer");
                self.put("parquet", &format!("{number}_{version:?}"), bytes);
            }
        }
        for (number, compression) in
            [None, Some(CompressionType::LZ4_FRAME), Some(CompressionType::ZSTD)].into_iter().enumerate()
        {
            let options = IpcWriteOptions::default().try_with_compression(compression).expect("known");
            let mut file =
                FileWriter::try_new_with_options(Vec::new(), &batch.schema(), options.clone()).expect("a writer");
            file.write(&batch).expect("rows");
            self.put("arrow", &format!("file_{number}"), file.into_inner().expect("a footer"));
            let mut stream =
                StreamWriter::try_new_with_options(Vec::new(), &batch.schema(), options).expect("a writer");
            stream.write(&batch).expect("rows");
            self.put("arrow", &format!("stream_{number}"), stream.into_inner().expect("an end"));
        }
        let codecs =
            [None, Some(CompressionCodec::Deflate), Some(CompressionCodec::Snappy), Some(CompressionCodec::ZStandard)];
        let plain: Vec<usize> = (0..batch.num_columns())
            .filter(|index| !["名称", "view", "kind"].contains(&batch.schema().field(*index).name().as_str()))
            .collect();
        let batch = batch.project(&plain).expect("columns");
        for (number, codec) in codecs.into_iter().enumerate() {
            let schema = batch.schema().as_ref().clone();
            let writer = WriterBuilder::new(schema).with_compression(codec).build::<_, AvroOcfFormat>(Vec::new());
            let mut writer = writer.expect("a writer");
            writer.write(&batch).expect("rows");
            writer.finish().expect("an end");
            self.put("avro", &number.to_string(), writer.into_inner());
        }
    }

    fn packed(&self) {
        let text = b"id,name,amount\n1,a,2.5\n2,b,3.5\n".repeat(5);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(&text).expect("memory");
        let gzip = gzip.finish().expect("memory");
        let zstd = zstd::encode_all(&text[..], 3).expect("memory");
        let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
        bzip2.write_all(&text).expect("memory");
        let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 6);
        xz.write_all(&text).expect("memory");
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, method) in [
            ("a.csv", zip::CompressionMethod::Deflated),
            ("b/b.csv", zip::CompressionMethod::Bzip2),
            ("c.csv", zip::CompressionMethod::Stored),
        ] {
            zip.start_file(name, zip::write::SimpleFileOptions::default().compression_method(method))
                .expect("a member");
            zip.write_all(&text).expect("memory");
        }
        zip.start_file("d.csv.gz", zip::write::SimpleFileOptions::default()).expect("a member");
        zip.write_all(&gzip).expect("memory");
        let tar = tar(&text);
        self.put("archive", "gzip_twice", gzip.repeat(2));
        self.put("archive", "gzip", gzip);
        self.put("archive", "zstd", zstd);
        self.put("archive", "bzip2", bzip2.finish().expect("memory"));
        self.put("archive", "xz", xz.finish().expect("memory"));
        self.put("archive", "zip", zip.finish().expect("memory").into_inner());
        self.put("archive", "tar_zstd", zstd::encode_all(&tar[..], 3).expect("memory"));
        self.put("archive", "tar", tar);
    }

    fn texts(&self) {
        let page = "<html><head><meta charset=utf-8></head><body><table><tr><th>id<th>名称</tr><tr><td rowspan=2 colspan=\"2\">1&nbsp;&amp;<br>x</td></tr><tr><td>2<td><table><tr><td>in</table></table></body></html>";
        self.put("page", "page", page.into());
        let sheet = "<?xml version=\"1.0\"?><?mso-application progid=\"Excel.Sheet\"?><Workbook xmlns=\"urn:schemas-microsoft-com:office:spreadsheet\" xmlns:ss=\"urn:schemas-microsoft-com:office:spreadsheet\"><Worksheet ss:Name=\"S\"><Table><Row ss:Index=\"2\"><Cell><Data ss:Type=\"String\">id</Data></Cell><Cell ss:Index=\"3\" ss:MergeDown=\"1\"><Data ss:Type=\"DateTime\">2024-01-31T00:00:00.000</Data></Cell></Row><Row><Cell><Data ss:Type=\"Number\">1.5</Data></Cell></Row></Table></Worksheet></Workbook>";
        self.put("page", "spreadsheet_xml", sheet.into());
        let document = "<?xml version=\"1.0\"?><office:document-content xmlns:office=\"o\" xmlns:table=\"t\" xmlns:text=\"x\"><office:body><office:spreadsheet><table:table table:name=\"S\"><table:table-row><table:table-cell office:value-type=\"string\"><text:p>id</text:p></table:table-cell><table:table-cell office:value-type=\"string\"><text:p>名称<text:s text:c=\"2\"/><text:line-break/></text:p></table:table-cell></table:table-row><table:table-row table:number-rows-repeated=\"3\"><table:table-cell office:value-type=\"float\" office:value=\"1.5\" table:number-columns-repeated=\"2\"/><table:covered-table-cell/></table:table-row><table:table-row><table:table-cell table:number-rows-spanned=\"2\" table:number-columns-spanned=\"2\" office:value-type=\"date\" office:date-value=\"2024-01-31\"/><table:table-cell office:value-type=\"time\" office:time-value=\"PT18H00M00S\"/><table:table-cell office:value-type=\"boolean\" office:boolean-value=\"true\"/></table:table-row></table:table></office:spreadsheet></office:body></office:document-content>";
        self.put("ods", "sheet", document.into());
        let json = [
            "{\"id\":1,\"a\":{\"b\":2.50},\"items\":[{\"sku\":\"x\"},{\"sku\":null}]}\n{\"id\":2,\"名称\":\"\\u4e2d\\ud83d\\ude00\"}\n",
            "[{\"id\":1},\n{\"id\":2,\"amount\":1e5},\n]",
            "{\"data\":{\"items\":[{\"id\":1},{\"id\":true}],\"page\":1}}",
            "{\n  \"id\": 1\n}\n{\n  \"id\": 2\n}\n",
        ];
        json.iter().enumerate().for_each(|(number, text)| self.put("json", &format!("own_{number}"), (*text).into()));
        let cells = "1,234.50\n-12%\n(1)\n¥3.5万\n1.5e3\n2024年1月31日\n31/01/24\n113/01/31\nMar 5, 2024\n20240131102030\n31.01.2024 01:30 下午\n2024-01-31 10:20:30.123456+08:00\n45000.5\n1706659200000\n是\n+86 138-0000-0000\n91350100M000100Y43\na@b.cn\n㈱ 山東\n９９９９\n\0\n\n无\n123456789.12\n1999-09-09";
        self.put("normalize", "own", cells.into());
    }
}

fn batch() -> RecordBatch {
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]));
    let names: ArrayRef = Arc::new(StringArray::from(vec![Some("甲"), Some(""), None]));
    let inner = StructArray::from(vec![(Arc::new(Field::new("b", DataType::Int64, true)), Arc::clone(&ids))]);
    let list = ListArray::from_iter_primitive::<arrow::datatypes::Int64Type, _, _>([
        Some(vec![Some(1), None]),
        None,
        Some(vec![]),
    ]);
    let kinds: DictionaryArray<Int32Type> = [Some("x"), Some("y"), Some("x")].into_iter().collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", ids),
        ("名称", names),
        (
            "amount",
            Arc::new(
                Decimal128Array::from(vec![Some(150), None, Some(-1)])
                    .with_precision_and_scale(18, 2)
                    .expect("a decimal"),
            ),
        ),
        ("day", Arc::new(Date32Array::from(vec![Some(19_000), None, Some(-1)]))),
        ("moment", Arc::new(TimestampMicrosecondArray::from(vec![Some(1), None, Some(-1)]).with_timezone("UTC"))),
        ("share", Arc::new(Float64Array::from(vec![Some(0.1), None, Some(f64::MAX)]))),
        ("flag", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))),
        ("bytes", Arc::new(BinaryArray::from_opt_vec(vec![Some(b"\x00\xff"), None, Some(b"")]))),
        ("view", Arc::new(StringViewArray::from(vec![Some("a text of more than twelve bytes"), None, Some("s")]))),
        ("kind", Arc::new(kinds)),
        ("a", Arc::new(inner)),
        ("items", Arc::new(list)),
    ];
    let fields: Vec<Field> =
        columns.iter().map(|(name, column)| Field::new(*name, column.data_type().clone(), true)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.into_iter().map(|(_, column)| column).collect())
        .expect("a batch")
}

/// A tar archive with one member.
fn tar(text: &[u8]) -> Vec<u8> {
    let mut header = vec![0_u8; 512];
    header[..5].copy_from_slice(b"a.csv");
    header[100..108].copy_from_slice(b"0000644\0");
    header[124..136].copy_from_slice(format!("{:011o}\0", text.len()).as_bytes());
    header[148..156].copy_from_slice(b"        ");
    header[156] = b'0';
    header[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let padding = vec![0; (512 - text.len() % 512) % 512 + 1024];
    [&header[..], text, &padding].concat()
}
