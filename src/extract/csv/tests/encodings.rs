//! Files in every encoding, with real words, long and short.

use encoding_rs::{
    BIG5, EUC_KR, Encoding, GB18030, SHIFT_JIS, UTF_8, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252, WINDOWS_1253,
};

use crate::{
    define::project::{CsvOptions, Format},
    extract::testing::{Found, fail, read},
};

const SIMPLIFIED: &str = "经销商编码,订单号,客户名称,数量,金额\nD001,SO20240101,广州重工机械有限公司,2,12500.00\n\
    D002,SO20240102,上海建筑工程集团,1,8000.50\nD003,SO20240103,北京市政路桥股份有限公司,3,99000.00\n";
const TRADITIONAL: &str = "經銷商編號,訂單號,客戶名稱,數量,金額\nD001,A1,臺灣重工機械股份有限公司,2,12500\n\
    D002,A2,高雄營造廠,1,8000\nD003,A3,臺北市政工程顧問公司,3,99000\n";
const JAPANESE: &str = "販売店コード,注文番号,お客様名,数量\nD001,A1,株式会社コマツ製作所,2\n\
    D002,A2,ありがとう建設,1\nD003,A3,東京都の会社です,3\n";
const KOREAN: &str = "대리점코드,주문번호,고객명,수량\nD001,A1,현대건설기계 주식회사,2\nD002,A2,서울특별시 강남구,1\n\
    D003,A3,부산광역시 해운대구,3\n";
const GERMAN: &str = "Händler;Auftrag;Kunde;Größe\nD001;A1;Müller & Söhne GmbH;2\nD002;A2;Straßenbau Köln;1\n";
const RUSSIAN: &str = "Дилер;Заказ;Клиент\nД001;А1;Московский завод строительных машин\nД002;А2;Общество с ограниченной ответственностью\n";
const POLISH: &str = "Dealer;Zamówienie;Klient\nD001;A1;Przedsiębiorstwo Budowlane Łódź\nD002;A2;Spółka z ograniczoną odpowiedzialnością Śląsk\n";
const GREEK: &str = "Κωδικός;Παραγγελία;Πελάτης\nΔ001;Α1;Ελληνική Εταιρεία Κατασκευών\nΔ002;Α2;Αθήνα και Θεσσαλονίκη\n";

fn utf_16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

fn auto(bytes: Vec<u8>) -> Found {
    read("a.csv", bytes, &Format::Auto, &[])
}

/// Reads a text in an encoding that nothing declares and expects the same cells as from UTF-8.
fn check(text: &str, encoding: &'static Encoding) {
    let expected = auto(text.as_bytes().to_vec());
    let (bytes, _, is_lossy) = encoding.encode(text);
    assert!(!is_lossy, "{}", encoding.name());
    let found = auto(bytes.into_owned());
    assert_eq!(found.shape.encoding.as_deref(), Some(encoding.name()), "{:?}", found.shape);
    assert_eq!((found.shape.header, found.cells), (expected.shape.header, expected.cells));
}

#[test]
fn every_encoding_is_found_without_a_declaration() {
    for (text, encoding) in [
        (SIMPLIFIED, UTF_8),
        (SIMPLIFIED, GB18030),
        (TRADITIONAL, BIG5),
        (JAPANESE, SHIFT_JIS),
        (KOREAN, EUC_KR),
        (GERMAN, WINDOWS_1252),
        (RUSSIAN, WINDOWS_1251),
        (POLISH, WINDOWS_1250),
        (GREEK, WINDOWS_1253),
    ] {
        check(text, encoding);
    }
}

#[test]
fn short_chinese_files_are_found() {
    for text in [
        "名称,数量\n甲,1\n",
        "订单号,金额\n1,2\n",
        "客户,电话\n张三,1\n李四,2\n",
        "日期\n2024年3月5日\n",
        "姓名,备注\n王五,无\n",
    ] {
        check(text, GB18030);
        check(text, UTF_8);
    }
}

