//! The legal form of a company, and what else names begin or end with that says nothing about who they are.
//!
//! ```text
//!  小松（有）    PT Gelburg Tbk    Gelburg S. R. L. Group    AB Gelburg Ltd    The Co., Ltd.
//!        └┘      └┘         └─┘            └────────────┘               └─┘    all of it is the name
//! ```
//!
//! In: the words of a folded name. Out: the name's own words, and the spelling that stands for all of one form: 有限责任公司 is
//! 有限公司, `Gesellschaft mbH` is `GmbH`. Two firms may share all of a name but this: Gelburg `GmbH` is not Gelburg A/S. Clerks
//! write one form for another too, so that it is evidence and not a mark.

use std::{cmp::Reverse, collections::HashMap, sync::LazyLock};

use super::{fold::is_ideograph, lists};
use crate::engine::functions::folding::SUFFIXES;

/// Words of the longest spelling.
const LONGEST: usize = 9;

/// What each ending stands for: a legal form, or nothing, as 集团 and group.
static ENDINGS: LazyLock<HashMap<&'static str, &'static str>> =
    LazyLock::new(|| lists::lines(SUFFIXES).map(|ending| (ending, "")).chain(lists::legal_forms()).collect());
/// What names begin with, and which legal form must end them then, nothing for none.
static BEGINNINGS: LazyLock<HashMap<&'static str, Vec<&'static str>>> = LazyLock::new(|| {
    let mut beginnings: HashMap<_, Vec<_>> = HashMap::new();
    for (beginning, at_end) in lists::prefixes() {
        beginnings.entry(beginning).or_default().push(at_end);
    }
    beginnings
});
/// The endings that are written without a blank before them, the longest first.
static SIGNS_AT_END: LazyLock<Vec<&'static str>> = LazyLock::new(|| signs(ENDINGS.keys().copied()));
/// The beginnings that are written without a blank behind them, the longest first.
static SIGNS_IN_FRONT: LazyLock<Vec<&'static str>> = LazyLock::new(|| signs(BEGINNINGS.keys().copied()));

fn signs(spellings: impl Iterator<Item = &'static str>) -> Vec<&'static str> {
    let mut signs: Vec<&str> = spellings.filter(|spelling| is_sign(spelling)).collect();
    signs.sort_by_key(|sign| (Reverse(sign.len()), *sign));
    signs
}

/// Returns whether a spelling needs no blank, as in Chinese or Thai. A single character is no sign but a word: 小松所有.
fn is_sign(spelling: &str) -> bool {
    let is_unspaced = |sign: char| is_ideograph(sign) || ('\u{e00}'..='\u{e7f}').contains(&sign);
    spelling.chars().all(is_unspaced) && spelling.chars().count() > 1
}

/// Writes words as the lists do: letters one by one are one word, S. R. L., but not two of them: A & B is no AB.
fn spelling(words: &[&str]) -> String {
    let is_letter = |word: &&str| word.chars().nth(1).is_none();
    if words.len() > 2 && words.iter().all(is_letter) { words.concat() } else { words.join(" ") }
}

/// Returns the legal form that a name ends with, or begins with, as in Japan and Russia.
pub fn form(words: &[&str]) -> Option<&'static str> {
    let mut rest = words.to_vec();
    let mut beginnings = std::iter::from_fn(|| take_beginning(&mut rest));
    at_end(words).or_else(|| beginnings.find(|form| !form.is_empty()))
}

/// Takes endings off, one after the other, and returns whether a name is left; what is nothing but endings stays whole.
pub fn strip_endings(words: &mut Vec<&str>) -> bool {
    let mut rest = words.clone();
    while take_ending(&mut rest).is_some() {}
    let is_named = !rest.is_empty();
    if is_named {
        *words = rest;
    }
    is_named
}

/// Takes beginnings off; one that is all of a name stays.
pub fn strip_beginnings(words: &mut Vec<&str>) {
    while take_beginning(words).is_some() {}
}

/// Returns the legal form that a name ends with.
fn at_end(words: &[&str]) -> Option<&'static str> {
    let mut rest = words.to_vec();
    while let Some(form) = take_ending(&mut rest).filter(|_| !rest.is_empty()) {
        if !form.is_empty() {
            return Some(form);
        }
    }
    None
}

/// Takes the longest ending off, and returns what it stands for.
fn take_ending(words: &mut Vec<&str>) -> Option<&'static str> {
    let ending = |count: usize| Some((count, *ENDINGS.get(spelling(&words[words.len() - count..]).as_str())?));
    let found = (1..=LONGEST.min(words.len())).rev().find_map(ending);
    if let Some((count, form)) = found {
        words.truncate(words.len() - count);
        return Some(form);
    }
    let last = words.last_mut()?;
    let sign = SIGNS_AT_END.iter().find(|sign| last.ends_with(**sign))?;
    *last = &last[..last.len() - sign.len()];
    ENDINGS.get(sign).copied()
}

/// Takes the longest beginning off, and returns what it stands for.
fn take_beginning(words: &mut Vec<&str>) -> Option<&'static str> {
    let at_end = at_end(words);
    let beginning = |count: usize| Some((count, in_front(&spelling(&words[..count]), at_end)?));
    let found = (1..=LONGEST.min(words.len().saturating_sub(1))).rev().find_map(beginning);
    if let Some((count, form)) = found {
        words.drain(..count);
        return Some(form);
    }
    let first = words.first_mut()?;
    let sign = SIGNS_IN_FRONT.iter().find(|sign| first.len() > sign.len() && first.starts_with(**sign))?;
    *first = &first[sign.len()..];
    Some(ENDINGS.get(sign).copied().unwrap_or_default())
}

