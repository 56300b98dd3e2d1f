//! The pipeline file: as written → as validated.
//!
//! In: the text of the pipeline file. Out: the [`Pipeline`] and where its sources and models lie, for the conductor to
//! read them.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
    path::PathBuf,
    sync::Arc,
};

use super::{
    Environment,
    file::{self, Variable as Written},
    findings::{Findings, Read},
    names,
    paths::resolved,
    project::{Dialect, OnLowSpace, Pipeline, Publish, Variable},
    spans::{At, Pairs},
    yaml,
};
use crate::record::{Diagnostic, Place, Placed, Text, diagnostic::nearest, manifest::TableFormat};

/// Snapshots kept when the file does not say.
const KEEP_SNAPSHOTS: usize = 14;
/// Bytes of a full data file when the file does not say.
const FILE_BYTES: usize = 128 << 20;
/// What may be said instead. Smaller ones cost more to open than to read; larger ones keep threads waiting for one.
const FILE_BYTES_ALLOWED: RangeInclusive<u64> = 1 << 20..=4 << 30;
/// Failing rows of a check that are kept when the file does not say.
const KEPT_ROWS: usize = 100;
/// SQL parameters that every pipeline has.
const BUILT_IN: [&str; 2] = ["run_date", "timezone"];

/// A checked pipeline file, before its sources and models were read.
#[derive(Debug, Clone)]
pub struct PipelineFile {
    /// What it says about the pipeline.
    pub pipeline: Pipeline,
    /// Glob of the source files, resolved against the pipeline file.
    pub sources: Option<Placed<String>>,
    /// Glob of the files of entities, resolved against the pipeline file.
    pub entities: Option<Placed<String>>,
    /// Folder of the models, resolved against the pipeline file.
    pub models_dir: PathBuf,
    /// Where the folder is written.
    pub models_place: Place,
    /// Glob of the report files, resolved against the pipeline file, and where it is written.
    pub reports: Option<Placed<String>>,
    /// How the SQL of models is understood whose header does not say it.
    pub dialect: Dialect,
}

/// Keys that decide what else is read, and how.
const OF_OTHERS: [&str; 8] =
    ["sources", "entities", "models", "reports", "variables", "dialect", "timezone", "warehouse"];

/// Reads and checks the pipeline file.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read_pipeline(text: Arc<Text>, environment: Environment<'_>) -> Result<PipelineFile, Vec<Diagnostic>> {
    read_pipeline_loosely(text, environment).strictly().map(|(file, _)| file)
}

/// Reads and checks the pipeline file as [`read_pipeline`] does; a wrong one comes back too, if what it says of other files, and of
/// how they are understood, is right.
pub fn read_pipeline_loosely(text: Arc<Text>, environment: Environment<'_>) -> Read<(), PipelineFile> {
    let mut findings = Findings::of(text);
    let file = yaml::check_mending(&mut findings, |written, findings| checked(written, environment, findings)).value;
    let findings = findings.sorted();
    let mut places = findings.iter().filter_map(|finding| finding.place.as_ref());
    let key = |place: &Place| nearest(yaml::outermost_key(&place.text.body, &place.range), OF_OTHERS);
    let decides = places.any(|place| key(place).is_some());
    Read { name: None, value: file.filter(|_| !decides), findings }
}

/// Checks every key, so that all that is wrong is found at once.
fn checked(written: At<file::Pipeline>, environment: Environment<'_>, findings: &mut Findings) -> Option<PipelineFile> {
    let (written, start) = (written.value, written.range);
    let name = findings.required(written.name, &start, "name", "nightly");
    let warehouse = findings.required(written.warehouse, &start, "warehouse", "../warehouse");
    let timezone = findings.required(written.timezone, &start, "timezone", "Asia/Shanghai");
    let models = findings.required(written.models, &start, "models", "../sql");
    if let Some(name) = &name {
        names::identifier("pipeline name", name, findings);
    }
    let run_date = written.run_date.map(|text| names::date(&text, findings));
    let variable_places = places(&written.variables, findings);
    let variables = variables(written.variables, findings);
    let publish = publish(written.publish, findings);
    let timezone = timezone.and_then(|zone| names::timezone(&zone, findings));
    let mut path = |written: Option<At<String>>| written.and_then(|path| resolved(&path, environment, findings));
    let (warehouse, models) = (path(warehouse), path(models)?);
    let (sources, entities, reports) = (path(written.sources), path(written.entities), path(written.reports));
    let pipeline = Pipeline {
        text: Arc::clone(findings.text()),
        name: name?.value,
        description: written.description,
        warehouse: warehouse?,
        timezone: timezone?,
        run_date: run_date.flatten(),
        variables,
        variable_places,
        publish,
        kept_rows: written.checks.and_then(|checks| checks.kept_rows).unwrap_or(KEPT_ROWS),
    };
    Some(PipelineFile {
        pipeline,
        sources,
        entities,
        models_dir: PathBuf::from(models.value),
        models_place: models.place,
        reports,
        dialect: written.dialect.unwrap_or_default(),
    })
}

