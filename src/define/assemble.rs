//! All files together → the project, or everything that is wrong with any of them.
//!
//! In: the checked pipeline file and the texts of sources, entities and models. Out: a [`Project`] in order of names. Here are
//! the checks that need more than one file: names that occur twice, code tables of other sources, cycles among them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Environment, PipelineFile,
    entity::{self, Entity, RecordSource},
    findings::{any_error, suggestion},
    function,
    project::{CodeTable, Function, Model, Project, Source, Wrong},
    seeds, source,
};
use crate::record::{Diagnostic, Place, Placed, TableName, Text, diagnostic::nearest, table::STAGED};

/// Joins a pipeline file with its sources, its entities and the files below the folder of models (each with its path there): models,
/// rows of seeds, functions.
///
/// # Errors
/// Everything that is wrong with any of them, in order of the files given.
pub fn assemble(
    pipeline: PipelineFile,
    sources: Vec<Arc<Text>>,
    entities: Vec<Arc<Text>>,
    models: Vec<(Arc<Text>, PathBuf)>,
    environment: Environment<'_>,
) -> Result<(Project, Vec<Diagnostic>), Vec<Diagnostic>> {
    let (project, findings) = assemble_loosely(&|_, _| None, pipeline, sources, entities, models, environment);
    if any_error(&findings) { Err(findings) } else { Ok((project, findings)) }
}

/// Joins files as [`assemble`] does, but does not read the models that are `known`, and goes on where any of them are wrong: the
/// project then says which, and what is wrong with them is among the findings.
pub fn assemble_loosely(
    known: Known<'_>,
    pipeline: PipelineFile,
    sources: Vec<Arc<Text>>,
    entities: Vec<Arc<Text>>,
    models: Vec<(Arc<Text>, PathBuf)>,
    environment: Environment<'_>,
) -> (Project, Vec<Diagnostic>) {
    let (mut findings, mut wrong) = (Vec::new(), Wrong::default());
    let given = sources.len();
    let mut sources = read_sources(sources, environment, &mut wrong, &mut findings);
    let mut entities = read_entities(entities, environment, &sources, &mut wrong, &mut findings);
    let (functions, models): (Vec<File>, _) = models.into_iter().partition(|(_, path)| function::is_function(path));
    wrong.functions = functions.iter().map(|(_, path)| function::called(path)).collect();
    let mut functions = read_functions(functions, &mut findings);
    wrong.functions.retain(|name| !functions.iter().any(|function: &Function| function.name == *name));
    functions.sort_by(|a, b| a.name.cmp(&b.name));
    let (models, doubled) = without_doubles(models);
    findings.extend(doubled);
    let mut models = seeds::models(models, pipeline.dialect, known, &mut wrong, &mut findings);
    sources.sort_by(|a, b| (&a.name.value, &a.text.path).cmp(&(&b.name.value, &b.text.path)));
    models.sort_by(|a, b| (&a.name, &a.text.path).cmp(&(&b.name, &b.text.path)));
    entities.sort_by(|a: &Entity, b| (&a.name.value, &a.text.path).cmp(&(&b.name.value, &b.text.path)));
    findings.extend(doubled_sources(&sources));
    sources.dedup_by(|second, first| second.name.value == first.name.value);
    if sources.len() == given {
        findings.extend(unknown_code_tables(&sources));
        findings.extend(cycle(&sources));
        let found = entity::against_sources(&entities, &sources);
        entities = without_wrong(entities, &found, &sources, &mut wrong);
        findings.extend(found);
    }
    let found = entity::against_models(&entities, &models);
    entities = without_wrong(entities, &found, &sources, &mut wrong);
    findings.extend(found);
    if given == 0 && models.is_empty() && wrong.names().next().is_none() && !any_error(&findings) {
        findings.push(nothing(&pipeline.models_place));
    }
    let reports = Vec::new();
    (Project { pipeline: pipeline.pipeline, sources, entities, models, functions, reports, wrong }, findings)
}

/// Says of a project without any table that there is none: most often a folder is not where it is thought to be.
fn nothing(place: &Place) -> Diagnostic {
    let hint =
        "put a model at `schema/table.sql` below this folder, or rows at `schema/table.csv`, or name the `sources`";
    Diagnostic::error("the project has no source, no model and no seed, so there is nothing to publish", place.clone())
        .hint(hint)
}

