//! Names of companies: what is the company, what its legal form, its place, its trade and its branch.
//!
//! ```text
//!  浙江省岳渊物流（集团）有限公司南京分公司
//!  └place┘└own┘└trade┘└─ legal ───┘└branch─┘
//!
//!  normal  浙江省岳渊物流集团有限公司南京分公司    all of it, folded
//!  key     浙江岳渊物流南京分公司                without the legal form; the place in front, however it was written
//!  stem    岳渊物流南京分公司                    without the place too
//! ```
//!
//! In: a name. Out: its forms and its [`Marks`], by which names that look alike are told apart. A name of which only a place or
//! only a trade would be left is left whole, so that two names never agree because nothing was left of either.

use std::hash::{Hash, Hasher};

use xxhash_rust::xxh3::Xxh3;

use super::{
    Draft, FormName,
    fold::{folded, is_ideograph, sorted},
    legal,
    lists::{self, Place},
    sound::sound,
};
use crate::engine::functions::folding::{Ending, strip_endings};

/// What may follow the name of a place.
const PLACE_SIGNS: [&str; 8] =
    ["维吾尔自治区", "壮族自治区", "回族自治区", "特别行政区", "自治区", "自治州", "省", "市"];
/// Characters that count branches and plants: 中铁一局 is not 中铁二局.
const ORDINALS: &str = "一二三四五六七八九十";
/// What an ordinal counts.
const COUNTED: &str = "局建厂分院航处冶化汽公";

/// What tells companies apart whose names look alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Marks {
    place: Place,
    branch: u32,
    numbers: u32,
}

impl Marks {
    /// How many numbers they are packed in.
    pub const NUMBERS: usize = 3;

    /// Packs them.
    #[must_use]
    pub fn to_numbers(self) -> [u32; Self::NUMBERS] {
        [u32::from(self.place.province) << 16 | u32::from(self.place.city), self.branch, self.numbers]
    }

    /// Takes them from where they were packed.
    #[must_use]
    pub fn of_numbers(&[place, branch, numbers]: &[u32; Self::NUMBERS]) -> Self {
        let half = |half: u32| u16::try_from(half).unwrap_or_default();
        let place = Place { province: half(place >> 16), city: half(place & u32::from(u16::MAX)) };
        Self { place, branch, numbers }
    }

    /// Returns whether these cannot be marks of one company: different places, numbers or branches. A place or a number that only
    /// one name gives says nothing; a branch does, since a head office gives none.
    #[must_use]
    pub fn contradict(&self, other: &Self) -> bool {
        let differ = |left: u32, right: u32| left != 0 && right != 0 && left != right;
        differ(self.place.province.into(), other.place.province.into())
            || differ(self.place.city.into(), other.place.city.into())
            || differ(self.numbers, other.numbers)
            || self.branch != other.branch
    }
}

/// A name taken apart.
#[derive(Debug, Default)]
struct Parts<'a> {
    /// Names of places, without 省 and 市.
    places: Vec<&'a str>,
    place: Place,
    /// What is left: the company's own name and its trade.
    own: Vec<&'a str>,
    branch: String,
    /// Whether places and own name are to be had without each other.
    is_divided: bool,
}

/// Prepares a name; None when nothing of it can be read.
pub fn prepare(name: &str, more_endings: &[Ending]) -> Option<Draft> {
    let folded = folded(name);
    let words: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        return None;
    }
    let normal = words.concat();
    let parts = take_apart(&words, more_endings);
    let mut draft = Draft::default();
    draft.marks = marks(parts.as_ref());
    let (key, stem) = match &parts {
        Some(parts) => (key(parts), stem(parts)),
        None => (normal.clone(), normal.clone()),
    };
    let tokens = parts.as_ref().map_or_else(|| words.clone(), tokens);
    draft.common =
        tokens.iter().filter(|word| lists::trades().contains(**word)).map(|word| (*word).to_owned()).collect();
    draft.put(FormName::Tokens, sorted(&tokens));
    draft.put(
        FormName::Pinyin,
        sound(&parts.map_or_else(|| words.join(" "), |parts| parts.own.join(" ") + &parts.branch)),
    );
    draft.put(FormName::Legal, legal::form(&words).unwrap_or_default().to_owned());
    draft.put(FormName::Normal, normal);
    draft.put(FormName::Key, key);
    draft.put(FormName::Stem, stem);
    Some(draft)
}

