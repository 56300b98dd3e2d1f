//! What unpacking promises: every packing gives the same rows, and nothing grows without end.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write as _;

use crate::{
    define::project::{CsvOptions, Format},
    extract::{
        Hints, Limits, open,
        testing::{fail, read, read_all, zipped},
    },
};

const TABLE: &[u8] = b"k,v\n1,a\n2,b\n";
const ROWS: [&str; 2] = ["2: 1|a", "3: 2|b"];

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut writer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut writer = liblzma::write::XzEncoder::new(Vec::new(), 1);
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn zst(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, bytes) in members {
        let mut header = [0u8; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..135].copy_from_slice(format!("{:011o}", bytes.len()).as_bytes());
        header[156] = b'0';
        header[257..263].copy_from_slice(b"ustar\0");
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..154].copy_from_slice(format!("{sum:06o}").as_bytes());
        header[154] = 0;
        archive.extend_from_slice(&header);
        archive.extend_from_slice(bytes);
        archive.resize(archive.len().div_ceil(512) * 512, 0);
    }
    archive.resize(archive.len() + 1_024, 0);
    archive
}

fn names(bytes: Vec<u8>, format: &Format) -> Vec<String> {
    let parts = read_all("a.zip", bytes, format, &["k"]);
    parts.into_iter().map(|(name, found)| format!("{name} {}", found.rows.len())).collect()
}

#[test]
fn every_compression_is_known_by_its_first_bytes() {
    for pack in [gzip, bzip2, xz, zst] {
        let found = read("a.csv", pack(TABLE), &Format::Auto, &["k"]);
        assert_eq!(found.rows, ROWS);
        let two = [pack(&TABLE[..7]), pack(&TABLE[7..])].concat();
        assert_eq!(read("a.dat", two, &Format::Csv(CsvOptions::default()), &["k"]).rows, ROWS);
    }
    let padded = [gzip(TABLE), vec![0; 700]].concat();
    assert_eq!(read("a.csv.gz", padded, &Format::Auto, &["k"]).rows, ROWS);
    assert_eq!(read("a.jsonl.gz", gzip(b"{ \"k\": 1}"), &Format::Auto, &["k"]).shape.format, "jsonl");
    assert_eq!(read("a.csv.gz", gzip(b""), &Format::Auto, &[]).count(), "0 = 0 rows");
}

#[test]
fn members_are_tables_of_their_own() {
    let zip = zipped(&[
        ("b/x.csv", TABLE),
        ("b/", b""),
        ("__MACOSX/b/._x.csv", b"x"),
        (".hidden.csv", b"x"),
        ("~$x.xlsx", b"x"),
        ("数据.csv.gz", &gzip(TABLE)),
        ("empty.csv", b""),
        ("inner.zip", &zipped(&[("../../y.csv", TABLE)])),
    ]);
    let expected = ["a.zip!b/x.csv 2", "a.zip!数据.csv.gz 2", "a.zip!empty.csv 0", "a.zip!inner.zip!../../y.csv 2"];
    assert_eq!(names(zip.clone(), &Format::Auto), expected);
    let member = |pattern: &str| Format::Member { pattern: pattern.to_owned(), format: Box::new(Format::Auto) };
    assert_eq!(names(zip.clone(), &member("x.*")), expected[..1]);
    let message = fail("a.zip", zip, &member("*.txt"));
    assert!(
        message
            .ends_with("the archive holds no file to read; no member is named `*.txt`: correct `member` in the format"),
        "{message}"
    );
}

#[test]
fn names_that_chinese_windows_wrote_are_read() {
    let mut zip = zipped(&[("AAAA.csv", TABLE)]);
    let name = encoding_rs::GB18030.encode("表一").0.into_owned();
    while let Some(at) = memchr::memmem::find(&zip, b"AAAA.csv") {
        zip[at..at + 4].copy_from_slice(&name);
    }
    assert_eq!(names(zip, &Format::Auto), ["a.zip!表一.csv 2"]);
}

