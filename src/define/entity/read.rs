//! An entity's file: as written → as validated, as far as one file can be judged alone.
//!
//! In: the text. Out: an [`Entity`] and warnings, or everything that is wrong with it. What concerns sources and models
//! is judged when all are there.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    path::PathBuf,
    sync::Arc,
};

use super::{
    Attribute, BelongsTo, Entity, Form, FormName, Preparation, PreparationKind, RecordSource, Survival, evidence,
    tables_of,
};
use crate::{
    define::{
        Environment, file,
        findings::{Findings, Read},
        names, paths,
        spans::{At, OneOrMany, Pairs},
        yaml::{self, Mended, Parsed},
    },
    record::{Diagnostic, Placed, TableName, Text, diagnostic::nearest},
};

/// Schema of an entity's tables when the file does not say.
const SCHEMA: &str = "core";
/// Records of a block when the file does not say.
const BLOCK_LIMIT: u64 = 300;
/// Probabilities when the file does not say.
const LINK_FROM: f64 = 0.95;
const REVIEW_FROM: f64 = 0.5;
/// Which value wins when the file does not say.
const SURVIVORSHIP: [Survival; 2] = [Survival::MostTrusted, Survival::MostRecent];
/// Keys that decide which columns an entity makes, and where.
const OF_COLUMNS: [&str; 5] = ["name", "id", "schema", "records", "attributes"];
/// Columns that an entity's table of identities has in any case.
const OWN_COLUMNS: [&str; 3] = ["first_seen_date", "record_count", "source_count"];

/// Reads and checks one file of an entity.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(text: Arc<Text>, environment: Environment<'_>) -> Result<(Entity, Vec<Diagnostic>), Vec<Diagnostic>> {
    read_loosely(text, environment).strictly()
}

/// Reads and checks one file as [`read`] does, and names its tables; of an entity that is wrong it comes back too, if the columns that
/// it makes are what they will be once it is right.
pub fn read_loosely(text: Arc<Text>, environment: Environment<'_>) -> Read<Vec<TableName>, Entity> {
    let mut findings = Findings::of(text);
    let Parsed { value: entity, mended } =
        yaml::check_mending(&mut findings, |written, findings| checked(written, environment, findings));
    let key = |mended: &Mended| yaml::outermost_key(findings.body(), &mended.range);
    let decides = mended.iter().any(|mended| nearest(key(mended), OF_COLUMNS).is_some());
    let body = findings.body();
    let name = names::spelled(body, "name").or_else(|| names::stem(&findings.text().path));
    let schema = names::spelled(body, "schema");
    let made = name.into_iter().flat_map(|name| tables_of(schema.as_deref().unwrap_or(SCHEMA), &name));
    let tables = Some(made.chain(spelled_sources(body).map(|source| TableName::staged(&source))).collect());
    Read { name: tables, value: entity.filter(|entity| !decides && has_columns(entity)), findings: findings.sorted() }
}

/// Returns the sources of records in a text that cannot be read.
fn spelled_sources(body: &str) -> impl Iterator<Item = String> {
    let source = |line: &str| {
        let entry = line.trim_start().trim_start_matches("- ").trim_start_matches('{').trim_start();
        let name: String =
            entry.strip_prefix("source:")?.trim_start().chars().take_while(|c| !" ,}#".contains(*c)).collect();
        names::is_snake_case(&name).then_some(name)
    };
    body.lines().filter_map(source)
}

/// Returns whether an entity's table has no two columns of one name.
fn has_columns(entity: &Entity) -> bool {
    let attributes = entity.attributes.iter().map(|attribute| attribute.name.value.as_str());
    let own = OWN_COLUMNS.into_iter().chain([entity.id_column.value.as_str()]);
    let mut names = BTreeSet::new();
    attributes.chain(own).all(|name| names.insert(name))
}