/// Reads sources; those that are wrong are noted.
fn read_sources(
    texts: Vec<Arc<Text>>,
    environment: Environment<'_>,
    wrong: &mut Wrong,
    findings: &mut Vec<Diagnostic>,
) -> Vec<Source> {
    let mut right = Vec::new();
    for text in texts {
        let mut read = source::read_loosely(Arc::clone(&text), environment);
        let is_right = read.is_right();
        findings.append(&mut read.findings);
        match (read.value, read.name) {
            (Some(source), _) if is_right => right.push(source),
            (Some(source), _) => wrong.sources.push(source),
            (None, Some(name)) => drop(wrong.tables.insert(TableName::staged(&name), text)),
            (None, None) => {}
        }
    }
    let is_right = |name: &TableName| right.iter().any(|source: &Source| source.table() == *name);
    wrong.tables.retain(|name, _| !is_right(name));
    wrong.sources.retain(|source| !is_right(&source.table()));
    right
}

/// Reads entities; those that are wrong are noted. Of one that names no source that can be read nothing tells on which tables it puts an
/// id: then it may be any.
fn read_entities(
    texts: Vec<Arc<Text>>,
    environment: Environment<'_>,
    sources: &[Source],
    wrong: &mut Wrong,
    findings: &mut Vec<Diagnostic>,
) -> Vec<Entity> {
    let mut right = Vec::new();
    for text in texts {
        let mut read = entity::read_loosely(Arc::clone(&text), environment);
        findings.append(&mut read.findings);
        if let Some(entity) = read.value {
            right.push(entity);
            continue;
        }
        let mut unknown = read.name.unwrap_or_default();
        if !unknown.iter().any(|table| table.schema == STAGED) {
            unknown.extend(sources.iter().chain(&wrong.sources).map(Source::table));
        }
        wrong.tables.extend(unknown.into_iter().map(|table| (table, Arc::clone(&text))));
    }
    right
}

/// Takes out the entities that do not go with others: of the tables that they make, and put an id on, nothing is known then.
fn without_wrong(entities: Vec<Entity>, found: &[Diagnostic], sources: &[Source], wrong: &mut Wrong) -> Vec<Entity> {
    let is_its = |finding: &Diagnostic, text: &Arc<Text>| {
        finding.is_error() && finding.place.as_ref().is_some_and(|place| Arc::ptr_eq(&place.text, text))
    };
    let (right, odd): (Vec<Entity>, Vec<Entity>) =
        entities.into_iter().partition(|entity| !found.iter().any(|finding| is_its(finding, &entity.text)));
    for entity in &odd {
        // A name that no source has is meant for the nearest, or may be for any.
        let names = || sources.iter().map(|source| source.name.value.as_str());
        let meant = |records: &RecordSource| nearest(&records.source.value, names());
        let meant: Option<BTreeSet<&str>> = entity.records.iter().map(meant).collect();
        let is_meant = |source: &&Source| meant.as_ref().is_none_or(|meant| meant.contains(source.name.value.as_str()));
        let unknown = sources.iter().filter(is_meant).map(Source::table).chain(entity.tables());
        wrong.tables.extend(unknown.map(|table| (table, Arc::clone(&entity.text))));
    }
    right
}

/// Reads functions, also those of which only the header is wrong.
fn read_functions(files: Vec<File>, findings: &mut Vec<Diagnostic>) -> Vec<Function> {
    let read = files.into_iter().filter_map(|(text, relative)| {
        let read = function::read_loosely(&text, &relative);
        findings.extend(read.findings);
        read.value
    });
    read.collect()
}

/// Answers what was read of a `.sql` file of models before, if nothing but its name and kind is asked for.
pub type Known<'a> = &'a dyn Fn(&Arc<Text>, &Path) -> Option<(Model, Vec<Diagnostic>)>;

/// A file below the folder of models, and its path there.
pub(super) type File = (Arc<Text>, PathBuf);

/// Reads every text, collecting what is wrong with any.
pub(super) fn read_all<I, T>(
    texts: Vec<I>,
    mut read: impl FnMut(I) -> Result<(T, Vec<Diagnostic>), Vec<Diagnostic>>,
    findings: &mut Vec<Diagnostic>,
) -> Vec<T> {
    let mut good = Vec::new();
    for text in texts {
        match read(text) {
            Ok((value, warnings)) => {
                good.push(value);
                findings.extend(warnings);
            }
            Err(errors) => findings.extend(errors),
        }
    }
    good
}

