//! A small world for tests: customers made from a seed, and values that are prepared by the simplest means.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{borrow::Cow, sync::Arc};

use super::{
    codes::Prepared,
    records::{Records, RecordsBuilder, Row},
};
use crate::{
    define::entity::{
        Attribute, Block, Comparison, Entity, Form, FormName, Level, Measure, Preparation, PreparationKind,
        RecordSource, Rule, Veto,
    },
    record::{Place, Placed, Text},
};

/// The attributes of the toy, by number.
pub const NAME: usize = 0;
pub const PHONE: usize = 1;
pub const TAX_ID: usize = 2;
pub const PROVINCE: usize = 3;

pub fn placed<T>(value: T) -> Placed<T> {
    let text = Text { path: "toy.yaml".to_owned(), body: String::new() };
    Placed::new(value, Place::start_of(Arc::new(text)))
}

pub const fn form(attribute: usize, form: FormName) -> Form {
    Form { attribute, form }
}

/// Returns an entity that uses everything: rules, a veto, all kinds of blocks, splits, rarity.
pub fn entity() -> Entity {
    let normal = |attribute| form(attribute, FormName::Normal);
    let level = |measure| Level { measure, form: FormName::Normal, agree: None };
    let compared = |attribute, levels: &[Measure], term_frequency| Comparison {
        attribute,
        levels: levels.iter().copied().map(level).collect(),
        term_frequency,
    };
    let attribute = |name: &str| Attribute {
        name: placed(name.to_owned()),
        preparation: Some(Preparation { kind: PreparationKind::Text, default_region: None, endings: Vec::new() }),
        survivorship: Vec::new(),
    };
    let source = |name: &str| RecordSource {
        source: placed(name.to_owned()),
        key: Vec::new(),
        date: None,
        recent_by: None,
        columns: Vec::new(),
        belongs_to: None,
    };
    Entity {
        text: Arc::new(Text { path: "toy.yaml".to_owned(), body: String::new() }),
        name: placed("toy".to_owned()),
        description: None,
        id_column: placed("toy_id".to_owned()),
        id_prefix: "T".to_owned(),
        schema: "core".to_owned(),
        records: vec![source("account"), source("sale")],
        attributes: ["name", "phone", "tax_id", "province"].map(attribute).to_vec(),
        named_by: vec![NAME],
        rules: vec![
            Rule { name: placed("same_tax_id".to_owned()), equal: vec![normal(TAX_ID)] },
            Rule { name: placed("same_phone_and_name".to_owned()), equal: vec![normal(PHONE), normal(NAME)] },
        ],
        vetoes: vec![Veto { name: placed("two_tax_ids".to_owned()), differ: vec![normal(TAX_ID)] }],
        blocks: vec![
            Block::Equal(vec![form(NAME, FormName::Stem)]),
            Block::Equal(vec![normal(PHONE)]),
            Block::Bigrams(form(NAME, FormName::Stem)),
            Block::Neighbours { form: normal(NAME), window: 4 },
        ],
        block_limit: 300,
        split_by: vec![normal(PROVINCE), form(NAME, FormName::Stem)],
        comparisons: vec![
            compared(NAME, &[Measure::Exact, Measure::BigramJaccard(0.6)], true),
            compared(PHONE, &[Measure::Exact, Measure::DamerauLevenshtein(1)], false),
            compared(TAX_ID, &[Measure::Exact], false),
            compared(PROVINCE, &[Measure::Exact], false),
        ],
        model: None,
        link_from: 0.95,
        review_from: 0.5,
        cohesion: Some(0.5),
        overrides: None,
    }
}

/// One record: source, key, then name, phone, tax id and province; an empty text is NULL.
pub type Plain = (u16, String, [String; 4]);

pub fn records(rows: &[Plain]) -> Records {
    let mut builder = RecordsBuilder::new(4);
    for (source, key, values) in rows {
        let values = values.each_ref().map(|value| (!value.is_empty()).then_some(value.as_str()));
        builder.push(&Row { source: *source, key, date: None, belongs_to: None, values: &values });
    }
    builder.finish().unwrap()
}

