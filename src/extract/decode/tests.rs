//! What is promised of encodings, with real words.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use encoding_rs::*;

use super::*;
use crate::extract::Hints;

const CHINESE: &str = "经销商编码,客户名称,金额\nD001,广州重工机械有限公司,12.50\nD002,上海|建筑,3\n";

/// A file as text.
#[derive(Debug)]
struct Decoded {
    /// The text, without its byte order mark.
    text: String,
    /// Name of the encoding, as the Encoding Standard spells it.
    encoding: &'static str,
    /// Where it is not text.
    marks: Marks,
    /// 0..1.
    confidence: f64,
}

/// Decodes a whole file.
fn decode(path: &Arc<str>, bytes: &[u8], declared: Option<&str>, names: &Names) -> Result<Decoded, Error> {
    let content = Content::from(Bytes::copy_from_slice(bytes));
    let coding = choose(path, &content, declared, names)?;
    let (text, marks) = coding.text(&bytes[coding.mark..], true);
    coding.accept(path, &content, marks.bad_letters())?;
    let encoding = coding.name();
    Ok(Decoded { text, encoding, marks, confidence: coding.confidence })
}

fn decoded(bytes: &[u8], declared: Option<&str>) -> Decoded {
    decode(&Arc::from("a.csv"), bytes, declared, &Names::default()).unwrap()
}

fn error(bytes: &[u8], declared: Option<&str>) -> String {
    decode(&Arc::from("a.csv"), bytes, declared, &Names::default()).unwrap_err().to_string()
}

fn encoded(text: &str, encoding: &'static Encoding) -> Vec<u8> {
    encoding.encode(text).0.into_owned()
}

#[test]
fn every_encoding_gives_the_same_text() {
    let utf_16 = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let with_bom = [b"\xEF\xBB\xBF".as_slice(), CHINESE.as_bytes()].concat();
    let utf_16_bom = [b"\xFF\xFE".as_slice(), &utf_16(CHINESE)].concat();
    let cases: [(&[u8], Option<&str>, &str); 7] = [
        (CHINESE.as_bytes(), None, "UTF-8"),
        (&with_bom, None, "UTF-8"),
        (&with_bom, Some("gbk"), "UTF-8"),
        (&encoded(CHINESE, GB18030), None, "gb18030"),
        (&encoded(CHINESE, GB18030), Some("gb2312"), "gb18030"),
        (CHINESE.as_bytes(), Some("gb18030"), "UTF-8"),
        (&utf_16_bom, None, "UTF-16LE"),
    ];
    for (bytes, declared, name) in cases {
        let decoded = decoded(bytes, declared);
        assert_eq!((decoded.text.as_str(), decoded.encoding), (CHINESE, name), "{declared:?}");
        assert!(decoded.marks.bad.is_empty() && !decoded.marks.cut);
    }
}

#[test]
fn a_name_of_the_contract_proves_a_short_text() {
    let names = Names::new(&Hints { names: vec!["单号".to_owned()], required: Vec::new() });
    let bytes = encoded("单号,a\n1,2\n", GB18030);
    let decoded = decode(&Arc::from("a.csv"), &bytes, None, &names).unwrap();
    assert_eq!((decoded.text.as_str(), decoded.encoding, decoded.confidence), ("单号,a\n1,2\n", "gb18030", 1.0));
}

#[test]
fn a_few_bad_bytes_stay_utf_8_and_are_marked() {
    let mut bytes = CHINESE.as_bytes().to_vec();
    let at = CHINESE.find(",12").unwrap();
    bytes.insert(at, 0xFF);
    let decoded = decoded(&bytes, None);
    assert_eq!((decoded.encoding, decoded.marks.bad, decoded.marks.cut), ("UTF-8", vec![at], false));
    assert_eq!(decoded.text.replace('\u{FFFD}', ""), CHINESE);
}

#[test]
fn a_cut_last_character_is_told_from_a_bad_byte() {
    let utf_8 = decoded(&"a,b\n中文,文".as_bytes()[..12], None);
    assert_eq!((utf_8.encoding, utf_8.marks.bad, utf_8.marks.cut), ("UTF-8", vec![11], true));
    let bytes = encoded(CHINESE.trim_end_matches(",3\n"), GB18030);
    let gb = decoded(&bytes[..bytes.len() - 1], Some("gb18030"));
    assert!(gb.marks.cut && gb.marks.bad.len() == 1, "{gb:?}");
}

#[test]
fn western_text_is_detected() {
    let decoded = decoded(&encoded("Händler;Größe;Straße\nMüller;groß;Köln\n", WINDOWS_1252), None);
    assert_eq!((decoded.encoding, decoded.text.lines().next()), ("windows-1252", Some("Händler;Größe;Straße")));
}

#[test]
fn utf_16_without_a_mark_is_detected() {
    let bytes: Vec<u8> = "a,b\n1,2\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(decoded(&bytes, None).text, "a,b\n1,2\n");
}

#[test]
fn what_would_read_as_another_encoding_is_told_by_its_name() {
    let utf_32: Vec<u8> = CHINESE.chars().flat_map(|letter| u32::from(letter).to_le_bytes()).collect();
    let marked = [&[0xFF, 0xFE, 0, 0], &utf_32[..]].concat();
    let big: Vec<u8> = CHINESE.chars().flat_map(|letter| u32::from(letter).to_be_bytes()).collect();
    for (bytes, name) in [
        (utf_32, "UTF-32LE"),
        (marked, "UTF-32LE"),
        (big, "UTF-32BE"),
        (encoded("品名,数量\n", ISO_2022_JP), "ISO-2022"),
    ] {
        assert_eq!(error(&bytes, None), format!("cannot read `a.csv`: it looks like {name}, which cannot be read"));
    }
    assert_eq!(decoded(b"a,\x1b[0m\n", None).encoding, "UTF-8");
    assert_eq!(
        decoded(&"a\n\n".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>().repeat(4), None).encoding,
        "UTF-16LE"
    );
}

#[test]
fn what_is_not_the_declared_encoding_names_the_byte() {
    let message = error(&encoded(CHINESE, GB18030), Some("utf-8"));
    assert!(message.ends_with("the first at byte 0"), "{message}");
    assert_eq!(error(b"a", Some("utf-9")), "cannot read `a.csv`: there is no encoding `utf-9`");
}

#[test]
fn an_empty_file_is_empty_text() {
    assert_eq!(decoded(b"", None).text, "");
    assert_eq!(decoded(b"\xEF\xBB\xBF", None).text, "");
}
