//! What a file of an entity says, and what is said about its mistakes.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use super::*;
use crate::{
    define::{project::Source, source},
    record::Diagnostic,
};

const ENTITY: &str = "\
name: customer
id: { column: customer_id, prefix: C }
records:
  - source: account
    key: [account_id]
    recent_by: updated_at
    columns: { name: name, phone: phone, grade: grade }
  - source: sale
    key: [dealer, code]
    date: day
    columns: { name: customer, tax_id: tax_id }
    belongs_to: { source: account, key: [account] }
attributes:
  name: { prepare: company, endings: [Gesellschaft mit Haftung] }
  phone: { prepare: phone, default_region: CN }
  tax_id: { prepare: tax_id }
rules:
  - { name: same_tax_id, equal: [tax_id] }
  - { name: same_phone_and_name, equal: [phone, name.key] }
vetoes:
  - { name: two_tax_ids, differ: [tax_id] }
blocks:
  - equal: [name.stem]
  - bigrams: name.stem
  - { neighbours: name.pinyin, window: 7 }
split_by: [name.pinyin]
comparisons:
  - attribute: name
    levels: [exact, { exact: key, agree: legal }, { jaro_winkler: 0.92, on: stem }]
    term_frequency: true
  - attribute: phone
    levels: [exact, { damerau_levenshtein: 1 }]
model: customer.model.yaml
overrides: customer.overrides.csv
survivorship:
  name: most_frequent
  grade: [most_recent, longest]
";

const ACCOUNT: &str = "\
name: account
location: a.csv
key: [account_id]
columns:
  account_id: { type: string }
  name: { type: string }
  phone: { type: string }
  grade: { type: string }
  updated_at: { type: timestamp }
";

const SALE: &str = "\
name: sale
location: s.csv
columns:
  dealer: { type: string }
  code: { type: int }
  customer: { type: string }
  tax_id: { type: string }
  account: { type: string }
  day: { type: date }
  share: { type: double }
";

fn text(path: &str, body: &str) -> Arc<Text> {
    Arc::new(Text { path: path.to_owned(), body: body.to_owned() })
}

fn lines(found: &[Diagnostic]) -> Vec<String> {
    let line = |finding: &Diagnostic| {
        let place = finding.place.as_ref().map_or_else(String::new, ToString::to_string);
        format!("{place}: {} ({})", finding.message, finding.hint.as_deref().unwrap_or_default())
    };
    found.iter().map(line).collect()
}

fn entity() -> Entity {
    read(text("e/customer.yaml", ENTITY), &|_| None).unwrap_or_else(|found| panic!("{:#?}", lines(&found))).0
}

/// Reads the entity with one part replaced and returns what is said about it.
fn says(from: &str, to: &str) -> Vec<String> {
    assert!(ENTITY.contains(from), "{from}");
    match read(text("e.yaml", &ENTITY.replacen(from, to, 1)), &|_| None) {
        Ok((_, warnings)) => lines(&warnings),
        Err(errors) => lines(&errors),
    }
}

fn sources() -> Vec<Source> {
    [ACCOUNT, SALE].map(|body| source::read(text("s.yaml", body), &|_| None).unwrap().0).to_vec()
}

#[test]
fn names_become_numbers_and_defaults_are_filled_in() {
    let entity = entity();
    let names: Vec<&str> = entity.attributes.iter().map(|attribute| attribute.name.value.as_str()).collect();
    assert_eq!(names, ["name", "phone", "tax_id", "grade"]);
    assert!(entity.attributes[3].preparation.is_none());
    assert_eq!(entity.attributes[0].survivorship, [Survival::MostFrequent]);
    assert_eq!(entity.attributes[1].survivorship, [Survival::MostTrusted, Survival::MostRecent]);
    assert_eq!(entity.attributes[3].survivorship, [Survival::MostRecent, Survival::Longest]);
    assert_eq!(entity.named_by, [0, 1, 2]);
    assert_eq!(entity.records[1].belongs_to.as_ref().map(|named| named.records), Some(0));
    let columns: Vec<(usize, &str)> =
        entity.records[1].columns.iter().map(|(attribute, column)| (*attribute, column.value.as_str())).collect();
    assert_eq!(columns, [(0, "customer"), (2, "tax_id")]);
    let stem = Form { attribute: 0, form: FormName::Stem };
    assert_eq!(entity.blocks[0], Block::Equal(vec![stem]));
    assert_eq!(entity.blocks[1], Block::Bigrams(stem));
    assert_eq!((entity.block_limit, entity.link_from, entity.review_from), (300, 0.95, 0.5));
    let level = Level { measure: Measure::JaroWinkler(0.92), form: FormName::Stem, agree: None };
    assert_eq!(entity.comparisons[0].levels[2], level);
    assert_eq!(
        entity.comparisons[0].levels[1],
        Level { measure: Measure::Exact, form: FormName::Key, agree: Some(FormName::Legal) }
    );
    assert_eq!(entity.attributes[0].preparation.as_ref().unwrap().endings, ["Gesellschaft mit Haftung"]);
    assert_eq!(entity.xref_table().to_string(), "core.customer_xref");
    assert_eq!(entity.overrides.unwrap().value, PathBuf::from("e/customer.overrides.csv"));
}