/// Makes customers with several records each, of which some were mistyped. Returns rows, and the customer of each.
pub fn customers(seed: u64, customers: usize) -> (Vec<Plain>, Vec<usize>) {
    let mut dice = Dice(seed);
    let (mut rows, mut truth) = (Vec::new(), Vec::new());
    for customer in 0..customers {
        let name = name(&mut dice);
        let phone = format!("1{:010}", dice.below(10_000_000_000));
        let tax_id = format!("91{:014}", dice.below(100_000_000_000_000));
        let province = format!("P{}", dice.below(30));
        for copy in 0..=[0, 0, 0, 1, 2, 3][dice.chance(6)] {
            let key = format!("{:08x}-{copy}", customer * 7919 % (customers * 3 + 1));
            rows.push((u16::from(copy > 0), key, mistyped(&mut dice, copy > 0, [&name, &phone, &tax_id, &province])));
            truth.push(customer);
        }
    }
    (rows, truth)
}

fn name(dice: &mut Dice) -> String {
    let syllables = [
        "徐", "州", "重", "工", "长", "沙", "三", "一", "柳", "福", "田", "东", "方", "华", "北", "新", "金", "海",
        "宏", "达",
    ];
    let endings = ["机械", "贸易", "建设", "物流"];
    let stem: String = (0..3 + dice.chance(3))
        .map(|_| syllables[dice.chance(20)].to_owned() + &format!("{:x}", dice.chance(12)))
        .collect();
    stem + endings[dice.chance(4)]
}

fn mistyped(dice: &mut Dice, is_copy: bool, values: [&str; 4]) -> [String; 4] {
    let mut values = values.map(str::to_owned);
    if is_copy && dice.chance(3) == 0 {
        let mut letters: Vec<char> = values[NAME].chars().collect();
        letters.remove(dice.chance(letters.len()));
        values[NAME] = letters.into_iter().collect();
    }
    if is_copy && dice.chance(4) == 0 {
        values[PHONE] = format!("1{:010}", dice.below(10_000_000_000));
    }
    if dice.chance(2) == 0 {
        values[TAX_ID].clear();
    }
    if dice.chance(10) == 0 {
        values[PHONE].clear();
    }
    values
}

/// Numbers from a seed (splitmix64).
#[derive(Clone, Debug)]
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % limit
    }

    pub fn chance(&mut self, limit: usize) -> usize {
        usize::try_from(self.below(limit as u64)).unwrap()
    }
}

/// Values prepared by the simplest means: the normal form is the text, the stem is without its last two characters.
pub struct Toy {
    pub values: Vec<Vec<String>>,
    pub levels: Vec<(usize, Vec<Measure>)>,
}

impl Toy {
    pub fn new(entity: &Entity, records: &Records) -> Self {
        let texts = |attribute: &super::records::Interned| attribute.values.iter().map(str::to_owned).collect();
        let measures = |comparison: &Comparison| {
            (comparison.attribute, comparison.levels.iter().map(|level| level.measure).collect())
        };
        Self {
            values: records.attributes.iter().map(texts).collect(),
            levels: entity.comparisons.iter().map(measures).collect(),
        }
    }
}

impl Prepared for Toy {
    fn form(&self, attribute: usize, value: u32, form: FormName) -> Option<Cow<'_, str>> {
        let text = &self.values[attribute][value as usize];
        Some(match form {
            FormName::Stem => text.char_indices().rev().nth(1).map_or("", |(end, _)| &text[..end]).into(),
            _ => text.into(),
        })
    }

    fn level(&self, comparison: usize, left: u32, right: u32) -> Option<u8> {
        let (attribute, measures) = &self.levels[comparison];
        let (left, right) = (&self.values[*attribute][left as usize], &self.values[*attribute][right as usize]);
        let reached = measures.iter().position(|measure| match measure {
            Measure::Exact => left == right,
            Measure::DamerauLevenshtein(most) => edits(left, right) <= *most as usize,
            Measure::BigramJaccard(least) => jaccard(left, right) >= *least,
            _ => false,
        });
        u8::try_from(reached.unwrap_or(measures.len())).ok()
    }
}

fn edits(left: &str, right: &str) -> usize {
    if left.len() == right.len() {
        left.bytes().zip(right.bytes()).filter(|(left, right)| left != right).count()
    } else {
        usize::MAX
    }
}

fn jaccard(left: &str, right: &str) -> f64 {
    let (left, right) = (super::block::bigrams::of(left), super::block::bigrams::of(right));
    let common = left.iter().filter(|bigram| right.contains(bigram)).count();
    #[expect(clippy::cast_precision_loss, reason = "texts of a few characters")]
    let share = common as f64 / (left.len() + right.len() - common).max(1) as f64;
    share
}