fn key(parts: &Parts<'_>) -> String {
    let mut key = if parts.is_divided { parts.places.concat() } else { String::new() };
    parts.own.iter().for_each(|word| key.push_str(word));
    key + &parts.branch
}

fn stem(parts: &Parts<'_>) -> String {
    parts.own.concat() + &parts.branch
}

/// Takes a name apart; None when it must stay whole.
fn take_apart<'a>(words: &[&'a str], more_endings: &[Ending]) -> Option<Parts<'a>> {
    let mut parts = Parts::default();
    let mut rest = words.to_vec();
    legal::strip_beginnings(&mut rest);
    parts.branch = take_branch(&mut rest);
    take_bracketed_places(&mut rest, &mut parts);
    loop {
        let before = rest.iter().map(|word| word.len()).sum::<usize>();
        if !legal::strip_endings(&mut rest) {
            return None;
        }
        strip_endings(&mut rest, more_endings);
        if rest.iter().map(|word| word.len()).sum::<usize>() == before {
            break;
        }
    }
    let whole = rest.clone();
    let bracketed = parts.places.len();
    take_leading_places(&mut rest, &mut parts);
    if says_something(&rest) {
        parts.own = rest;
        parts.is_divided = true;
        return Some(parts);
    }
    // Place and trade together are a name, one of them alone is not.
    let has_place = parts.places.len() > bracketed;
    let is_named = has_place && rest.iter().any(|word| !word.is_empty());
    parts.own = whole;
    parts.is_divided = bracketed > 0;
    parts.places.truncate(bracketed);
    (is_named || bracketed > 0 && parts.own.iter().any(|word| !word.is_empty())).then_some(parts)
}

/// Takes the branch from the end: what follows the legal form of the whole, or a place before 分公司.
fn take_branch(words: &mut Vec<&str>) -> String {
    let Some(last) = words.last().copied() else { return String::new() };
    let Some(kind) = lists::branches().iter().find(|kind| last.ends_with(**kind)) else { return String::new() };
    let before = &last[..last.len() - kind.len()];
    let border = ["公司", "集团", "会社"].iter().filter_map(|form| Some(before.rfind(form)? + form.len())).max();
    let own_place = || lists::places().keys().filter(|place| before.ends_with(**place)).map(|place| place.len()).max();
    let start = match border {
        Some(border) => border,
        // Of the words of a name the last one is the branch: 岳渊物流有限公司（南京分公司）.
        None if words.len() > 1 => 0,
        None => before.len() - own_place().unwrap_or(0),
    };
    if start == 0 && words.len() == 1 {
        return String::new();
    }
    let branch = last[start..].to_owned();
    match start {
        0 => drop(words.pop()),
        _ => *words.last_mut().unwrap_or(&mut "") = &last[..start],
    }
    branch
}

/// Takes words that are nothing but a place and do not stand in front: 岳渊物流（浙江）有限公司.
fn take_bracketed_places<'a>(words: &mut Vec<&'a str>, parts: &mut Parts<'a>) {
    let mut position = 1;
    while position < words.len() {
        match only_places(words[position]) {
            Some(places) => {
                words.remove(position);
                for (name, place) in places {
                    parts.add(name, place);
                }
            }
            None => position += 1,
        }
    }
}

/// Returns the places that a word is made of, if it is made of nothing else.
fn only_places(word: &str) -> Option<Vec<(&str, Place)>> {
    let (mut rest, mut places) = (word, Vec::new());
    while !rest.is_empty() {
        let (name, place, taken) = place_at_start(rest)?;
        places.push((name, place));
        rest = &rest[taken..];
    }
    Some(places)
}

