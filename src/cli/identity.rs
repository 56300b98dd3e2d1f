//! `tallyhouse identity`

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Subcommand};

use super::{
    arguments::{Common, OutputFormat},
    note, print,
    progress::Progress,
};
use crate::{
    Error,
    engine::Engine,
    record::csv,
    report::page,
    run::{self, Apart, IdExplained, MemberShown, RecordShown, Uncertain, UncertainPair},
};

/// Columns of a review before those of the records.
const DECISION: [&str; 7] =
    ["left_source", "left_key", "right_source", "right_key", "verdict", "reason", "probability"];

/// `identity`
#[derive(Debug, Args)]
pub(super) struct IdentityArguments {
    #[command(subcommand)]
    action: IdentityAction,
    #[command(flatten)]
    pub common: Common,
}

/// What is asked of identification.
#[derive(Debug, Subcommand)]
enum IdentityAction {
    /// Show the records that bear an id, what ties them, and what happened to the id
    Explain {
        /// The id.
        id: String,
        /// Draw it as a page in this file, for its owner alone: the records, their links, and a waterfall for each that was weighed
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Write the pairs that are neither linked nor surely different as CSV, to be decided by a person
    ///
    /// Write `same` or `different` and a reason into the columns for them, and take the file back with `--take`.
    Review {
        /// The entity; needed where the pipeline has several
        #[arg(long)]
        entity: Option<String>,
        /// Write so many pairs at most, the most probable ones; 0 for all
        #[arg(long, value_name = "N", default_value_t = 10_000)]
        limit: usize,
        /// Take the decisions of a reviewed file into the overrides file
        #[arg(long, value_name = "FILE")]
        take: Option<PathBuf>,
    },
    /// Learn the model of an entity from its records and pin it in its file
    Train {
        /// The entity; needed where the pipeline has several
        #[arg(long)]
        entity: Option<String>,
    },
}

/// Carries out the verb.
pub(super) async fn identity(arguments: &IdentityArguments, engine: &Engine) -> Result<ExitCode, Error> {
    let common = &arguments.common;
    let request = common.request(false);
    let observer = Progress::new(common.output());
    let is_json = common.output() == OutputFormat::Json;
    match &arguments.action {
        IdentityAction::Explain { id, out } => {
            let explained = run::explain_id(id, &request, engine, &observer).await?;
            out.as_deref().map_or(Ok(()), |out| draw(out, &explained))?;
            print(&match (is_json, out) {
                (true, _) => json(&explained),
                (false, None) => explained_text(&explained),
                (false, Some(out)) => format!("{}: {} {}\n", out.display(), explained.entity, explained.id),
            });
        }
        IdentityAction::Review { entity, limit, take: None } => {
            let most = if *limit == 0 { usize::MAX } else { *limit };
            let Uncertain { pairs, all } = run::review(entity.as_deref(), most, &request, engine, &observer).await?;
            print(&if is_json { json(&pairs) } else { review_csv(&pairs) });
            if all > pairs.len() {
                note(&format!("the {} most probable of {all} pairs: `--limit` writes more\n", pairs.len()));
            }
        }
        IdentityAction::Review { entity, take: Some(file), .. } => {
            let rows = run::reviewed(file)?;
            let (path, count) = run::decide(entity.as_deref(), &rows, &request, engine).await?;
            let decisions = if count == 1 { "decision" } else { "decisions" };
            print(&format!("{count} {decisions} went into {}\n", path.display()));
        }
        IdentityAction::Train { entity } => {
            let trained = run::train(entity.as_deref(), &request, engine, &observer).await?;
            let model = &trained.model;
            print(&match is_json {
                true => json(&trained),
                false => format!("{} records, written to {}\n", model.records, trained.path.display()),
            });
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn json(value: &impl serde::Serialize) -> String {
    format!("{}\n", serde_json::json!(value))
}

/// Writes the page. It has names and telephone numbers.
fn draw(path: &Path, explained: &IdExplained) -> Result<(), Error> {
    let report = explained.page();
    let title = report.title.en.as_deref().unwrap_or(&explained.id);
    let page = page::html(title, &report)
        .map_err(|error| Error::Bug { message: format!("cannot write the evidence: {error}") })?;
    run::write_output(path, page.as_bytes(), true)
}

fn explained_text(explained: &IdExplained) -> String {
    let mut text = format!("{} {}: {} records\n", explained.entity, explained.id, explained.members.len());
    for member in &explained.members {
        // Writing to a String cannot fail.
        let _ = write_member(&mut text, member);
    }
    if !explained.kept_apart.is_empty() {
        text.push_str("\nkept apart:\n");
    }
    for apart in &explained.kept_apart {
        let Apart { source, key, other_source, other_key, other_id, why, reason } = apart;
        let reason = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        let _ =
            writeln!(text, "  {source} {key} and {other_source} {other_key}, which is {other_id}, by {why}{reason}");
    }
    if !explained.events.is_empty() {
        text.push_str("\nwhat happened:\n");
    }
    for event in &explained.events {
        let _ = writeln!(text, "  {event}");
    }
    text
}

fn write_member(text: &mut String, member: &MemberShown) -> std::fmt::Result {
    let record = &member.record;
    let date = member.date.map_or_else(|| "without a date".to_owned(), |date| format!("seen {date}"));
    writeln!(text, "\n{} {}, {date}", record.source, record.key)?;
    let values: Vec<String> = record.values.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    writeln!(text, "  {}", values.join(" · "))?;
    let Some(tie) = &member.tie else { return writeln!(text, "  the id is its own, or nothing explains it") };
    let score = tie.score.map(|score| format!(" {score:.4}")).unwrap_or_default();
    let reason = tie.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    writeln!(text, "  is {} {} by {}{score}{reason}", tie.source, tie.key, tie.rule)?;
    let mut sum = 0.0;
    for (name, level, bits) in &tie.steps {
        sum += bits;
        let level = level.as_deref().unwrap_or_default();
        writeln!(text, "    {name:<20} {level:<24} {bits:>+8.2} {sum:>+8.2} {}", bar(*bits))?;
    }
    Ok(())
}

/// Draws bits of evidence: for on the right, against on the left.
fn bar(bits: f64) -> String {
    let length = (0..20_u8).take_while(|step| f64::from(*step) < bits.abs()).count();
    match bits < 0.0 {
        true => format!("{:>20}|", "-".repeat(length)),
        false => format!("{:>20}|{}", "", "+".repeat(length)),
    }
}

fn review_csv(pairs: &[UncertainPair]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for record in pairs.iter().flat_map(|pair| [&pair.left, &pair.right]) {
        for (name, _) in &record.values {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
    }
    let sides = names.iter().flat_map(|name| [format!("left_{name}"), format!("right_{name}")]);
    let header: Vec<String> = DECISION.iter().map(|name| (*name).to_owned()).chain(sides).collect();
    let mut text = csv::row(header.iter().map(String::as_str));
    for pair in pairs {
        let value = |record: &RecordShown, name: &str| {
            let found = record.values.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let (left, right) = (&pair.left, &pair.right);
        let ends = [&left.source, &left.key, &right.source, &right.key].map(Clone::clone);
        let blank = [String::new(), String::new(), format!("{:.4}", pair.probability)];
        let sides = names.iter().flat_map(|name| [value(left, name), value(right, name)]);
        let cells: Vec<String> = ends.into_iter().chain(blank).chain(sides).collect();
        text.push_str(&csv::row(cells.iter().map(String::as_str)));
    }
    text
}