/// Returns what a beginning stands for; None where it is a word of the name's own, since the form stands at the end.
fn in_front(beginning: &str, at_end: Option<&str>) -> Option<&'static str> {
    let needed = BEGINNINGS.get(beginning)?;
    let form = ENDINGS.get(beginning).copied().unwrap_or_default();
    let is_possible = form.is_empty() || is_sign(beginning) || at_end.is_none_or(|at_end| at_end == form);
    let fits = |needed: &&str| if needed.is_empty() { is_possible } else { at_end == Some(*needed) };
    needed.iter().any(fits).then_some(form)
}

#[cfg(test)]
mod tests {
    use super::{super::fold::folded, *};

    fn form(name: &str) -> Option<&'static str> {
        super::form(&folded(name).split(' ').collect::<Vec<_>>())
    }

    #[test]
    fn spellings_of_one_legal_form_are_one() {
        for (names, expected) in [
            (
                &["浙江岳渊物流有限公司", "岳渊物流(浙江)有限责任公司", "岳渊（集团）有限公司", "岳渊集团有限公司"][..],
                "有限公司",
            ),
            (&["岳渊股份有限公司", "岳淵集團股份公司", "岳渊 有 限 公 司"], "有限公司"),
            (&["岳渊投资合伙企业（有限合伙）", "岳渊投资合伙企业"], "合伙企业"),
            (&["Gelburg GmbH", "GELBURG Gesellschaft mbH", "Gelburg G.m.b.H.", "Gelburg GmbH & Co. KG"], "gmbh"),
            (&["Gelburg UG (haftungsbeschränkt)", "Gelburg UG (haftungsbeschraenkt)", "Gelburg UG"], "ug"),
            (&["Gelburg e.K.", "Gelburg e. K."], "ek"),
            (&["Gelburg Ltd.", "Gelburg Limited", "GELBURG LTD", "Ｇｅｌｂｕｒｇ Ｌｔｄ．"], "ltd"),
            (&["Gelburg Co., Ltd.", "GELBURG COMPANY LIMITED", "Gelburg Co.,Ltd", "Gelburg CoLtd"], "co ltd"),
            (&["Gelburg Company", "Gelburg & Co.", "Gelburg et Cie"], "co"),
            (&["Gelburg Limited Liability Company", "Gelburg L.L.C.", "Gelburg Co. LLC"], "llc"),
            (&["Gelburg A/S", "Gelburg AS", "Gelburg A.Ş.", "Gelburg Sanayi ve Ticaret Anonim Şirketi"], "as"),
            (&["Gelburg S.A.", "Gelburg SA", "Gelburg Sociedad Anónima", "SA Gelburg", "Gelburg S/A"], "sa"),
            (&["Gelburg S.A. de C.V.", "Gelburg S. A. de C. V.", "GELBURG SA DE CV"], "sa de cv"),
            (&["Gelburg S.à r.l.", "SARL Gelburg", "Gelburg Société à responsabilité limitée"], "sarl"),
            (&["Gelburg Spółka z o.o.", "Gelburg Sp. z o. o."], "sp zoo"),
            (&["Gelburg d.o.o.", "Gelburg d. o. o.", "Гелбург доо"], "doo"),
            (&["株式会社小松制作所", "小松制作所株式会社", "Komatsu K.K.", "㈱小松", "小松（株）"], "株式会社"),
            (&["有限会社小松", "小松㈲", "(有)小松"], "有限会社"),
            (&["주식회사 삼성", "삼성(주)", "㈜삼성"], "주식회사"),
            (&["PT Gelburg Tbk", "PT. Gelburg", "Gelburg, PT"], "pt"),
            (&["ООО Ромашка", "OOO Romashka", "Ромашка, ООО"], "ооо"),
            (&["Общество с ограниченной ответственностью «Ромашка»"], "ооо"),
            (&["Công ty TNHH Một Thành Viên Gelburg"], "tnhh"),
            (&["บริษัทเกลบวร์ก จำกัด"], "จํากัด"),
            (&["Gelburg GmbH Group", "Gelburg GmbH Holding"], "gmbh"),
        ] {
            for name in names {
                assert_eq!(form(name), Some(expected), "{name}");
            }
        }
        assert_eq!(form("浙江岳渊物流有限公司南京分公司"), None, "a branch is of no form of its own");
    }

    #[test]
    fn a_name_without_a_legal_form_has_none() {
        for name in ["Gelburg", "浙江岳渊物流", "Ltd", "GmbH", "有限公司", "SA", "As You Like It", "Oy Vey Bagels", ""]
        {
            assert_eq!(form(name), None, "{name}");
        }
        for name in ["Co", "PT", "AB", "KK Wind Solutions", "小松所有", "The Gelburg", "SC Gelburg"] {
            assert_eq!(form(name), None, "{name}");
        }
    }

    #[test]
    fn every_spelling_is_written_as_it_is_looked_up() {
        let mut forms = HashMap::new();
        for (written, form) in lists::legal_forms() {
            assert_eq!(forms.insert(written, form), None, "{written} is of one form");
        }
        for written in lists::legal_forms().chain(lists::prefixes()).map(|(written, _)| written) {
            let folded = folded(written);
            let words: Vec<&str> = folded.split(' ').collect();
            assert!(words.len() <= LONGEST && spelling(&words) == written, "{written}");
        }
        for (beginning, at_end) in lists::prefixes() {
            assert!(at_end.is_empty() || forms.get(at_end) == Some(&at_end), "{beginning} … {at_end}");
        }
    }
}