fn take_leading_places<'a>(words: &mut Vec<&'a str>, parts: &mut Parts<'a>) {
    let mut found = Vec::new();
    while let Some((name, place, taken)) = words.first().and_then(|first| place_at_start(first)) {
        let rest = &words[0][taken..];
        found.push((name, place));
        words[0] = without_district(rest, taken > name.len());
        if words[0].is_empty() {
            words.remove(0);
        }
    }
    // In front of those in brackets, as if they had been written there.
    for (name, place) in found.into_iter().rev() {
        parts.add(name, place);
        parts.places.rotate_right(1);
    }
}

/// Leaves a district away that follows a place written with its sign: 杭州市余杭区.
fn without_district(rest: &str, has_sign: bool) -> &str {
    let mut characters = rest.char_indices().skip(2);
    match characters.next() {
        Some((start, sign @ ('区' | '县'))) if has_sign && rest.len() > start + sign.len_utf8() => {
            &rest[start + sign.len_utf8()..]
        }
        _ => rest,
    }
}

/// Returns the place that a word begins with: its name, what it is, and the bytes with its sign.
fn place_at_start(word: &str) -> Option<(&str, Place, usize)> {
    let ends = word.char_indices().map(|(start, character)| start + character.len_utf8()).take(6).skip(1);
    let (end, place) =
        ends.filter_map(|end| Some((end, *lists::places().get(&word[..end])?))).max_by_key(|(end, _)| *end)?;
    let sign = PLACE_SIGNS.iter().find(|sign| word[end..].starts_with(**sign)).map_or(0, |sign| sign.len());
    Some((&word[..end], place, end + sign))
}

impl<'a> Parts<'a> {
    fn add(&mut self, name: &'a str, place: Place) {
        self.places.push(name);
        if self.place.province == 0 || self.place.city == 0 {
            self.place = place;
        }
    }
}

/// Returns whether more than trades is left, and more than one character.
fn says_something(words: &[&str]) -> bool {
    let own: usize = words.iter().map(|word| without_trades(word).0.chars().count()).sum();
    own > 1
}

/// Returns a word without the trades at its end, and those.
fn without_trades(word: &str) -> (&str, Vec<&str>) {
    let trades = lists::trades();
    if trades.contains(word) {
        return ("", vec![word]);
    }
    let (mut own, mut found) = (word, Vec::new());
    if !word.ends_with(is_ideograph) {
        return (own, found);
    }
    while let Some((start, _)) = own.char_indices().find(|(start, _)| trades.contains(&own[*start..])) {
        found.insert(0, &own[start..]);
        own = &own[..start];
    }
    (own, found)
}

fn tokens<'a>(parts: &Parts<'a>) -> Vec<&'a str> {
    let mut tokens = parts.places.clone();
    for word in &parts.own {
        let (own, trades) = without_trades(word);
        tokens.extend((!own.is_empty()).then_some(own));
        tokens.extend(trades);
    }
    tokens
}

fn marks(parts: Option<&Parts<'_>>) -> Marks {
    let Some(parts) = parts else { return Marks::default() };
    let mut numbers = Vec::new();
    parts.own.iter().for_each(|word| read_numbers(word, &mut numbers));
    numbers.sort_unstable();
    Marks {
        place: parts.place,
        branch: hash(&parts.branch, parts.branch.is_empty()),
        numbers: hash(&numbers, numbers.is_empty()),
    }
}

/// Returns the hash of a mark, 0 for none.
fn hash(mark: &impl Hash, is_none: bool) -> u32 {
    let mut hasher = Xxh3::new();
    mark.hash(&mut hasher);
    let folded = u32::try_from(hasher.finish() >> 32).unwrap_or(u32::MAX);
    if is_none { 0 } else { folded.max(1) }
}