#[test]
fn tar_is_unpacked_under_any_compression() {
    let archive = tar(&[("d/x.csv", TABLE), ("d/.y.csv", b"x"), ("z.csv.gz", &gzip(TABLE))]);
    for bytes in [archive.clone(), gzip(&archive), xz(&archive)] {
        assert_eq!(names(bytes, &Format::Auto), ["a.zip!d/x.csv 2", "a.zip!z.csv.gz 2"]);
    }
    let message = fail("a.tar", tar(&[("x.csv", &[b'a'; 2_000])])[..1_024].to_vec(), &Format::Auto);
    assert!(message.contains("the member at byte 0 ends too early"), "{message}");
}

#[test]
fn a_cut_stream_says_how_far_it_was_good() {
    let text = "k,v\n1,a\n".repeat(50_000);
    for (pack, kind) in [(gzip as fn(&[u8]) -> Vec<u8>, "gzip"), (bzip2, "bzip2"), (xz, "xz"), (zst, "zstd")] {
        let packed = pack(text.as_bytes());
        let message = fail("a", packed[..packed.len() - 9].to_vec(), &Format::Auto);
        assert!(
            message.starts_with(&format!("cannot read `a`: the {kind} data ")) && message.contains("good"),
            "{message}"
        );
    }
    let message = fail("a.gz", [gzip(TABLE), b"more".to_vec()].concat(), &Format::Auto);
    assert!(message.contains("something else follows its last member"), "{message}");
    let zip = zipped(&[("a.csv", TABLE)]);
    let message = fail("a.zip", zip[..zip.len() - 30].to_vec(), &Format::Auto);
    assert!(message.starts_with("cannot read `a.zip`: the zip archive has no whole directory"), "{message}");
}

#[test]
fn bombs_are_stopped_by_the_limit_that_they_pass() {
    let told = |bytes: Vec<u8>, limits: Limits| {
        let opened = open(&"a".into(), &bytes::Bytes::from(bytes).into(), &Format::Auto, &Hints::default(), &limits);
        opened.err().map(|error| format!("{error}; {}", error.hint().unwrap_or_default())).unwrap_or_default()
    };
    let zeros = vec![b'0'; 40 << 20];
    let message = told(zst(&zeros), Limits::default());
    assert!(message.contains("more than 1000 times its size"), "{message}");
    let message = told(zipped(&[("a.csv", TABLE), ("b.csv", TABLE)]), Limits { most_bytes: 20, ..Limits::default() });
    assert!(
        message.contains("more than 20 bytes; if you trust it, raise `limits: { decompressed_bytes: … }`"),
        "{message}"
    );
    let message = told(zipped(&[("a.csv", TABLE), ("b.csv", TABLE)]), Limits { most_members: 1, ..Limits::default() });
    assert!(message.contains("more than 1 members"), "{message}");
    let deep = (0..9).fold(TABLE.to_vec(), |inner, _| gzip(&inner));
    assert!(told(deep, Limits::default()).contains("more than 5 deep"));
}

#[test]
fn what_is_packed_otherwise_is_named() {
    for (bytes, kind) in [
        (&b"7z\xBC\xAF\x27\x1C"[..], "a 7z archive"),
        (b"Rar!\x1A\x07\x01\0", "a RAR archive"),
        (b"\x5D\0\0\x80\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\x30", "compressed with lzma (.lzma)"),
    ] {
        let expected = format!("cannot read `a`: it is {kind}; unpack it, or pack it as zip or gzip");
        assert_eq!(fail("a", bytes.to_vec(), &Format::Auto), expected);
    }
}

#[test]
fn a_member_that_nobody_can_unpack_names_its_method() {
    let mut zip = zipped(&[("a.csv", TABLE)]);
    let directory = memchr::memmem::rfind(&zip, b"PK\x01\x02").unwrap();
    for at in [8, directory + 10] {
        zip[at..at + 2].copy_from_slice(&14_u16.to_le_bytes());
    }
    let told = fail("a.zip", zip, &Format::Auto);
    let method = "member `a.csv` is packed by method 14 (Lzma), which is not known here; pack it again with deflate";
    assert!(told.ends_with(method), "{told}");
}
