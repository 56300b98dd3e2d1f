//! Names: invented companies, people, phones and tax ids, put together from syllables.
//!
//! A name that equals that of a real company does so by accident. How clerks spell them is in `spelling.rs`.

use crate::random::Dice;

const FIRST: [&str; 24] = [
    "恒", "瑞", "腾", "兴", "龙", "鼎", "骏", "宏", "泽", "岳", "沛", "澜", "铭", "昱", "朔", "煜", "迅", "捷", "韵",
    "旌", "砺", "滕", "笃", "曜",
];
const SECOND: [&str; 20] = [
    "达", "远", "岚", "庆", "铄", "华", "图", "业", "维", "联", "峻", "驰", "霖", "麟", "谦", "翎", "渊", "畅", "垚",
    "懿",
];
const LATIN: [&str; 16] =
    ["Bel", "Tor", "Kas", "Mon", "Ver", "Lun", "Ost", "Rav", "Gel", "Dor", "Fen", "Hal", "Nim", "Pra", "Sil", "Wen"];
const LATIN_END: [&str; 10] = ["tano", "bruk", "meris", "dale", "vika", "rona", "stein", "lenko", "burg", "tara"];
/// Syllables and trades for markets of more customers than the few others can name.
const MORE: &str = "安邦宝博才昌超辰诚春德顶丰福富高格光桂国海航豪皓合和鹤弘洪厚虎欢环辉惠慧吉佳嘉坚健江杰金锦晋京晶精景\
    敬静久巨君凯康科可坤来朗乐雷力立利良亮林凌领隆鲁禄路伦罗茂美盟敏明茗慕南能宁诺欧派朋鹏平普启千乾前强\
    琴青清晴全泉仁荣融如锐润若三森山善尚生升胜圣盛诗石时世市双水顺思松嵩太泰特天田通同万王旺威微为伟卫文\
    沃五西希夏先贤祥翔向晓欣新信星行秀旭雪雅亚研炎阳洋耀一宜益艺亦易逸银英盈永优友宇雨玉裕元原源月云运赞\
    展长兆真振正知志智中众州珠卓子紫宗祖";
const MORE_TRADES: [&str; 20] = [
    "电气",
    "重工",
    "建材",
    "水泥",
    "钢铁",
    "化工",
    "船舶",
    "港务",
    "路桥",
    "市政",
    "园林",
    "石化",
    "煤业",
    "有色金属",
    "通信",
    "数据",
    "食品",
    "纺织",
    "环保",
    "水利",
];
const MORE_WORDS: [&str; 12] = [
    "Energy",
    "Power",
    "Mining",
    "Bau",
    "Logistics",
    "Rental",
    "Industries",
    "Data",
    "Agro",
    "Steel",
    "Ports",
    "Cement",
];
const TRADES: [&str; 10] = ["机械", "电力", "矿业", "建设", "设备租赁", "能源", "物流", "农业", "贸易", "工程"];
const SURNAMES: [&str; 20] = [
    "赵", "钱", "孙", "李", "周", "吴", "郑", "王", "冯", "陈", "褚", "卫", "蒋", "沈", "韩", "杨", "朱", "秦", "尤",
    "许",
];
const GIVEN: [&str; 20] = [
    "子墨", "雨桐", "浩然", "思远", "佳怡", "文博", "晓燕", "建国", "志强", "海涛", "丽华", "明轩", "若曦", "立新",
    "婉清", "俊杰", "国栋", "春梅", "一帆", "静",
];
const TAX_DIGITS: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";

/// Invents the name of a company: place, two syllables, trade, legal form; Latin syllables abroad.
pub fn company(dice: &mut Dice, place: &str, is_domestic: bool) -> String {
    if !is_domestic {
        let form = dice.pick(&["GmbH", "Ltd.", "S.A.", "Co., Ltd.", "A/S"]);
        return format!("{}{} {form}", dice.pick(&LATIN), dice.pick(&LATIN_END));
    }
    let form = dice.pick(&["有限公司", "有限公司", "股份有限公司", "集团有限公司", "有限责任公司"]);
    format!("{place}{}{}{}{form}", dice.pick(&FIRST), dice.pick(&SECOND), dice.pick(&TRADES))
}