#[test]
fn utf_16_is_found_with_and_without_a_mark() {
    for text in [SIMPLIFIED, TRADITIONAL, JAPANESE, KOREAN, GERMAN, RUSSIAN] {
        let expected = auto(text.as_bytes().to_vec());
        for (name, bytes) in [("UTF-16LE", u16::to_le_bytes as fn(u16) -> [u8; 2]), ("UTF-16BE", u16::to_be_bytes)] {
            for mark in ["", "\u{FEFF}"] {
                let found = auto(utf_16(&format!("{mark}{text}"), bytes));
                assert_eq!(found.shape.encoding.as_deref(), Some(name), "{text}");
                assert_eq!((&found.shape.header, found.cells), (&expected.shape.header, expected.cells.clone()));
            }
        }
    }
}

#[test]
fn zero_bytes_make_no_utf_16() {
    for text in ["a\0,b\n1,2\n", "客户,电话\n张三\0,1\n李四,2\n", "a,b\n\0\0\0,2\n"] {
        assert_eq!(auto(text.as_bytes().to_vec()).shape.encoding.as_deref(), Some("UTF-8"), "{text:?}");
    }
    let bytes = GB18030.encode(&SIMPLIFIED.replace("机械", "机\0械")).0.into_owned();
    assert_eq!(auto(bytes).shape.encoding.as_deref(), Some("gb18030"));
}

#[test]
fn every_encoding_can_be_declared() {
    for (label, text) in [
        ("utf-8", SIMPLIFIED),
        ("gb2312", SIMPLIFIED),
        ("big5", TRADITIONAL),
        ("shift_jis", JAPANESE),
        ("euc-jp", JAPANESE),
        ("euc-kr", KOREAN),
        ("latin1", GERMAN),
        ("koi8-r", RUSSIAN),
        ("utf-16le", RUSSIAN),
    ] {
        let encoding = Encoding::for_label(label.as_bytes()).map_or(UTF_8, |encoding| encoding);
        let bytes =
            if label == "utf-16le" { utf_16(text, u16::to_le_bytes) } else { encoding.encode(text).0.into_owned() };
        let options = CsvOptions { encoding: Some(label.to_owned()), ..CsvOptions::default() };
        let found = read("a.csv", bytes, &Format::Csv(options), &[]);
        assert_eq!(found.cells, auto(text.as_bytes().to_vec()).cells, "{label}");
    }
}

#[test]
fn a_bar_that_is_half_of_a_character_does_not_cut() {
    // The second byte of 倈 in GB18030 is that of a bar.
    let text = "名称|数量\n倈倈公司|1\n\"倈|倈\"|2\n";
    let bytes = GB18030.encode(text).0.into_owned();
    assert!(bytes.split(|byte| *byte == b'|').count() > 5);
    let options = CsvOptions { delimiter: Some("|".to_owned()), ..CsvOptions::default() };
    assert_eq!(read("a.csv", bytes, &Format::Csv(options), &["名称"]).rows, ["2: 倈倈公司|1", "3: 倈|倈|2"]);
}

#[test]
fn chinese_late_in_a_file_decides_its_encoding() {
    let text = format!("a,b,c\n{}广州重工机械有限公司,上海建筑工程,1\n", "1,2,3\n".repeat(400_000));
    let found = auto(GB18030.encode(&text).0.into_owned());
    assert_eq!(found.shape.encoding.as_deref(), Some("gb18030"));
    assert_eq!(found.rows[400_000], "400002: 广州重工机械有限公司|上海建筑工程|1");
}

#[test]
fn what_fits_no_encoding_is_an_error_with_its_byte() {
    let noise: Vec<u8> =
        (0..4_000_u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0]).collect();
    let bytes = [b"a,b\n1,2\n".as_slice(), &noise].concat();
    let message = fail("a.csv", bytes, &Format::Auto);
    assert!(
        message.starts_with("cannot read `a.csv`: no encoding fits: byte ") && !message.contains("byte 0 "),
        "{message}"
    );
}
