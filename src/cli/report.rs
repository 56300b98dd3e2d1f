//! `tallyhouse report`

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;

use super::{
    arguments::{Common, OutputFormat},
    print,
};
use crate::{
    Error,
    engine::Engine,
    report::page,
    run::{self, FilledReport},
};

/// `report`
#[derive(Debug, Args)]
pub(super) struct ReportArguments {
    /// The report, such as `sales_director`; may be left out where the pipeline has but one
    name: Option<String>,
    #[command(flatten)]
    pub common: Common,
    /// Write the page to this file [default: report.html; none with `--output json`, which prints the rows]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Another snapshot than the served one
    #[arg(long, value_name = "ID")]
    snapshot: Option<String>,
}

/// Writes a report as a page, or prints its rows.
pub(super) async fn report(arguments: &ReportArguments, engine: &Engine) -> Result<ExitCode, Error> {
    let request = arguments.common.request(false);
    let report =
        Box::pin(run::report(&request, arguments.name.as_deref(), arguments.snapshot.as_deref(), engine)).await?;
    match (arguments.common.output(), &arguments.out) {
        (OutputFormat::Json, out) => {
            out.as_deref().map_or(Ok(()), |out| write(out, &report))?;
            print(&format!("{}\n", serde_json::json!(report)));
        }
        (OutputFormat::Text, out) => {
            let out = out.as_deref().unwrap_or(Path::new("report.html"));
            write(out, &report)?;
            let snapshot = report.snapshot.as_deref().unwrap_or_default();
            print(&format!("{}: report `{}` of snapshot {snapshot}\n", out.display(), report.name));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn write(path: &Path, report: &FilledReport) -> Result<(), Error> {
    let title = report.title.en.as_deref().unwrap_or(&report.name);
    let page = page::html(title, report)
        .map_err(|error| Error::Bug { message: format!("cannot write the rows of the report: {error}") })?;
    run::write_output(path, page.as_bytes(), false)
}
