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
    record::{Cost, Measured, Operator, PartPlan, QueryPlan},
    run::{self, Explanation, LastRun},
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

/// Shows how the engine computes a model, and what the last run measured that built it.
pub(super) async fn explain(arguments: &ExplainArguments, engine: &Engine) -> Result<ExitCode, Error> {
    if arguments.models.is_empty() {
        return Err(Error::Usage {
            message: "no model is named".to_owned(),
            hint: Some("`tallyhouse explain core.sales`, or a selector such as `tag:finance`".to_owned()),
        });
    }
    let mut explained = Vec::new();
    let mut until = None;
    for working in arguments.models.open(&arguments.common, arguments.snapshot.as_deref(), true, engine).await? {
        explained.push(match arguments.analyze {
            true => working.analyze(engine).await?,
            false => working.explain(engine).await?,
        });
        until = Some(working.snapshot.manifest.run).filter(|_| arguments.snapshot.is_some());
    }
    let tables = explained.iter().map(|explanation| explanation.table.clone()).collect();
    let mut last_runs = run::last_runs(&tables, until.as_deref(), &arguments.common.request(false))?;
    for explanation in &mut explained {
        explanation.last_run = last_runs.remove(&explanation.table);
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
    if let Some(last) = &explanation.last_run {
        write_last_run(out, last)?;
    }
    write_query(out, &explanation.query)?;
    // What was measured just now says more of the model as it is written.
    let measured = explanation.last_run.as_ref().filter(|_| explanation.rows.is_none());
    if let Some((last, query)) = measured.and_then(|last| Some((last, last.query.as_ref()?))) {
        writeln!(out, "\nas run {} computed it:", last.run)?;
        write_query(out, query)?;
    }
    Ok(())
}

/// Writes what the last run measured that built the table.
fn write_last_run(out: &mut String, last: &LastRun) -> std::fmt::Result {
    let LastRun { run, started_at, run_date, outcome, rows, seconds, .. } = last;
    let (rebuilt, kept) = (last.rebuilt_partitions, last.kept_partitions);
    writeln!(out, "  last built by run {run}, {outcome}, begun {started_at} as of {run_date}")?;
    let partitions = if rebuilt == 1 { "partition" } else { "partitions" };
    let rebuilt = format!("{rebuilt} {partitions} rebuilt with {} rows, {kept} kept", last.rebuilt_rows);
    writeln!(out, "  {seconds:.3} s, {rows} rows: {rebuilt}")?;
    let Some(cost) = &last.cost else {
        return writeln!(out, "  what the query cost was not kept");
    };
    let Cost { cpu_seconds, spills, attempts, shares, .. } = cost;
    let (peak, spilled) = (megabytes(cost.peak_memory_bytes), megabytes(cost.spilled_bytes));
    let again = if *attempts > 1 { format!(", begun {attempts} times for want of memory") } else { String::new() };
    let in_shares = if *shares > 1 { format!(", in {shares} shares of its partitions") } else { String::new() };
    writeln!(
        out,
        "  query {:.3} s, CPU {cpu_seconds:.3} s, peak memory {peak} MB, {spills} spills of {spilled} MB{again}{in_shares}",
        cost.seconds
    )
}

/// Writes the operators of a query, its parts first.
fn write_query(out: &mut String, query: &QueryPlan) -> std::fmt::Result {
    match query.plan.measured {
        Some(_) => writeln!(out, "\n{:>12} {:>10} {:>7} {:>10}", "rows", "seconds", "spills", "spilled MB")?,
        None => writeln!(out)?,
    }
    for PartPlan { name, plan } in &query.parts {
        writeln!(out, "part {name}, which the query names more than once and a run computes once:")?;
        write_operator(out, plan, 0)?;
        writeln!(out)?;
    }
    write_operator(out, &query.plan, 0)
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
    format!("{rows:>12} {seconds:>10} {:>7} {:>10}", measured.spills, megabytes(measured.spilled_bytes))
}

/// Returns bytes in megabytes, with one decimal.
fn megabytes(bytes: usize) -> String {
    format!("{}.{}", bytes / 1_000_000, bytes % 1_000_000 / 100_000)
}
