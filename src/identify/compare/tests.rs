//! How alike two values are: by each measure, both ways round, and beside another implementation.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::*;
use crate::{
    define::entity::{Comparison, Preparation, PreparationKind},
    identify::prepare::{Preparer, Wanted},
};

fn on(measure: Measure, form: FormName) -> Level {
    Level { measure, form, agree: None }
}

fn reached(kind: PreparationKind, levels: &[Level], left: &str, right: &str) -> usize {
    let comparison = Comparison { attribute: 0, levels: levels.to_vec(), term_frequency: false };
    let preparation = Preparation { kind, default_region: None, endings: Vec::new() };
    let preparer = Preparer::new(&preparation, Wanted::default().comparison(&comparison));
    let features = |text| preparer.features(text).unwrap();
    level(levels, &features(left), &features(right))
}

#[test]
fn the_first_level_that_is_reached_counts() {
    let levels = [
        on(Measure::Exact, FormName::Normal),
        on(Measure::DamerauLevenshtein(1), FormName::Normal),
        on(Measure::JaroWinkler(0.9), FormName::Normal),
        on(Measure::JaroWinkler(0.8), FormName::Normal),
    ];
    for (right, expected) in [("Martha", 0), ("Marhta", 1), ("Marthalin", 2), ("Mraht", 3), ("Jones", 4)] {
        assert_eq!(reached(PreparationKind::Surname, &levels, "Martha", right), expected, "{right}");
    }
}

#[test]
fn names_of_companies_that_contradict_each_other_are_not_alike() {
    let levels = [
        on(Measure::Exact, FormName::Key),
        on(Measure::Exact, FormName::Stem),
        on(Measure::BigramJaccard(0.6), FormName::Stem),
    ];
    let company = |left, right| reached(PreparationKind::Company, &levels, left, right);
    assert_eq!(company("浙江岳渊物流有限公司", "岳淵物流(浙江)集團"), 0);
    assert_eq!(company("浙江岳渊物流有限公司", "岳渊物流"), 1);
    assert_eq!(company("浙江岳渊重型物流有限公司", "岳渊重型物流设备"), 2);
    assert_eq!(company("浙江岳渊物流有限公司", "江苏岳渊物流有限公司"), 3);
    assert_eq!(company("岳渊物流有限公司", "岳渊物流有限公司南京分公司"), 3);
    assert_eq!(company("中铁十一局", "中铁十二局"), 3);
}

#[test]
fn a_form_that_must_agree_may_be_missing_and_must_not_differ() {
    let agree = |measure, form| Level { measure, form, agree: Some(FormName::Legal) };
    let levels = [
        on(Measure::Exact, FormName::Normal),
        agree(Measure::Exact, FormName::Key),
        agree(Measure::BigramJaccard(0.5), FormName::Stem),
        on(Measure::Exact, FormName::Key),
    ];
    let company = |left, right| reached(PreparationKind::Company, &levels, left, right);
    assert_eq!(company("Gelburg GmbH", "GELBURG GmbH"), 0);
    assert_eq!(company("Gelburg GmbH", "Gelburg Gesellschaft mbH"), 1);
    assert_eq!(company("Gelburg GmbH", "Gelburg"), 1);
    assert_eq!(company("Gelburg GmbH", "Gelburgg GmbH"), 2);
    assert_eq!(company("Gelburg GmbH", "Gelburg A/S"), 3);
    assert_eq!(company("Gelburg GmbH", "Gelburgg A/S"), 4);
    assert_eq!(company("岳渊物流有限公司", "岳渊物流有限责任公司"), 1);
    assert_eq!(company("岳渊物流有限公司", "岳渊物流股份有限公司"), 1);
}

#[test]
fn numbers_and_days_are_compared_by_their_distance() {
    let days = [on(Measure::Exact, FormName::Normal), on(Measure::DateDays(30), FormName::Normal)];
    let date = |right| reached(PreparationKind::Date, &days, "2008-02-28", right);
    assert_eq!((date("28.02.2008"), date("2008-03-29"), date("2008-03-30")), (0, 1, 2));
    let tenth = [on(Measure::NumberDistance(0.1), FormName::Normal)];
    assert_eq!(reached(PreparationKind::Number, &tenth, "1.1", "1.2"), 0);
    assert_eq!(reached(PreparationKind::Number, &tenth, "1.1", "1.21"), 1);
    assert_eq!(reached(PreparationKind::Text, &days, "abc", "abd"), 2);
}

#[test]
fn words_are_compared_without_their_order() {
    let levels = [on(Measure::TokenOverlap(1.0), FormName::Normal), on(Measure::TokenOverlap(0.6), FormName::Normal)];
    let company = |left, right| reached(PreparationKind::Company, &levels, left, right);
    assert_eq!(company("Acme Steel Trading Ltd", "Trading Acme Steel"), 0);
    assert_eq!(company("Acme Trading Ltd", "Acme International Ltd"), 1);
    assert_eq!(company("Acme Trading Ltd", "Bolt Trading Ltd"), 2);
}

proptest! {
    #[test]
    fn jaro_winkler_is_that_of_strsim(left in "[a-d徐工]{0,9}|[a-h]{50,80}", right in "[a-d徐工]{0,9}|[a-h]{50,80}") {
        let expected = strsim::jaro_winkler(&left, &right);
        prop_assert!((jaro::jaro_winkler(&left, &right, 0.0) - expected).abs() < 1e-12);
        for least in [0.5, 0.8, 0.92] {
            let bounded = jaro::jaro_winkler(&left, &right, least);
            prop_assert!((bounded - expected).abs() < 1e-12 || bounded < 0.0 && expected < least);
        }
    }

    #[test]
    fn edits_are_those_of_strsim(left in "[a-c徐]{0,9}|[a-b]{60,70}", right in "[a-c徐]{0,9}|[a-b]{60,70}", most in 0_u32..6) {
        let expected = u32::try_from(strsim::osa_distance(&left, &right)).unwrap();
        let counted = edits::between(&left, &right, most);
        prop_assert_eq!(counted, if expected <= most { Edits::Exactly(expected) } else { Edits::TooMany });
    }

    #[test]
    fn bigrams_are_those_of_strsim(left in "[a-d]{2,9}", right in "[a-d]{2,9}") {
        let levels: Vec<Level> = (0..=100).rev().map(|share| on(Measure::BigramJaccard(f64::from(share) / 100.0), FormName::Normal)).collect();
        let dice = strsim::sorensen_dice(&left, &right);
        let jaccard = dice / (2.0 - dice);
        let least = reached(PreparationKind::Text, &levels, &left, &right);
        let share = (0..=100_u32).rev().find(|share| f64::from(*share) <= (jaccard + 1e-9) * 100.0);
        prop_assert_eq!(u32::try_from(100 - least).ok(), share);
    }

    #[test]
    fn levels_are_symmetric_and_a_value_is_like_itself(left in "[a-c浙江岳渊分公司1-3 ]{0,8}x", right in "[a-c浙江岳渊分公司1-3 ]{0,8}x") {
        for kind in [PreparationKind::Company, PreparationKind::Person, PreparationKind::Address, PreparationKind::Text] {
            for measure in [Measure::Exact, Measure::JaroWinkler(0.8), Measure::DamerauLevenshtein(2), Measure::BigramJaccard(0.4), Measure::TokenOverlap(0.5)] {
                let levels = [on(measure, FormName::Normal)];
                prop_assert_eq!(reached(kind, &levels, &left, &right), reached(kind, &levels, &right, &left));
                prop_assert_eq!(reached(kind, &levels, &left, &left), 0);
            }
        }
    }
}
