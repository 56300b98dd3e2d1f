//! `tallyhouse functions`

use std::{fmt::Write as _, process::ExitCode};

use clap::Args;

use super::{
    arguments::{Common, OutputFormat},
    print,
};
use crate::{
    Error,
    engine::{
        Engine,
        functions::{
            Kind,
            catalogue::{Listed, Origin, built_in, own},
        },
    },
    record::diagnostic::nearest,
    run,
};

/// `functions`
#[derive(Debug, Args)]
pub(super) struct FunctionsArguments {
    /// Show one function with its examples
    name: Option<String>,
    #[command(flatten)]
    pub common: Common,
    /// List the functions of the query engine too
    #[arg(long)]
    all: bool,
}

/// Lists functions, or shows one.
pub(super) fn functions(arguments: &FunctionsArguments, engine: &Engine) -> Result<ExitCode, Error> {
    let mut listed = run::functions(&arguments.common.request(false), engine)?;
    listed.extend(own());
    if arguments.all || arguments.name.is_some() {
        listed.extend(built_in());
    }
    if let Some(name) = &arguments.name {
        listed = named(listed, name)?;
    }
    match arguments.common.output() {
        OutputFormat::Json => print(&format!("{}\n", serde_json::json!(listed))),
        OutputFormat::Text if arguments.name.is_some() => print(&listed.iter().map(shown).collect::<String>()),
        OutputFormat::Text => print(&listing(&listed)),
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the functions of a name: an aggregate and a window function may share one.
fn named(listed: Vec<Listed>, name: &str) -> Result<Vec<Listed>, Error> {
    let (found, others): (Vec<Listed>, Vec<Listed>) = listed.into_iter().partition(|listed| listed.name == name);
    if !found.is_empty() {
        return Ok(found);
    }
    let near = nearest(name, others.iter().map(|listed| listed.name.as_str()));
    let hint = near
        .map_or_else(|| "`tallyhouse functions --all` lists them".to_owned(), |near| format!("did you mean `{near}`?"));
    Err(Error::Usage { message: format!("there is no function `{name}`"), hint: Some(hint) })
}

/// Lists functions by whose they are and where they may stand.
fn listing(listed: &[Listed]) -> String {
    let mut text = String::new();
    for origin in [Origin::Project, Origin::Tallyhouse, Origin::Datafusion] {
        for kind in [Kind::Scalar, Kind::Aggregate, Kind::Window] {
            let those: Vec<&Listed> =
                listed.iter().filter(|listed| listed.origin == origin && listed.kind == kind).collect();
            if those.is_empty() {
                continue;
            }
            let blank = if text.is_empty() { "" } else { "\n" };
            let _ = writeln!(text, "{blank}{} functions {}", kind.name(), whose(origin));
            for listed in those {
                let _ =
                    writeln!(text, "  {}\n      {}", one_line(&listed.signature), first_sentence(&listed.description));
            }
        }
    }
    text
}

const fn whose(origin: Origin) -> &'static str {
    match origin {
        Origin::Project => "of this project",
        Origin::Tallyhouse => "of tallyhouse",
        Origin::Datafusion => "of DataFusion",
    }
}

fn shown(listed: &Listed) -> String {
    let mut text = format!("{}\n{} function {}\n", listed.signature.trim(), listed.kind.name(), whose(listed.origin));
    if !listed.description.is_empty() {
        let _ = write!(text, "\n{}\n", listed.description.trim());
    }
    if let Some(nulls) = &listed.nulls {
        let _ = write!(text, "\nNULL: {nulls}\n");
    }
    for example in &listed.examples {
        let _ = write!(text, "\n{}\n", example.trim());
    }
    text
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn first_sentence(text: &str) -> String {
    let line = one_line(text);
    match line.split_once(". ") {
        Some((first, _)) => format!("{first}."),
        None => line,
    }
}
