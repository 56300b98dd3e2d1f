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
fn a_short_text_is_in_the_encoding_in_which_one_language_has_its_letters() {
    let french = "id,name\n1,Azerbaïdjan\n2,Île de Man\n3,Suède\n4,Haïti\n5,Nouvelle-Zélande\n";
    let portuguese = "id,name\n1,Santa Lúcia\n2,Albânia\n3,Uzbequistão\n4,Peru\n";
    let polish = "id,name\n1,Łódź\n2,Gdańsk\n3,Częstochowa\n";
    let czech = "id,name\n1,Příbram\n2,Ústí nad Labem\n3,Müller a syn\n4,Děčín\n5,Žďár nad Sázavou\n6,Tábor\n";
    for (text, encoding) in
        [(french, WINDOWS_1252), (portuguese, WINDOWS_1252), (polish, WINDOWS_1250), (czech, WINDOWS_1250)]
    {
        let found = decoded(&encoded(text, encoding), None);
        assert_eq!((found.text.as_str(), found.encoding), (text, encoding.name()));
    }
}

#[test]
fn signs_beside_numbers_are_no_letters() {
    for cells in [
        ["£1200.00", "Total £"],
        ["£ 5", "Café"],
        ["Ø 12 mm", "x"],
        ["± 5", "x"],
        ["µm filter", "x"],
        ["25 µg", "25°C"],
    ] {
        let text = format!("id,name\n1,{}\n2,{}\n", cells[0], cells[1]);
        let found = decoded(&encoded(&text, WINDOWS_1252), None);
        assert_eq!((found.text, found.encoding), (text, "windows-1252"));
    }
    for (text, encoding) in [
        ("id,name\n1,Łódź 5\n2,Ł 7\n", WINDOWS_1250),
        ("id,name\n1,są 5\n2,żółw\n", ISO_8859_2),
        ("имя,вес\n1,5 кВ ± 2\n2,Москва\n", WINDOWS_1251),
    ] {
        assert_eq!(decoded(&encoded(text, encoding), None).text, text);
    }
}

#[test]
fn one_character_of_several_bytes_makes_utf_8_of_what_is_declared_to_have_one() {
    let found = decoded("id,name\n1,Café\n".as_bytes(), Some("windows-1252"));
    assert_eq!((found.text.as_str(), found.encoding), ("id,name\n1,Café\n", "UTF-8"));
    let text = "id,name\n1,CafÃ©\n2,Müller\n";
    assert_eq!(decoded(&encoded(text, WINDOWS_1252), Some("windows-1252")).text, text);
    let text = "id,name\n1,plain\n";
    assert_eq!(decoded(text.as_bytes(), Some("windows-1252")).encoding, "windows-1252");
}

#[test]
fn half_width_katakana_are_no_other_alphabet() {
    for text in ["ﾅﾏｴ,ﾒｲ\n1,ﾔﾏﾀﾞ ﾀﾛｳ\n2,ｽｽﾞｷ ﾊﾅｺ\n", "番号,口座名義\n1,ﾔﾏﾀﾞ ﾀﾛｳ\n2,ｽｽﾞｷ ﾊﾅｺ\n"]
    {
        assert_eq!(decoded(&encoded(text, SHIFT_JIS), None).text, text);
    }
    for (text, encoding) in [
        ("ИМЯ,ГОРОД\n1,МОСКВА\n2,ТВЕРЬ\n", WINDOWS_1251),
        ("имя,город\n1,Москва\n2,Тверь\n", WINDOWS_1251),
        ("имя,город\n1,Москва\n2,Тверь\n", KOI8_R),
        ("όνομα,πόλη\n1,Αθήνα\n2,Πάτρα\n", WINDOWS_1253),
        ("NOMBRE\nMÉXICO 1ª ÁREA\nPERÚ\nPANAMÁ\n", WINDOWS_1252),
        ("ชื่อ,เมือง\n1,กรุงเทพ\n2,เชียงใหม่\n", WINDOWS_874),
    ] {
        let found = decoded(&encoded(text, encoding), None);
        assert_ne!(found.encoding, "Shift_JIS", "{text}");
    }
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