/// Invents a company's name from many more syllables.
pub fn one_of_many(dice: &mut Dice, place: &str, is_domestic: bool) -> String {
    let more: Vec<char> = MORE.chars().collect();
    if !is_domestic {
        let middle = format!("{}{}", dice.pick(&LATIN), dice.pick(&LATIN)).to_lowercase();
        let word = dice.pick(&MORE_WORDS);
        let form = dice.pick(&["GmbH", "Ltd.", "S.A.", "Co., Ltd.", "A/S"]);
        return format!("{}{middle}{} {word} {form}", dice.pick(&LATIN), dice.pick(&LATIN_END));
    }
    let syllables = 2 + usize::from(dice.chance(0.2));
    let stem: String = (0..syllables).map(|_| more[dice.index(more.len())]).collect();
    let trade = if dice.chance(0.4) { dice.pick(&TRADES) } else { dice.pick(&MORE_TRADES) };
    let form = dice.pick(&["有限公司", "有限公司", "股份有限公司", "集团有限公司", "有限责任公司"]);
    format!("{place}{stem}{trade}{form}")
}

/// Draws one of the syllables of companies.
pub fn syllable(dice: &mut Dice) -> char {
    dice.pick(&SECOND).chars().next().unwrap()
}

/// Invents a person's name.
pub fn person(dice: &mut Dice, is_domestic: bool) -> String {
    if is_domestic {
        return format!("{}{}", dice.pick(&SURNAMES), dice.pick(&GIVEN));
    }
    let family = format!("{}{}", dice.pick(&LATIN), dice.pick(&LATIN_END));
    format!("{} {family}", dice.pick(&["Anna", "Marc", "Somchai", "Paula", "Jonas", "Irena", "Tiago", "Malee"]))
}

/// Invents a phone number of eleven digits, or an overseas one with its prefix.
pub fn phone(dice: &mut Dice, country: &str) -> String {
    let prefix = match country {
        "CN" => {
            return format!("1{}{:08}", dice.pick(&["38", "39", "50", "77", "86", "91"]), dice.between(0, 99_999_999));
        }
        "DE" => "+49 30",
        "TH" => "+66 2",
        "BR" => "+55 11",
        _ => "+7 727",
    };
    format!("{prefix} {:07}", dice.between(1_000_000, 9_999_999))
}

/// Invents a unified social credit code of 18 characters (GB 32100-2015) with both check digits right.
pub fn tax_id(dice: &mut Dice) -> String {
    let mut code = format!("91{:06}", dice.between(110_000, 659_000));
    let organisation: Vec<u8> = (0..8).map(|_| TAX_DIGITS[dice.index(30)]).collect();
    code.push_str(std::str::from_utf8(&organisation).unwrap());
    code.push(organisation_check(&organisation));
    code.push(credit_check(&code));
    code
}

/// Check character of an organisation code, GB 11714-1997: weights 3 7 9 10 5 8 4 2, modulus 11.
fn organisation_check(code: &[u8]) -> char {
    let value = |c: u8| if c.is_ascii_digit() { c - b'0' } else { c - b'A' + 10 };
    let weights = [3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = code.iter().zip(weights).map(|(c, w)| u32::from(value(*c)) * w).sum();
    match 11 - sum % 11 {
        10 => 'X',
        11 => '0',
        digit => char::from_digit(digit, 10).unwrap(),
    }
}

/// Check character of the whole code: weights are the powers of 3 modulo 31.
fn credit_check(code: &str) -> char {
    let mut weight = 1;
    let mut sum = 0;
    for byte in code.bytes() {
        sum += weight * TAX_DIGITS.iter().position(|digit| *digit == byte).unwrap();
        weight = weight * 3 % 31;
    }
    char::from(TAX_DIGITS[(31 - sum % 31) % 31])
}

/// Writes ASCII letters, digits and signs in their full-width forms.
pub fn full_width(text: &str) -> String {
    let widen = |c: char| match c {
        '!'..='~' => char::from_u32(u32::from(c) + 0xfee0).unwrap(),
        other => other,
    };
    text.chars().map(widen).collect()
}