fn checked(written: At<file::Entity>, environment: Environment<'_>, findings: &mut Findings) -> Option<Entity> {
    let (written, start) = (written.value, written.range);
    let name = findings.required(written.name, &start, "name", "customer");
    let id = findings.required(written.id, &start, "id", "{ column: customer_id, prefix: C }");
    let records = findings.required(written.records, &start, "records", "[…]");
    let attributes = findings.required(written.attributes, &start, "attributes", "{ name: { prepare: company } }");
    for (what, name) in [("entity name", &name), ("schema", &written.schema)] {
        if let Some(name) = name {
            names::identifier(what, name, findings);
        }
    }
    let id = id.and_then(|id| self::id(id, findings));
    let sources = records.and_then(|records| self::sources(records, findings));
    let mut attributes = attributes.map(|attributes| self::attributes(attributes, findings))?;
    let carried = sources.iter().flatten().flat_map(|records| &records.columns.0);
    let carried: Vec<Placed<String>> = carried.map(|(name, _)| findings.placed(name.clone())).collect();
    carry(carried, &mut attributes);
    refuse_own_columns(&attributes, id.as_ref().map(|id| id.column.value.as_str()), findings);
    survivorship(written.survivorship, &mut attributes, findings);
    let scope = Scope { attributes: &attributes };
    let named_by = written.named_by.map(|names| {
        names.iter().filter_map(|name| scope.attribute(name, "named_by", findings)).collect::<Vec<usize>>()
    });
    let rules = evidence::rules(written.rules, &scope, findings);
    let vetoes = evidence::vetoes(written.vetoes, &scope, findings);
    let blocks = evidence::blocks(written.blocks, &scope, findings);
    let split_by = scope.forms(&written.split_by, "split_by", findings);
    let comparisons = evidence::comparisons(written.comparisons, &scope, findings);
    let block_limit = block_limit(written.block_limit, findings);
    let link_from = share(written.link_from, "link_from", findings).unwrap_or(LINK_FROM);
    let review_from = share(written.review_from, "review_from", findings).unwrap_or(REVIEW_FROM.min(link_from));
    let cohesion = share(written.cohesion, "cohesion", findings);
    if review_from > link_from {
        findings.error(&start, "`review_from` is above `link_from`", "what is linked needs no review: lower it");
    }
    let mut path = |written: Option<At<String>>| {
        let resolved = written.and_then(|path| paths::resolved(&path, environment, findings))?;
        Some(Placed::new(PathBuf::from(resolved.value), resolved.place))
    };
    let (model, overrides) = (path(written.model), path(written.overrides));
    let records = self::records(sources?, &scope, findings);
    let named_by = named_by.unwrap_or_else(|| evidence::used(&rules, &blocks));
    let id = id?;
    Some(Entity {
        text: Arc::clone(findings.text()),
        name: findings.placed(name?),
        description: written.description,
        id_column: id.column,
        id_prefix: id.prefix,
        schema: written.schema.map_or_else(|| SCHEMA.to_owned(), |schema| schema.value),
        records,
        named_by,
        rules,
        vetoes,
        blocks,
        block_limit,
        split_by,
        comparisons,
        model,
        link_from,
        review_from,
        cohesion,
        overrides,
        attributes,
    })
}

struct Id {
    column: Placed<String>,
    prefix: String,
}

fn id(written: At<file::Id>, findings: &mut Findings) -> Option<Id> {
    let At { value: written, range } = written;
    let column = findings.required(written.column, &range, "column", "customer_id")?;
    names::identifier("column", &column, findings);
    let prefix = written.prefix.filter(|prefix| {
        let is_plain = |part: char| part.is_ascii_alphanumeric() || part == '_' || part == '-';
        let is_right = prefix.value.len() <= 8 && prefix.value.chars().all(is_plain);
        if !is_right {
            let hint = "at most 8 letters, digits, `_` and `-`, such as `C`";
            findings.error(&prefix.range, format!("prefix `{}` cannot begin an id", prefix.value), hint);
        }
        is_right
    });
    Some(Id { column: findings.placed(column), prefix: prefix.map(|prefix| prefix.value).unwrap_or_default() })
}

/// A source's records with all that must be there.
struct Records {
    source: At<String>,
    key: Vec<At<String>>,
    date: Option<At<String>>,
    recent_by: Option<At<String>>,
    columns: Pairs<At<String>>,
    belongs_to: Option<At<file::BelongsTo>>,
}

