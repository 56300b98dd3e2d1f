//! `tallyhouse explain`

use std::{fmt::Write, process::ExitCode};

use clap::Args;

use super::{
    arguments::{Common, OutputFormat},
    diff::write_recomputed,
    print,
    selection::{WorkingArguments, one_or_all},
};
use crate::{
    Error,
    engine::Engine,
    run::{Explanation, Measured, Operator, PartPlan},
};

/// `explain`
#[derive(Debug, Args)]
pub(super) struct ExplainArguments {
    #[command(flatten)]
    models: WorkingArguments,
    /// Compute the model, drop its rows, and say what each operator cost
    #[arg(long)]
    analyze: bool,
    /// Another snapshot than the served one
    #[arg(long, value_name = "ID")]
    snapshot: Option<String>,
    #[command(flatten)]
    pub common: Common,
}

/// Shows how the engine computes a model.
pub(super) async fn explain(arguments: &ExplainArguments, engine: &Engine) -> Result<ExitCode, Error> {
    if arguments.models.is_empty() {
        return Err(Error::Usage {
            message: "no model is named".to_owned(),
            hint: Some("`tallyhouse explain core.sales`, or a selector such as `tag:finance`".to_owned()),
        });
    }
    let mut explained = Vec::new();
    for working in arguments.models.open(&arguments.common, arguments.snapshot.as_deref(), true, engine).await? {
        explained.push(match arguments.analyze {
            true => working.analyze(engine).await?,
            false => working.explain(engine).await?,
        });
    }
    match arguments.common.output() {
        OutputFormat::Text => print(&explained.iter().map(text).collect::<Vec<_>>().join("\n")),
        OutputFormat::Json => {
            let all = explained.iter().map(|one| serde_json::json!(one)).collect();
            print(&format!("{}\n", one_or_all(all)));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn text(explanation: &Explanation) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write_explanation(&mut out, explanation);
    out
}

fn write_explanation(out: &mut String, explanation: &Explanation) -> std::fmt::Result {
    let Explanation { table, snapshot, .. } = explanation;
    match (explanation.rows, explanation.seconds) {
        (Some(rows), Some(seconds)) => {
            writeln!(out, "{table} from snapshot {snapshot}: {rows} rows in {seconds:.3} s")?;
        }
        _ => writeln!(out, "{table} from snapshot {snapshot}")?,
    }
    write_recomputed(out, &explanation.recomputed)?;
    if explanation.plan.measured.is_some() {
        writeln!(out, "\n{:>12} {:>10} {:>7} {:>10}", "rows", "seconds", "spills", "spilled MB")?;
    } else {
        writeln!(out)?;
    }
    for PartPlan { name, plan } in &explanation.parts {
        writeln!(out, "part {name}, which the query names more than once and a run computes once:")?;
        write_operator(out, plan, 0)?;
        writeln!(out)?;
    }
    write_operator(out, &explanation.plan, 0)
}

/// Writes an operator and, below it and further in, what it reads.
fn write_operator(out: &mut String, operator: &Operator, depth: usize) -> std::fmt::Result {
    if let Some(measured) = &operator.measured {
        write!(out, "{}  ", columns(measured))?;
    }
    let details = if operator.details.is_empty() { String::new() } else { format!(": {}", operator.details) };
    let table = operator.table.as_ref().map(|table| format!(" {table}")).unwrap_or_default();
    writeln!(out, "{}{}{table}{details}", "  ".repeat(depth), operator.operator)?;
    operator.inputs.iter().try_for_each(|input| write_operator(out, input, depth + 1))
}

fn columns(measured: &Measured) -> String {
    let rows = measured.rows.map_or_else(String::new, |rows| rows.to_string());
    let seconds = measured.seconds.map_or_else(String::new, |seconds| format!("{seconds:.4}"));
    let (whole, rest) = (measured.spilled_bytes / 1_000_000, measured.spilled_bytes % 1_000_000 / 100_000);
    format!("{rows:>12} {seconds:>10} {:>7} {:>10}", measured.spills, format!("{whole}.{rest}"))
}