fn publish(written: Option<At<file::Publish>>, findings: &mut Findings) -> Publish {
    let Some(At { value: written, range }) = written else {
        return Publish {
            keep_snapshots: KEEP_SNAPSHOTS,
            keep_days: None,
            on_low_space: OnLowSpace::default(),
            file_bytes: FILE_BYTES,
            formats: formats_in(None),
        };
    };
    let file::Publish { keep_snapshots: keep, keep_days, on_low_space, file_bytes, formats } = written;
    if let Some(keep) = keep.as_ref().filter(|keep| keep.value == 0) {
        findings.error(&keep.range, "`keep_snapshots` is 0", "keep at least 1: the snapshot that is served");
    }
    if let Some(At { value, range }) = file_bytes.as_ref().filter(|bytes| !FILE_BYTES_ALLOWED.contains(&bytes.value)) {
        let advice = "write a number of bytes from 1048576 (1 MB) to 4294967296 (4 GB)";
        findings.error(range, format!("`file_bytes` is {value}"), advice);
    }
    let file_bytes = file_bytes.map_or(FILE_BYTES, |bytes| usize::try_from(bytes.value).unwrap_or(usize::MAX));
    let written_at = formats.as_ref().and_then(|formats| formats.first()).map_or(range, |first| first.range.clone());
    let formats = formats_in(formats);
    if !formats.contains(&TableFormat::Parquet) {
        findings.error(
            &written_at,
            "`formats` is without `parquet`",
            "write `formats: [parquet]` or `[parquet, delta]`: the files of a Delta table are Parquet too",
        );
    }
    let keep_snapshots = keep.map_or(KEEP_SNAPSHOTS, |keep| usize::try_from(keep.value).unwrap_or(usize::MAX));
    let keep_days = keep_days.map(|days| days.value);
    Publish { keep_snapshots, keep_days, on_low_space: on_low_space.unwrap_or_default(), file_bytes, formats }
}

fn formats_in(written: Option<Vec<At<TableFormat>>>) -> BTreeSet<TableFormat> {
    written.map_or_else(
        || BTreeSet::from([TableFormat::Parquet, TableFormat::Delta]),
        |formats| formats.into_iter().map(|format| format.value).collect(),
    )
}

fn places(written: &Pairs<Written>, findings: &Findings) -> BTreeMap<String, Place> {
    written.0.iter().map(|(name, _)| (name.value.clone(), findings.place(&name.range))).collect()
}

fn variables(written: Pairs<Written>, findings: &mut Findings) -> BTreeMap<String, Variable> {
    let mut variables = BTreeMap::new();
    for (name, value) in written.0 {
        names::identifier("variable", &name, findings);
        if BUILT_IN.contains(&name.value.as_str()) {
            findings.error(
                &name.range,
                format!("variable `{}` is built in", name.value),
                format!("choose another name, or set the pipeline's own `{}`", name.value),
            );
        }
        variables.insert(name.value, variable(value));
    }
    variables
}

fn variable(written: Written) -> Variable {
    match written {
        Written::Boolean(value) => Variable::Boolean(value),
        Written::Integer(value) => Variable::Integer(value),
        Written::Double(value) => Variable::Double(value),
        Written::Text(text) => Variable::date_or_text(&text),
    }
}

impl Variable {
    /// Returns the typed value of a word of the command line (`--var days=365`), as the pipeline file would type it.
    #[must_use]
    pub fn from_argument(text: &str) -> Self {
        if let Ok(value) = text.parse() {
            return Self::Boolean(value);
        }
        if let Ok(value) = text.parse() {
            return Self::Integer(value);
        }
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Self::Double(value),
            _ => Self::date_or_text(text),
        }
    }

    /// Reads a text as a value of the same type; None if it is none.
    #[must_use]
    pub fn like(&self, text: &str) -> Option<Self> {
        Some(match self {
            Self::Boolean(_) => Self::Boolean(text.parse().ok()?),
            Self::Integer(_) => Self::Integer(text.parse().ok()?),
            Self::Double(_) => Self::Double(text.parse().ok().filter(|value: &f64| value.is_finite())?),
            Self::Date(_) => Self::Date(text.parse().ok()?),
            Self::Text(_) => Self::Text(text.to_owned()),
        })
    }

    /// Returns what a person calls the type.
    #[must_use]
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Boolean(_) => "boolean",
            Self::Integer(_) => "integer",
            Self::Double(_) => "number",
            Self::Date(_) => "date",
            Self::Text(_) => "text",
        }
    }

    fn date_or_text(text: &str) -> Self {
        names::iso_date(text).map_or_else(|| Self::Text(text.to_owned()), Self::Date)
    }
}