fn sources(written: Vec<At<file::Records>>, findings: &mut Findings) -> Option<Vec<Records>> {
    let mut sources: Vec<Records> = Vec::new();
    let mut is_whole = true;
    for At { value, range } in written {
        let source = findings.required(value.source, &range, "source", "crm_account");
        let key = findings.required(value.key, &range, "key", "[account_id]");
        let key = key.filter(|key| not_empty(key, &range, "key", findings));
        let (Some(source), Some(key)) = (source, key) else {
            is_whole = false;
            continue;
        };
        names::distinct("key", &key, findings);
        if sources.iter().any(|earlier| earlier.source.value == source.value) {
            let message = format!("source `{}` occurs twice in `records`", source.value);
            findings.error(&source.range, message, "a row has one id, so a source has one kind of record");
        }
        let file::Records { date, recent_by, columns, belongs_to, .. } = value;
        doubled(&columns, findings);
        sources.push(Records { source, key, date, recent_by, columns, belongs_to });
    }
    if is_whole && sources.is_empty() {
        findings.error(&(0..0), "`records` is empty", "name at least one source");
    }
    (is_whole && !sources.is_empty()).then_some(sources)
}

fn not_empty<T>(list: &[T], range: &Range<usize>, key: &str, findings: &mut Findings) -> bool {
    if list.is_empty() {
        findings.error(range, format!("`{key}` is empty"), "name at least one");
    }
    !list.is_empty()
}

fn doubled<V>(pairs: &Pairs<V>, findings: &mut Findings) {
    let names: Vec<At<String>> = pairs.0.iter().map(|(name, _)| name.clone()).collect();
    names::distinct("columns", &names, findings);
}

fn attributes(written: Pairs<file::Attribute>, findings: &mut Findings) -> Vec<Attribute> {
    let names: Vec<At<String>> = written.0.iter().map(|(name, _)| name.clone()).collect();
    names::distinct("attributes", &names, findings);
    let mut attributes = Vec::new();
    for (name, attribute) in written.0 {
        names::identifier("attribute", &name, findings);
        let kind = findings.required(attribute.prepare, &name.range, "prepare", "text");
        let region = attribute.default_region.filter(|region| is_region(region, findings));
        if let (Some(region), Some(kind)) = (&region, &kind)
            && kind.value != PreparationKind::Phone
        {
            findings.error(&region.range, "`default_region` without `prepare: phone`", "only phone numbers have one");
        }
        let kind = kind.map(|kind| kind.value);
        let preparation = Preparation {
            endings: endings(attribute.endings, kind, findings),
            kind: kind.unwrap_or(PreparationKind::Text),
            default_region: region.map(|region| region.value),
        };
        attributes.push(Attribute {
            name: findings.placed(name),
            preparation: Some(preparation),
            survivorship: SURVIVORSHIP.to_vec(),
        });
    }
    if attributes.is_empty() {
        findings.error(&(0..0), "`attributes` is empty", "name at least one that is compared");
    }
    attributes
}

/// Checks endings of names: only those of companies have any, and each says something.
fn endings(written: Vec<At<String>>, kind: Option<PreparationKind>, findings: &mut Findings) -> Vec<String> {
    if let Some(first) = written.first()
        && kind.is_some_and(|kind| kind != PreparationKind::Company)
    {
        findings.error(&first.range, "`endings` without `prepare: company`", "only names of companies have them");
    }
    for ending in written.iter().filter(|ending| !ending.value.contains(char::is_alphanumeric)) {
        findings.error(&ending.range, format!("`{}` ends no name", ending.value), "write letters, such as `gesmbh`");
    }
    written.into_iter().map(|ending| ending.value).collect()
}

fn is_region(region: &At<String>, findings: &mut Findings) -> bool {
    let is_right = region.value.len() == 2 && region.value.bytes().all(|letter| letter.is_ascii_uppercase());
    if !is_right {
        findings.error(&region.range, format!("`{}` is no region", region.value), "two capital letters, such as `CN`");
    }
    is_right
}

/// Adds the attributes that are only carried, in the order in which they are first named.
fn carry(names: Vec<Placed<String>>, attributes: &mut Vec<Attribute>) {
    for name in names {
        if !attributes.iter().any(|attribute| attribute.name.value == name.value) {
            attributes.push(Attribute { name, preparation: None, survivorship: SURVIVORSHIP.to_vec() });
        }
    }
}