fn doubled_sources(sources: &[Source]) -> impl Iterator<Item = Diagnostic> {
    sources.windows(2).filter_map(|pair| {
        let [first, second] = pair else { return None };
        let hint = format!("the other one is {}", first.name.place);
        let message = format!("source `{}` is defined twice", second.name.value);
        (first.name.value == second.name.value)
            .then(|| Diagnostic::error(message, second.name.place.clone()).hint(hint))
    })
}

/// Takes out the models whose table an earlier file makes; names that differ only in case are one table.
fn without_doubles(models: Vec<(Arc<Text>, PathBuf)>) -> (Vec<(Arc<Text>, PathBuf)>, Vec<Diagnostic>) {
    let mut first: HashMap<String, Arc<Text>> = HashMap::with_capacity(models.len());
    let (mut single, mut findings) = (Vec::with_capacity(models.len()), Vec::new());
    // Of two names that differ in case the one in lower case stays: it is the one that a table may have.
    let is_lower = |(_, relative): &(Arc<Text>, PathBuf)| {
        relative.to_string_lossy().chars().all(|character| !character.is_uppercase())
    };
    let (lower, other): (Vec<_>, Vec<_>) = models.into_iter().partition(is_lower);
    for (text, relative) in lower.into_iter().chain(other) {
        // A seed may have its header and its rows in a file each.
        let file = relative.to_string_lossy().to_lowercase();
        if let Some(other) = first.get(&file) {
            let table = relative.with_extension("").to_string_lossy().replace(['/', '\\'], ".").to_lowercase();
            let message = format!("model `{table}` is defined twice");
            let hint = format!("the other one is {}", other.path);
            findings.push(Diagnostic::error(message, Place::start_of(text)).hint(hint));
        } else {
            first.insert(file, Arc::clone(&text));
            single.push((text, relative));
        }
    }
    (single, findings)
}

/// Checks that every `map` names a source and two of its columns.
fn unknown_code_tables(sources: &[Source]) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for (source, from, to) in code_tables(sources) {
        let Some(table) = sources.iter().find(|other| other.name.value == source.value) else {
            let known = sources.iter().map(|other| other.name.value.as_str());
            let message = format!("`{}` is no source", source.value);
            let hint = suggestion(&source.value, known);
            findings.push(Diagnostic::error(message, source.place.clone()).hint(hint));
            continue;
        };
        for name in [from, to].into_iter().filter(|name| table.column(&name.value).is_none()) {
            let known = table.columns.iter().map(|column| column.name.value.as_str());
            let message = format!("`{}` is no column of source `{}`", name.value, source.value);
            let hint = suggestion(&name.value, known);
            findings.push(Diagnostic::error(message, name.place.clone()).hint(hint));
        }
    }
    findings
}

type Named = Placed<String>;

fn code_tables(sources: &[Source]) -> impl Iterator<Item = (&Named, &Named, &Named)> {
    let columns = sources.iter().flat_map(|source| &source.columns);
    columns.filter_map(|column| match &column.codes.as_ref()?.table {
        CodeTable::Source { source, from, to } => Some((source, from, to)),
        CodeTable::Inline(_) => None,
    })
}

/// Finds a cycle among the sources that read each other's codes.
fn cycle(sources: &[Source]) -> Option<Diagnostic> {
    let reads: BTreeMap<&str, Vec<&Named>> =
        sources.iter().map(|source| (source.name.value.as_str(), source.code_sources().collect())).collect();
    let mut done = BTreeSet::new();
    sources.iter().find_map(|source| walk(&source.name.value, &reads, &mut Vec::new(), &mut done))
}

fn walk<'a>(
    name: &'a str,
    reads: &BTreeMap<&'a str, Vec<&'a Named>>,
    path: &mut Vec<&'a str>,
    done: &mut BTreeSet<&'a str>,
) -> Option<Diagnostic> {
    path.push(name);
    for next in reads.get(name).into_iter().flatten() {
        if let Some(start) = path.iter().position(|earlier| *earlier == next.value) {
            let way = path[start..].iter().copied().chain([next.value.as_str()]).collect::<Vec<_>>().join("` → `");
            let message = format!("sources read their codes in a circle: `{way}`");
            return Some(
                Diagnostic::error(message, next.place.clone()).hint("take the codes from a source without `map`"),
            );
        }
        if !done.contains(next.value.as_str())
            && let Some(found) = walk(&next.value, reads, path, done)
        {
            return Some(found);
        }
    }
    path.pop();
    done.insert(name);
    None
}