fn read_numbers(word: &str, numbers: &mut Vec<String>) {
    let runs = word.split(|character: char| !character.is_ascii_digit()).filter(|run| !run.is_empty());
    numbers.extend(runs.map(ToOwned::to_owned));
    let mut before = ' ';
    let mut characters = word.chars().peekable();
    while let Some(character) = characters.next() {
        let is_counting = before == '第' || characters.peek().is_some_and(|next| COUNTED.contains(*next));
        if ORDINALS.contains(character) && is_counting {
            numbers.push(character.to_string());
        }
        before = character;
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn forms(name: &str) -> (String, String) {
        let draft = prepare(name, &[]).unwrap();
        (draft.get(FormName::Key).to_owned(), draft.get(FormName::Stem).to_owned())
    }

    fn are_apart(left: &str, right: &str) -> bool {
        let marks = |name| prepare(name, &[]).unwrap().marks;
        marks(left).contradict(&marks(right))
    }

    #[test]
    fn spellings_of_one_company_have_one_key() {
        for name in [
            "浙江岳渊物流有限公司",
            "浙江省岳渊物流有限责任公司",
            "浙江 岳淵物流股份有限公司",
            "岳渊物流（浙江）有限公司",
            "岳渊物流（浙江省）有限公司",
            "浙江岳渊物流（集团）有限公司",
            "浙江岳渊物流",
        ] {
            assert_eq!(forms(name), ("浙江岳渊物流".to_owned(), "岳渊物流".to_owned()), "{name}");
        }
        assert_eq!(forms("岳渊物流（浙江杭州）有限公司"), forms("浙江省杭州市岳渊物流有限公司"));
        for name in ["Müller & Söhne GmbH", "MULLER SOHNE Gesellschaft mbH", "Firma Müller, Söhne"] {
            assert_eq!(forms(name).0, "mullersohne", "{name}");
        }
        assert_eq!(forms("株式会社小松制作所").0, forms("小松制作所株式会社").0);
    }

    #[test]
    fn forms_of_all_countries_go_from_the_end_and_from_the_front() {
        for name in [
            "Gelburg e.K.",
            "Gelburg e. V.",
            "GELBURG S.N.C.",
            "Gelburg S. r. l.",
            "Gelburg Sociedad Limitada",
            "S.A.R.L. Gelburg",
            "N. V. Gelburg",
            "Gelburg, S. de R.L. de C.V.",
            "Gelburg Spółka z o.o. Sp. k.",
            "Gelburg, spol. s r.o.",
            "Gelburg Ltd. Şti.",
            "Gelburg San. ve Tic. A.Ş.",
            "PT. Gelburg (Persero) Tbk",
            "Oy Gelburg Ab",
            "UAB „Gelburg“",
            "S.C. Gelburg S.R.L.",
            "Gelburg (M) Sdn. Bhd.",
            "Gelburg (Pty) Ltd",
            "Gelburg FZ-LLC",
            "Công ty Cổ phần Gelburg",
            "㈲Gelburg",
            "ООО «Gelburg»",
        ] {
            assert_eq!(forms(name).0, "gelburg", "{name}");
        }
        for (name, key) in [
            ("株式会社 小松", "小松"),
            ("小松（有）", "小松"),
            ("㈜삼성전자", "삼성전자"),
            ("삼성전자 주식회사", "삼성전자"),
            ("Закрытое акционерное общество «Ромашка»", "ромашка"),
            ("شركة النور ذ.م.م", "النور"),
            ("杭州岳渊投资合伙企业（有限合伙）", "杭州岳渊投资"),
            ("张三（个体工商户）", "张三"),
        ] {
            assert_eq!(forms(name).0, key, "{name}");
        }
    }

    #[test]
    fn a_word_that_might_be_a_form_stays_where_none_stands() {
        for (name, key) in [
            ("AB Gelburg", "gelburg"),
            ("AB Gelburg Ltd", "abgelburg"),
            ("AB Foods", "abfoods"),
            ("PT Tbk", "pttbk"),
            ("The Ltd", "theltd"),
            ("SE Electronics AG", "seelectronics"),
            ("SC Gelburg", "scgelburg"),
            ("Gelburg A & B Ltd", "gelburgab"),
            ("Grupo A SA", "grupoa"),
            ("小松所有", "小松所有"),
            ("有限公司（浙江）", "有限公司浙江"),
        ] {
            assert_eq!(forms(name).0, key, "{name}");
        }
    }

    #[test]
    fn an_umlaut_sounds_like_the_letters_that_are_written_for_it() {
        let sound = |name| prepare(name, &[]).unwrap().get(FormName::Pinyin).to_owned();
        for (name, other) in
            [("Müller GmbH", "Mueller GmbH"), ("Öl und Übersee AG", "OEL UND UEBERSEE"), ("Ørsted A/S", "Oersted A/S")]
        {
            assert_eq!(sound(name), sound(other), "{name}");
        }
    }

    #[test]
    fn a_branch_and_its_place_distinguish() {
        let (key, stem) = forms("浙江岳渊物流有限公司南京分公司");
        assert_eq!((key.as_str(), stem.as_str()), ("浙江岳渊物流南京分公司", "岳渊物流南京分公司"));
        assert_eq!(forms("浙江岳渊物流有限公司（南京分公司）").0, key);
        assert_eq!(forms("岳渊物流南京分公司").1, stem);
        assert!(are_apart("浙江岳渊物流有限公司南京分公司", "浙江岳渊物流有限公司"));
        assert!(are_apart("浙江岳渊物流有限公司南京分公司", "浙江岳渊物流有限公司上海分公司"));
    }

    #[test]
    fn places_and_numbers_that_differ_tell_companies_apart() {
        assert!(are_apart("浙江岳渊物流有限公司", "江苏岳渊物流有限公司"));
        assert!(are_apart("浙江杭州岳渊物流有限公司", "浙江宁波岳渊物流有限公司"));
        assert!(!are_apart("浙江岳渊物流有限公司", "杭州岳渊物流有限公司"));
        assert!(!are_apart("浙江岳渊物流有限公司", "岳渊物流有限公司"));
        assert!(are_apart("中铁一局", "中铁二局"));
        assert!(are_apart("Plant 3 Works Ltd", "Plant 4 Works Ltd"));
    }

    #[test]
    fn a_name_is_never_stripped_to_nothing_of_its_own() {
        for (name, key, stem) in [
            ("有限公司", "有限公司", "有限公司"),
            ("浙江有限公司", "浙江有限公司", "浙江有限公司"),
            ("浙江集团", "浙江集团", "浙江集团"),
            ("机械有限公司", "机械有限公司", "机械有限公司"),
            ("北京汽车有限公司", "北京汽车", "北京汽车"),
            ("吉林市北方机械有限公司", "吉林北方机械", "北方机械"),
            ("International Trading Co., Ltd.", "internationaltradingcoltd", "internationaltradingcoltd"),
            ("Ltd", "ltd", "ltd"),
            ("A Ltd", "altd", "altd"),
            ("分公司", "分公司", "分公司"),
            ("合计", "合计", "合计"),
        ] {
            assert_eq!(forms(name), (key.to_owned(), stem.to_owned()), "{name}");
        }
        assert!(prepare(" -- ", &[]).is_none());
    }

    #[test]
    fn words_are_place_own_name_and_trades() {
        let draft = prepare("浙江岳渊设备租赁有限公司", &[]).unwrap();
        assert_eq!(draft.get(FormName::Tokens), "岳渊 浙江 设备租赁");
        assert_eq!(draft.common, ["设备租赁"]);
        assert_eq!(draft.get(FormName::Pinyin), "yueyuanshebeizulin");
    }

    proptest! {
        #[test]
        fn a_name_of_nothing_but_forms_stays_whole(name in "(The )?((AB|SA|PT|Tbk|Co[.]|Ltd|GmbH|ООО|株|有限公司) ){1,5}") {
            let draft = prepare(&name, &[]).unwrap();
            prop_assert_eq!(draft.get(FormName::Key), draft.get(FormName::Normal));
        }

        #[test]
        fn no_form_is_empty_where_the_name_is_not(name in "[浙江省杭州市有限公司集团分机械重工岳渊A-Ca-c 0-9().&]{0,14}") {
            if let Some(draft) = prepare(&name, &[]) {
                for form in [FormName::Normal, FormName::Key, FormName::Stem, FormName::Tokens] {
                    prop_assert!(!draft.get(form).is_empty(), "{:?} of {}", form, name);
                }
            } else {
                prop_assert!(!name.chars().any(char::is_alphanumeric));
            }
        }
    }
}