/// Refuses attributes whose columns the table of identities has for something else.
fn refuse_own_columns(attributes: &[Attribute], id: Option<&str>, findings: &mut Findings) {
    let mut columns: BTreeMap<String, &str> = BTreeMap::new();
    for column in OWN_COLUMNS.into_iter().chain(id) {
        columns.insert(column.to_owned(), "");
    }
    for attribute in attributes {
        let name = attribute.name.value.as_str();
        let mut own = vec![name.to_owned(), format!("{name}_source")];
        if attribute.preparation.as_ref().is_some_and(|prepared| prepared.kind == PreparationKind::Company) {
            own.push(format!("{name}_key"));
        }
        for column in own {
            if columns.insert(column.clone(), name).is_some() {
                let message = format!("attribute `{name}` needs the column `{column}`, which is taken");
                let place = attribute.name.place.clone();
                findings.push(Diagnostic::error(message, place).hint("give the attribute another name"));
            }
        }
    }
}

fn survivorship(written: Pairs<OneOrMany<Survival>>, attributes: &mut [Attribute], findings: &mut Findings) {
    let known: Vec<String> = attributes.iter().map(|attribute| attribute.name.value.clone()).collect();
    for (name, OneOrMany(order)) in written.0 {
        if let Some(attribute) = attributes.iter_mut().find(|attribute| attribute.name.value == name.value) {
            attribute.survivorship = order;
        } else {
            let message = format!("`{}` in `survivorship` is no attribute", name.value);
            findings.unknown(&name.range, message, &name.value, known.iter().map(String::as_str));
        }
    }
}

fn records(sources: Vec<Records>, scope: &Scope<'_>, findings: &mut Findings) -> Vec<RecordSource> {
    let known: Vec<(String, usize)> =
        sources.iter().map(|records| (records.source.value.clone(), records.key.len())).collect();
    let mut records = Vec::new();
    for source in sources {
        let mut columns: Vec<(usize, Placed<String>)> = source
            .columns
            .0
            .into_iter()
            .filter_map(|(name, column)| Some((scope.position(&name.value)?, findings.placed(column))))
            .collect();
        columns.sort_by_key(|(attribute, _)| *attribute);
        let belongs_to = source.belongs_to.and_then(|named| belongs_to(named, &source.source, &known, findings));
        records.push(RecordSource {
            source: findings.placed(source.source),
            key: findings.all_placed(source.key),
            date: source.date.map(|column| findings.placed(column)),
            recent_by: source.recent_by.map(|column| findings.placed(column)),
            columns,
            belongs_to,
        });
    }
    records
}

fn belongs_to(
    written: At<file::BelongsTo>,
    own: &At<String>,
    known: &[(String, usize)],
    findings: &mut Findings,
) -> Option<BelongsTo> {
    let At { value: written, range } = written;
    let source = findings.required(written.source, &range, "source", "crm_account")?;
    let key = findings.required(written.key, &range, "key", "[account_id]")?;
    let Some(records) = known.iter().position(|(name, _)| *name == source.value) else {
        let message = format!("`{}` in `belongs_to` is no source of `records`", source.value);
        findings.unknown(&source.range, message, &source.value, known.iter().map(|(name, _)| name.as_str()));
        return None;
    };
    if source.value == own.value {
        findings.error(&source.range, "`belongs_to` names its own source", "name another source of `records`");
        return None;
    }
    let parts = known[records].1;
    if key.len() != parts {
        let message = format!("`key` has {} columns, that of `{}` has {parts}", key.len(), source.value);
        findings.error(&range, message, "name one column for each part of the other's key, in its order");
        return None;
    }
    Some(BelongsTo { records, key: findings.all_placed(key) })
}

fn block_limit(written: Option<At<u64>>, findings: &mut Findings) -> usize {
    if let Some(At { value, range }) = written.as_ref().filter(|limit| limit.value < 2) {
        findings.error(range, format!("`block_limit` is {value}"), "a block has at least 2 records");
    }
    usize::try_from(written.map_or(BLOCK_LIMIT, |limit| limit.value)).unwrap_or(usize::MAX)
}

fn share(written: Option<At<f64>>, key: &str, findings: &mut Findings) -> Option<f64> {
    let At { value, range } = written?;
    if !(0.0..=1.0).contains(&value) {
        findings.error(&range, format!("`{key}` is {value}"), "write a number from 0 to 1");
    }
    Some(value)
}

