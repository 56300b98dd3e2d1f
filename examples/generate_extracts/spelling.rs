//! Spelling: how clerks write down a customer, with the mistakes that they make.
//!
//! Customer → name, tax id and phone of one record. Seven in ten names are right. Tax ids are left out or miscopied,
//! phones are those of somebody else or of the dealer that filled in the form.

use crate::names;
use crate::random::Dice;
use crate::style::Value;
use crate::world::{Customer, World};

/// The characters of `names.rs` and of the provinces that look otherwise in traditional writing.
const TRADITIONAL: [(char, char); 34] = [
    ('恒', '恆'),
    ('达', '達'),
    ('机', '機'),
    ('电', '電'),
    ('矿', '礦'),
    ('业', '業'),
    ('设', '設'),
    ('备', '備'),
    ('赁', '賃'),
    ('农', '農'),
    ('贸', '貿'),
    ('团', '團'),
    ('龙', '龍'),
    ('腾', '騰'),
    ('兴', '興'),
    ('华', '華'),
    ('图', '圖'),
    ('维', '維'),
    ('联', '聯'),
    ('驰', '馳'),
    ('谦', '謙'),
    ('远', '遠'),
    ('岚', '嵐'),
    ('庆', '慶'),
    ('苏', '蘇'),
    ('东', '東'),
    ('广', '廣'),
    ('辽', '遼'),
    ('宁', '寧'),
    ('云', '雲'),
    ('陕', '陝'),
    ('铭', '銘'),
    ('骏', '駿'),
    ('畅', '暢'),
];

/// What one record says of a customer.
#[derive(Clone)]
pub struct Mention {
    pub name: String,
    pub tax_id: Option<String>,
    pub phone: Option<String>,
}

impl Mention {
    /// Gives the three values under the names that most contracts use.
    pub fn values(self) -> [(&'static str, Value); 3] {
        [
            ("customer_name", Value::Text(self.name)),
            ("tax_id", Value::maybe(self.tax_id.as_deref())),
            ("phone", Value::maybe(self.phone.as_deref())),
        ]
    }
}

/// Writes a customer down; `tax_share` is how often the tax id is asked for.
pub fn mention(world: &World, dice: &mut Dice, customer: &Customer, tax_share: f64) -> Mention {
    let name = name(dice, customer);
    let tax_id = customer.tax_id.as_deref().filter(|_| dice.chance(tax_share));
    let phone = match dice.index(100) {
        0..=4 => None,
        5..=8 => Some(names::phone(dice, customer.country)),
        9..=11 => Some(world.dealers[customer.dealers[0]].phone.clone()),
        _ => Some(customer.phone.clone()),
    };
    Mention {
        name,
        tax_id: tax_id.map(|code| if dice.chance(0.02) { miscopied(dice, code) } else { code.to_owned() }),
        phone: phone.map(|phone| phone_variant(dice, &phone)),
    }
}

/// Writes the name of a customer, wrongly three times in ten; a name that is no company's stays as it is.
pub fn name(dice: &mut Dice, customer: &Customer) -> String {
    let name = customer.name.as_str();
    let is_company = name.chars().count() > 4;
    if !is_company || !dice.chance(0.3) {
        return name.to_owned();
    }
    if name.is_ascii() { latin(dice, name) } else { chinese(dice, customer) }
}

/// Traditional, short, spaced, in brackets, with another legal form, without its place, mistyped.
fn chinese(dice: &mut Dice, customer: &Customer) -> String {
    let (name, place) = (customer.name.as_str(), customer.province);
    let stem = stem(name, place);
    let form = &name[place.len() + stem.len()..];
    match dice.weighted(&[12, 14, 8, 8, 8, 12, 8, 8, 10, 4, 3]) {
        0 => traditional(name),
        1 => format!("{place}{stem}"),
        2 => format!("{place} {stem}{form}"),
        3 => format!("{stem}（{place}）{form}"),
        4 => format!("{stem}({place}){form}"),
        5 => format!("{place}{stem}{}", if form == "有限公司" { "有限责任公司" } else { "有限公司" }),
        6 => format!("{place}省{stem}{form}"),
        7 if !customer.shares_name => format!("{stem}{form}"),
        9 => format!("{place}{}", stem.chars().take(2).collect::<String>()),
        10 => format!("{name}{}分公司", customer.city),
        _ => mistyped(dice, name),
    }
}

/// The name between its place and its legal form.
fn stem<'a>(name: &'a str, place: &str) -> &'a str {
    let rest = name.strip_prefix(place).unwrap_or(name);
    let ends = ["股份有限", "集团有限", "有限"].iter().filter_map(|form| rest.find(form));
    &rest[..ends.min().unwrap_or(rest.len())]
}

fn latin(dice: &mut Dice, name: &str) -> String {
    match dice.index(7) {
        0 => name.to_uppercase(),
        1 => name.replace(" GmbH", " Gesellschaft mbH").replace("Ltd.", "Limited"),
        2 => format!("\"{name}\""),
        3 => name.split(' ').next().unwrap_or(name).to_owned(),
        4 => names::full_width(name),
        5 => name.replace([',', '.'], ""),
        _ => mistyped(dice, name),
    }
}

/// Changes, drops, doubles or swaps one character of the middle.
fn mistyped(dice: &mut Dice, name: &str) -> String {
    let mut letters: Vec<char> = name.chars().collect();
    let at = 2 + dice.index((letters.len() - 4).clamp(1, 4));
    match dice.index(4) {
        0 => letters[at] = if name.is_ascii() { 'e' } else { names::syllable(dice) },
        1 => drop(letters.remove(at)),
        2 => letters.insert(at, letters[at]),
        _ => letters.swap(at, at - 1),
    }
    letters.into_iter().collect()
}

/// Spells a name in traditional characters.
fn traditional(name: &str) -> String {
    let swap = |c| TRADITIONAL.iter().find(|(simple, _)| *simple == c).map_or(c, |(_, old)| *old);
    name.chars().map(swap).collect()
}

/// Writes the address of a customer, in one of three ways.
pub fn address(world: &World, dice: &mut Dice, index: usize) -> String {
    let customer = &world.customers[index];
    let place = &mut world.dice(&format!("address {index}"));
    let (street, number) = (place.pick(&["人民", "工业", "滨江", "建设", "中山", "解放"]), place.between(1, 900));
    match dice.index(3) {
        0 => format!("{}{street}路{number}号", customer.city),
        1 => format!("{}{}{street}路{number}号", customer.province, customer.city),
        _ => format!("{street}路 {number}"),
    }
}

/// Gets one digit wrong, so that the check digits tell.
fn miscopied(dice: &mut Dice, code: &str) -> String {
    let at = 2 + dice.index(6);
    let digit = code.as_bytes()[at] - b'0';
    let wrong = char::from(b'0' + (digit + 1) % 10);
    format!("{}{wrong}{}", &code[..at], &code[at + 1..])
}

/// Spells a phone number as another clerk would.
pub fn phone_variant(dice: &mut Dice, phone: &str) -> String {
    if phone.len() != 11 || !phone.is_ascii() || phone.contains(' ') {
        return phone.to_owned();
    }
    let (a, b, c) = (&phone[..3], &phone[3..7], &phone[7..]);
    match dice.index(6) {
        0 => format!("{a}-{b}-{c}"),
        1 => format!("+86 {a} {b} {c}"),
        2 => format!("86{phone}"),
        3 => names::full_width(phone),
        _ => phone.to_owned(),
    }
}
