//! Progress: bars on a terminal, plain lines elsewhere, JSON lines on standard error for programs.

use std::{
    io::{IsTerminal, Write},
    sync::Mutex,
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

use super::arguments::OutputFormat;
use crate::run::{Event, Observer};

/// Shows what a run is doing.
pub(super) struct Progress {
    view: View,
}

enum View {
    /// One bar over sources, files and models.
    Bar(Mutex<ProgressBar>),
    /// One line an event.
    Lines,
    /// One JSON object an event.
    Json,
}

impl Progress {
    /// Chooses bars for a terminal, else lines in the format of the output.
    pub(super) fn new(output: OutputFormat) -> Self {
        let view = match output {
            OutputFormat::Json => View::Json,
            OutputFormat::Text if std::io::stderr().is_terminal() => View::Bar(Mutex::new(bar())),
            OutputFormat::Text => View::Lines,
        };
        Self { view }
    }

    /// Clears what was drawn.
    pub(super) fn finish(&self) {
        if let View::Bar(bar) = &self.view
            && let Ok(bar) = bar.lock()
        {
            bar.finish_and_clear();
        }
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{bar:24} {pos}/{len} {wide_msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

impl Observer for Progress {
    fn notice(&self, event: &Event) {
        match &self.view {
            View::Bar(bar) => {
                if let Ok(bar) = bar.lock() {
                    draw(&bar, event);
                }
            }
            View::Lines => {
                if let Some(line) = line(event) {
                    let _ = writeln!(std::io::stderr(), "{line}");
                }
            }
            View::Json => {
                let _ = writeln!(std::io::stderr(), "{}", json(event));
            }
        }
    }
}

fn draw(bar: &ProgressBar, event: &Event) {
    match event {
        Event::Begun { sources, models } => bar.set_length((sources + models) as u64),
        Event::Staged { .. } | Event::Built { .. } => bar.inc(1),
        Event::FileRead { file } => bar.set_message(format!("read {file}")),
        other => {
            if let Some(line) = line(other) {
                bar.set_message(line);
            }
        }
    }
}

fn line(event: &Event) -> Option<String> {
    Some(match event {
        Event::Staging { source, files } => format!("staging {source}, files: {files}"),
        Event::Begun { .. }
        | Event::FileRead { .. }
        | Event::Building { .. }
        | Event::Staged { is_unchanged: true, .. }
        | Event::Built { rebuilt: 0, .. } => return None,
        Event::Staged { source, rows, .. } => format!("staged {source}, rows: {rows}"),
        Event::Built { table, rows, rebuilt } => format!("built {table}, rows: {rows}, partitions rebuilt: {rebuilt}"),
        Event::Checking { checks } => format!("running {checks} checks"),
        Event::Publishing => "publishing".to_owned(),
    })
}

fn json(event: &Event) -> serde_json::Value {
    match event {
        Event::Begun { sources, models } => {
            serde_json::json!({ "event": "begun", "sources": sources, "models": models })
        }
        Event::Staging { source, files } => serde_json::json!({ "event": "staging", "source": source, "files": files }),
        Event::FileRead { file } => serde_json::json!({ "event": "file_read", "file": file }),
        Event::Staged { source, rows, is_unchanged } => {
            serde_json::json!({ "event": "staged", "source": source, "rows": rows, "is_unchanged": is_unchanged })
        }
        Event::Building { table } => serde_json::json!({ "event": "building", "table": table }),
        Event::Built { table, rows, rebuilt } => {
            serde_json::json!({ "event": "built", "table": table, "rows": rows, "partitions_rebuilt": rebuilt })
        }
        Event::Checking { checks } => serde_json::json!({ "event": "checking", "checks": checks }),
        Event::Publishing => serde_json::json!({ "event": "publishing" }),
    }
}