/// The attributes that a name may mean.
pub(super) struct Scope<'a> {
    pub attributes: &'a [Attribute],
}

impl Scope<'_> {
    pub fn position(&self, name: &str) -> Option<usize> {
        self.attributes.iter().position(|attribute| attribute.name.value == name)
    }

    /// Returns the attribute that is meant, or says that there is none.
    pub fn attribute(&self, name: &At<String>, key: &str, findings: &mut Findings) -> Option<usize> {
        let found = self.position(&name.value);
        if found.is_none() {
            let known = self.attributes.iter().map(|attribute| attribute.name.value.as_str());
            findings.unknown(&name.range, format!("`{}` in `{key}` is no attribute", name.value), &name.value, known);
        }
        found
    }

    /// Returns the attribute that is meant if it is one that is compared.
    pub fn compared(&self, name: &At<String>, key: &str, findings: &mut Findings) -> Option<usize> {
        let attribute = self.attribute(name, key, findings)?;
        if self.attributes[attribute].preparation.is_none() {
            let message = format!("`{}` in `{key}` is not prepared", name.value);
            findings.error(
                &name.range,
                message,
                format!("add it to `attributes`: `{}: {{ prepare: text }}`", name.value),
            );
            return None;
        }
        Some(attribute)
    }

    /// Returns the form that `name` or `name.stem` means.
    pub fn form(&self, written: &At<String>, key: &str, findings: &mut Findings) -> Option<Form> {
        let (attribute, form) = written.value.split_once('.').unwrap_or((&written.value, "normal"));
        let range = findings.narrow(&written.range, attribute);
        let attribute = self.compared(&At { value: attribute.to_owned(), range }, key, findings)?;
        let kind = self.attributes[attribute].preparation.as_ref().map(|prepared| prepared.kind)?;
        let known = kind.forms();
        let found = known.iter().copied().find(|name| name.word() == form);
        if found.is_none() {
            let message = format!("`{}` in `{key}`: {} has no form `{form}`", written.value, kind.phrase());
            findings.unknown(&written.range, message, form, known.iter().map(|name| name.word()));
        }
        Some(Form { attribute, form: found? })
    }

    pub fn forms(&self, written: &[At<String>], key: &str, findings: &mut Findings) -> Vec<Form> {
        written.iter().filter_map(|name| self.form(name, key, findings)).collect()
    }
}

impl PreparationKind {
    /// Returns the forms that a value of this kind has; not every value has each.
    #[must_use]
    pub const fn forms(self) -> &'static [FormName] {
        use FormName::{Digits, Domain, Initial, Key, Legal, Local, Normal, Pinyin, Stem, Surname, Tokens, Year};
        match self {
            Self::Company => &[Normal, Key, Stem, Pinyin, Tokens, Legal],
            Self::Address => &[Normal, Key, Stem, Pinyin, Tokens],
            Self::Person => &[Normal, Key, Stem, Pinyin, Tokens, Surname, Initial],
            Self::GivenName | Self::Surname | Self::Place => &[Normal, Key, Stem, Pinyin, Initial],
            Self::Phone | Self::Number => &[Normal, Digits],
            Self::Email => &[Normal, Key, Local, Domain],
            Self::TaxId => &[Normal],
            Self::Date => &[Normal, Digits, Year],
            Self::Text => &[Normal, Key, Tokens, Initial],
        }
    }

    /// Returns what a person calls such a value.
    #[must_use]
    pub const fn phrase(self) -> &'static str {
        match self {
            Self::Company => "a company's name",
            Self::Person => "a person's name",
            Self::GivenName => "a given name",
            Self::Surname => "a family name",
            Self::Phone => "a phone number",
            Self::Email => "an e-mail address",
            Self::TaxId => "a tax id",
            Self::Address => "an address",
            Self::Place => "a place",
            Self::Date => "a date",
            Self::Number => "a number",
            Self::Text => "a text",
        }
    }
}

impl FormName {
    /// Returns the word that means it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Key => "key",
            Self::Stem => "stem",
            Self::Pinyin => "pinyin",
            Self::Tokens => "tokens",
            Self::Surname => "surname",
            Self::Local => "local",
            Self::Domain => "domain",
            Self::Digits => "digits",
            Self::Initial => "initial",
            Self::Year => "year",
            Self::Legal => "legal",
        }
    }
}
