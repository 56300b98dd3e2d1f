//! All files together → the project, or everything that is wrong with any of them.
//!
//! In: the checked pipeline file and the texts of sources and models. Out: a [`Project`] in order of names. Here are
//! the checks that need more than one file: names that occur twice, code tables of other sources, cycles among them.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
};

use super::{
    Environment, PipelineFile,
    findings::suggestion,
    model,
    project::{CodeTable, Model, Project, Source},
    source,
};
use crate::record::{Diagnostic, Place, Placed, Severity, Text};

/// Joins a pipeline file with its sources and its models (each with its path below the folder of models).
///
/// # Errors
/// Everything that is wrong with any of them, in order of the files given.
pub fn assemble(
    pipeline: PipelineFile,
    sources: Vec<Arc<Text>>,
    models: Vec<(Arc<Text>, PathBuf)>,
    environment: Environment<'_>,
) -> Result<(Project, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut findings = Vec::new();
    let given = sources.len();
    let mut sources = read_all(sources, |text| source::read(text, environment), &mut findings);
    let mut models =
        read_all(models, |(text, relative)| model::read(&text, &relative, pipeline.dialect), &mut findings);
    sources.sort_by(|a, b| (&a.name.value, &a.text.path).cmp(&(&b.name.value, &b.text.path)));
    models.sort_by(|a, b| (&a.name, &a.text.path).cmp(&(&b.name, &b.text.path)));
    findings.extend(doubled_sources(&sources));
    findings.extend(doubled_models(&models));
    if sources.len() == given {
        findings.extend(unknown_code_tables(&sources));
        findings.extend(cycle(&sources));
    }
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Err(findings);
    }
    Ok((Project { pipeline: pipeline.pipeline, sources, models }, findings))
}

/// Reads every text, collecting what is wrong with any.
fn read_all<I, T>(
    texts: Vec<I>,
    read: impl Fn(I) -> Result<(T, Vec<Diagnostic>), Vec<Diagnostic>>,
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

fn doubled_models(models: &[Model]) -> impl Iterator<Item = Diagnostic> {
    models.windows(2).filter_map(|pair| {
        let [first, second] = pair else { return None };
        let hint = format!("the other one is {}", first.text.path);
        let message = format!("model `{}` is defined twice", second.name);
        (first.name == second.name)
            .then(|| Diagnostic::error(message, Place::start_of(Arc::clone(&second.text))).hint(hint))
    })
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
