//! `tallyhouse lineage`

mod drawing;
mod formats;
mod tree;

use std::{collections::BTreeSet, process::ExitCode};

use clap::{Args, ValueEnum};

use super::{
    arguments::{Common, World},
    print,
    selection::SelectionArguments,
};
use crate::{
    Error,
    define::select::Selection,
    engine::Engine,
    record::TableName,
    run::{self, Direction, Element, Lineage, Request, Subject, Uses},
};
use drawing::Drawing;

/// `lineage`
#[derive(Debug, Args)]
pub(super) struct LineageArguments {
    /// A table, such as segment.market, one of its columns, such as segment.market.units, or several tables by a selector such as
    /// `+segment.market`; all tables without it
    #[arg(value_name = "TABLE[.COLUMN]")]
    subject: Option<String>,
    /// What it is made of, which is the default
    #[arg(long, conflicts_with = "downstream")]
    upstream: bool,
    /// What is made of it
    #[arg(long)]
    downstream: bool,
    /// Steps at most
    #[arg(long, value_name = "N", requires = "subject")]
    depth: Option<usize>,
    #[command(flatten)]
    selection: SelectionArguments,
    /// How it is shown
    #[arg(long, value_enum, default_value_t)]
    output: DrawingFormat,
    #[command(flatten)]
    pub world: World,
}

/// How lineage is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum DrawingFormat {
    /// A tree for people
    #[default]
    Text,
    /// A Mermaid flowchart, for Markdown
    Mermaid,
    /// A Graphviz digraph
    Dot,
    /// Nodes and edges as one JSON document
    Json,
}

impl LineageArguments {
    /// Returns whether programs read what is printed.
    pub(super) fn is_json(&self) -> bool {
        self.output == DrawingFormat::Json
    }

    fn direction(&self) -> Direction {
        if self.downstream { Direction::Downstream } else { Direction::Upstream }
    }

    fn request(&self) -> Request {
        let selection = self.selection.asked_with(&self.subject);
        Request { selection, ..Common::plain(&self.world).request(false) }
    }
}

/// Shows of what tables and columns are made.
pub(super) async fn lineage(arguments: &LineageArguments, engine: &Engine) -> Result<ExitCode, Error> {
    let request = arguments.request();
    let lineage = run::lineage(&request, engine).await?;
    let steps = arguments.depth.unwrap_or(usize::MAX);
    let text = match &arguments.subject {
        Some(written) if arguments.selection.is_empty() && Selection::is_full_name(written) => {
            of_subject(&run::subject(written, &lineage)?, &lineage, steps, arguments)
        }
        word => {
            let selected = run::selected(&request, engine).await?.map(|selected| selected.tables);
            match selected.iter().flatten().collect::<Vec<_>>()[..] {
                [table] if word.is_some() => of_subject(&Subject::Table(table.clone()), &lineage, steps, arguments),
                _ if arguments.depth.is_some() => return Err(depth_of_several()),
                _ => whole(&lineage, selected.as_ref(), arguments),
            }
        }
    };
    print(&text);
    Ok(ExitCode::SUCCESS)
}

fn depth_of_several() -> Error {
    Error::Usage {
        message: "`--depth` counts from one table or column, and several are selected".to_owned(),
        hint: Some("`2+TABLE` and `TABLE+2` select so many steps around it".to_owned()),
    }
}

fn whole(lineage: &Lineage, selected: Option<&BTreeSet<TableName>>, arguments: &LineageArguments) -> String {
    let drawing = Drawing::of_tables(lineage, selected);
    match arguments.output {
        DrawingFormat::Text => tree::list(&drawing, arguments.direction()),
        format => drawn(&drawing, format),
    }
}

fn of_subject(subject: &Subject, lineage: &Lineage, steps: usize, arguments: &LineageArguments) -> String {
    let direction = arguments.direction();
    match (subject, arguments.output) {
        (Subject::Table(table), DrawingFormat::Text) => {
            let next = |table: &TableName| -> Vec<(TableName, String)> {
                let tables = lineage.next_tables(table, direction).into_iter();
                tables.map(|table| (table, String::new())).collect()
            };
            let is_view = |table: &TableName| lineage.table(table).is_some_and(|table| table.is_view);
            tree::render(table, &next, &|table| tree::kind(is_view(table)).to_owned(), steps)
        }
        (Subject::Column(column), DrawingFormat::Text) => {
            let next = |element: &Element| -> Vec<(Element, String)> {
                let mut links: Vec<(Element, Uses)> = lineage.next(element, direction).into_iter().collect();
                // Values come first, and last what decides about rows as a whole.
                links.sort_by_key(|(element, uses)| (element.column.is_none(), !uses.is_value()));
                let shown = |element: &Element, uses: Uses| match element.column {
                    Some(_) => uses.to_string(),
                    None => String::new(),
                };
                links.into_iter().map(|(element, uses)| (element.clone(), shown(&element, uses))).collect()
            };
            tree::render(column, &next, &|element| headers(element, lineage), steps)
        }
        (Subject::Table(table), format) => drawn(&Drawing::around_table(table, lineage, direction, steps), format),
        (Subject::Column(column), format) => drawn(&Drawing::around_column(column, lineage, direction, steps), format),
    }
}

fn drawn(drawing: &Drawing, format: DrawingFormat) -> String {
    match format {
        DrawingFormat::Mermaid => formats::mermaid(drawing),
        DrawingFormat::Dot => formats::dot(drawing),
        DrawingFormat::Text | DrawingFormat::Json => formats::json(drawing),
    }
}

/// Returns the names that a column has in extracts, as the end of its line.
fn headers(element: &Element, lineage: &Lineage) -> String {
    let column = lineage.table(&element.table).into_iter().flat_map(|table| &table.columns);
    let mut found = column.filter(|column| Some(&column.name) == element.column.as_ref());
    match found.next() {
        Some(column) if !column.headers.is_empty() => format!(" [{}]", column.headers.join(" | ")),
        _ => String::new(),
    }
}
