//! The legal form of a company: 有限责任公司 is 有限公司, `Gesellschaft mbH` is `GmbH`.
//!
//! In: the words of a folded name. Out: the spelling that stands for all of one form, or None where the name gives none. Two firms
//! may share all of a name but this: Gelburg `GmbH` is not Gelburg A/S. Clerks write one form for another too, so that it is
//! evidence and not a mark.

use std::{collections::HashMap, sync::LazyLock};

use super::{fold::is_ideograph, lists};
use crate::engine::functions::folding::{Ending, SUFFIXES, read_endings, strip_endings};

/// Words of the longest spelling.
const LONGEST: usize = 4;

/// What each spelling stands for, by its words.
static FORMS: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| lists::legal_forms().collect());
/// The spellings that are written without a blank before them, the longest first.
static SIGNS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let mut signs: Vec<&str> = FORMS.keys().copied().filter(|spelling| spelling.starts_with(is_ideograph)).collect();
    signs.sort_by_key(|sign| (std::cmp::Reverse(sign.len()), *sign));
    signs
});

/// What may stand behind a legal form and is none: 集团, group.
static FURTHER: LazyLock<Vec<Ending>> = LazyLock::new(|| {
    let is_further = |line: &&str| !FORMS.contains_key(*line);
    read_endings(&SUFFIXES.lines().filter(is_further).collect::<Vec<_>>().join("\n"))
});

/// Returns the legal form that a name ends with, or begins with, as in Japan and Russia.
pub fn form(words: &[&str]) -> Option<&'static str> {
    let mut rest = words.to_vec();
    at_end(&rest)
        .or_else(|| {
            strip_endings(&mut rest, &FURTHER);
            at_end(&rest)
        })
        .or_else(|| in_front(words))
}

fn at_end(words: &[&str]) -> Option<&'static str> {
    let mut counts = (1..=LONGEST.min(words.len().saturating_sub(1))).rev();
    let spelt = |count: usize| FORMS.get(words[words.len() - count..].join(" ").as_str()).copied();
    counts.find_map(spelt).or_else(|| {
        let last = words.last()?;
        let sign = SIGNS.iter().find(|sign| last.ends_with(**sign) && (words.len() > 1 || last.len() > sign.len()))?;
        FORMS.get(sign).copied()
    })
}

fn in_front(words: &[&str]) -> Option<&'static str> {
    let first = words.first()?;
    let is_prefix = |spelling: &&str| lists::prefixes().contains(spelling);
    let sign = SIGNS.iter().find(|sign| sign.chars().count() > 1 && first.starts_with(**sign) && is_prefix(sign));
    let word = Some(first).filter(|first| words.len() > 1 && is_prefix(first));
    FORMS.get(sign.or(word)?).copied()
}

#[cfg(test)]
mod tests {
    use super::super::fold::folded;

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
            (&["岳渊股份有限公司", "岳淵集團股份公司"], "有限公司"),
            (&["Gelburg GmbH", "GELBURG Gesellschaft mbH", "Gelburg G.m.b.H.", "Gelburg GmbH & Co. KG"], "gmbh"),
            (&["Gelburg Ltd.", "Gelburg Limited", "GELBURG LTD", "Ｇｅｌｂｕｒｇ Ｌｔｄ．"], "ltd"),
            (&["Gelburg Co., Ltd.", "GELBURG COMPANY LIMITED", "Gelburg Co.,Ltd", "Gelburg CoLtd"], "co ltd"),
            (&["Gelburg A/S", "Gelburg AS"], "as"),
            (&["Gelburg S.A.", "Gelburg SA"], "sa"),
            (&["株式会社小松制作所", "小松制作所株式会社", "Komatsu K.K."], "株式会社"),
            (&["ООО Ромашка", "OOO Romashka"], "ооо"),
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
    }
}