#[test]
fn a_name_that_is_none_is_shown_with_what_was_meant() {
    assert_eq!(
        says("differ: [tax_id]", "differ: [taxid]"),
        ["e.yaml:21:35: `taxid` in `differ` is no attribute (did you mean `tax_id`?)"]
    );
    assert_eq!(
        says("bigrams: name.stem", "bigrams: name.stm"),
        ["e.yaml:24:14: `name.stm` in `bigrams`: a company's name has no form `stm` (did you mean `stem`?)"]
    );
    assert_eq!(
        says("equal: [name.stem]", "equal: [grade]"),
        ["e.yaml:23:13: `grade` in `equal` is not prepared (add it to `attributes`: `grade: { prepare: text }`)"]
    );
    assert_eq!(
        says("source: account, key: [account]", "source: acount, key: [account]"),
        ["e.yaml:12:27: `acount` in `belongs_to` is no source of `records` (did you mean `account`?)"]
    );
    assert_eq!(
        says("grade: [most_recent", "grad: [most_recent"),
        ["e.yaml:37:3: `grad` in `survivorship` is no attribute (did you mean `grade`?)"]
    );
}

#[test]
fn what_contradicts_itself_is_refused() {
    assert_eq!(
        says("{ damerau_levenshtein: 1 }", "{ damerau_levenshtein: 1, date_days: 3 }")[0].split(" (").next().unwrap(),
        "e.yaml:32:21: a level has exactly one measure"
    );
    assert_eq!(
        says("{ damerau_levenshtein: 1 }", "{ damerau_levenshtein: 1.5 }")[0].split(" (").next().unwrap(),
        "e.yaml:32:44: `1.5` is no whole number from 0"
    );
    assert_eq!(says("agree: legal", "agree: legl"), ["e.yaml:29:42: unknown value `legl` (did you mean `legal`?)"]);
    assert!(says("agree: legal", "agree: year")[0].starts_with("e.yaml:29:42: no form `year` here"));
    assert_eq!(
        says("{ prepare: phone, default_region: CN }", "{ prepare: phone, endings: [ltd] }"),
        ["e.yaml:15:38: `endings` without `prepare: company` (only names of companies have them)"]
    );
    assert_eq!(
        says("[Gesellschaft mit Haftung]", "[ltd, \"-\"]"),
        ["e.yaml:14:45: `-` ends no name (write letters, such as `gesmbh`)"]
    );
    assert_eq!(
        says("attribute: phone\n", "attribute: name\n"),
        ["e.yaml:31:16: `name` is compared twice (evidence counts once: join the levels)"]
    );
    assert_eq!(
        says("- { neighbours: name.pinyin, window: 7 }", "- { equal: [phone], bigrams: name.stem }"),
        ["e.yaml:25:5: a block has exactly one of `equal`, `bigrams`, `neighbours` (write one of them, and another \
          block for the next)"]
    );
    assert_eq!(
        says("key: [account] }", "key: [account, day] }"),
        ["e.yaml:12:17: `key` has 2 columns, that of `account` has 1 (name one column for each part of the other's \
          key, in its order)"]
    );
    assert_eq!(
        says("grade: grade }", "grade: grade, name_key: grade }"),
        ["e.yaml:7:56: attribute `name_key` needs the column `name_key`, which is taken (give the attribute another \
          name)"]
    );
    assert_eq!(
        says("model: customer", "link_from: 0.4\nreview_from: 0.6\nmodel: customer"),
        ["e.yaml:1:1: `review_from` is above `link_from` (what is linked needs no review: lower it)"]
    );
}

#[test]
fn sources_must_have_what_an_entity_names() {
    assert_eq!(lines(&against_sources(&[entity()], &sources())), Vec::<String>::new());
    let mut sources = sources();
    sources[0].name.value = "client".to_owned();
    assert_eq!(
        lines(&against_sources(&[entity()], &sources)),
        ["e/customer.yaml:4:13: `account` in `records` is no source (one of `client`, `sale`)"]
    );
    let wrong = ENTITY.replace("date: day", "date: share").replace("name: customer,", "name: custmer,");
    let wrong = read(text("e.yaml", &wrong), &|_| None).unwrap().0;
    assert_eq!(
        lines(&against_sources(&[wrong], &self::sources())),
        [
            "e.yaml:10:11: `share` is of type `double` (a `date` or a `timestamp` is needed)",
            "e.yaml:11:22: `custmer` is no column of source `sale` (did you mean `customer`?)",
        ]
    );
    let own = read(text("e.yaml", &ENTITY.replace("customer_id", "code")), &|_| None).unwrap().0;
    assert_eq!(
        lines(&against_sources(&[own], &self::sources())),
        ["e.yaml:2:15: source `sale` has a column `code` of its own (identification puts that column on the staged \
          table: rename or remove the source's)"]
    );
}
