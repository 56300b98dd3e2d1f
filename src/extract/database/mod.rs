//! Tables and queries of databases: a SQLite file, a PostgreSQL or a MySQL server.
//!
//! In: where the database is and what is wanted of it. Out: one pull, the rows as text in a file of their own, which is
//! then read like any other. Only columns that the contract names are asked for, and only rows that `where` and the
//! watermark leave. Always read-only, always one moment of the database.
//!
//! ```text
//!  SQLite file ─┐
//!  PostgreSQL ──┼─► select: SQL ─► rows as text ─► pull (a Content) ─► RawBatch
//!  MySQL ───────┘
//! ```

use std::sync::Arc;

use super::{Error, Hints, RecordReader};
use crate::{
    define::{is_database, project::DatabaseOptions},
    storage::{
        content::Content,
        read::{Object, environment::Patience},
    },
};

mod pull;

mod select;

mod sqlite;

#[cfg(any(feature = "postgres", feature = "mysql"))]
mod server;

#[cfg(feature = "postgres")]
mod postgres;

#[cfg(feature = "mysql")]
mod mysql;

/// Rows between two values of the watermark column, both ends included; rows without a value belong to every span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    /// The largest value of the pull before.
    pub from: Option<String>,
    /// The largest value when the pull was listed; None while there is none at all.
    pub to: Option<String>,
}

/// Where a database is.
#[derive(Debug, Clone)]
pub(super) enum Place {
    /// A SQLite file.
    File(Object),
    /// A server, as the contract gives its address.
    Server(Arc<str>),
}

/// One pull, listed and not yet made.
#[derive(Debug, Clone)]
pub(super) struct Pull {
    /// `crm.visit`, or `crm.visit@<from>..<to>`.
    pub name: Arc<str>,
    /// The rows that it takes, where there is a watermark.
    pub span: Option<Span>,
    place: Place,
    options: DatabaseOptions,
}

/// Returns whether a location is that of a server.
pub(super) fn is_server(location: &str) -> bool {
    is_database(location)
}

/// Lists the one pull of a database; `since` is the watermark of the pull before.
///
/// # Errors
/// When the database cannot be asked for its watermark.
pub(super) async fn list(place: Place, options: &DatabaseOptions, since: Option<&str>) -> Result<Pull, Error> {
    let base: Arc<str> = match &place {
        Place::File(object) => Arc::clone(&object.path),
        Place::Server(_) => options.table.as_deref().unwrap_or("query").into(),
    };
    let Some(watermark) = &options.watermark else {
        return Ok(Pull { name: base, span: None, place, options: options.clone() });
    };
    let to = match &place {
        Place::File(object) => {
            let (content, path, options) = (object.open().await?, Arc::clone(&object.path), options.clone());
            let since = since.map(str::to_owned);
            blocking(&base, move || sqlite::largest(&path, &content, &options, since.as_deref(), &patience())).await?
        }
        Place::Server(location) => server_largest(location, options, watermark, since).await?,
    };
    let span = Span { from: since.map(str::to_owned), to: to.or_else(|| since.map(str::to_owned)) };
    let shown = |end: &Option<String>| end.clone().unwrap_or_default();
    let name = format!("{base}@{}..{}", shown(&span.from), shown(&span.to)).into();
    Ok(Pull { name, span: Some(span), place, options: options.clone() })
}

impl Pull {
    /// Makes the pull: the bytes of a file that [`open`] reads.
    ///
    /// # Errors
    /// When the database cannot be reached, does not know what is asked for, or ends in the middle.
    pub(super) async fn fetch(&self, hints: &Hints) -> Result<Content, Error> {
        match &self.place {
            Place::File(object) => {
                let (content, pull, hints) = (object.open().await?, self.clone(), hints.clone());
                let work =
                    move || sqlite::pull(&pull.name, &content, &pull.options, pull.span.as_ref(), &hints, &patience());
                blocking(&self.name, work).await
            }
            Place::Server(location) => self.fetch_from_server(location, hints).await,
        }
    }

    async fn fetch_from_server(&self, location: &str, hints: &Hints) -> Result<Content, Error> {
        #[cfg(feature = "postgres")]
        if location.starts_with("postgres") {
            return postgres::pull(&self.name, location, &self.options, self.span.as_ref(), hints).await;
        }
        #[cfg(feature = "mysql")]
        if !location.starts_with("postgres") {
            return mysql::pull(&self.name, location, &self.options, self.span.as_ref(), hints).await;
        }
        let _ = hints;
        Err(without_driver(&self.name, location))
    }
}

async fn server_largest(
    location: &str,
    options: &DatabaseOptions,
    watermark: &str,
    since: Option<&str>,
) -> Result<Option<String>, Error> {
    #[cfg(feature = "postgres")]
    if location.starts_with("postgres") {
        return postgres::largest(location, options, watermark, since).await;
    }
    #[cfg(feature = "mysql")]
    if !location.starts_with("postgres") {
        return mysql::largest(location, options, watermark, since).await;
    }
    let _ = (watermark, since);
    Err(without_driver(&options.table.as_deref().unwrap_or("query").into(), location))
}

/// Says that this build reads no such server.
fn without_driver(name: &Arc<str>, location: &str) -> Error {
    let feature = if location.starts_with("postgres") { "postgres" } else { "mysql" };
    let hint = format!("build it with `--features {feature}`");
    Error::unreadable(name, format!("this build of tallyhouse has no driver for `{feature}`"), hint)
}

/// Opens a database file or a pull.
pub(super) fn open(
    path: &Arc<str>,
    content: &Content,
    options: &DatabaseOptions,
    hints: &Hints,
) -> Result<Box<dyn RecordReader>, Error> {
    if pull::is_pull(content) {
        return pull::open(path, content.clone());
    }
    pull::open(path, sqlite::pull(path, content, options, None, hints, &patience())?)
}

fn patience() -> Patience {
    Patience::from_environment()
}

/// Does what waits for a disk or reckons for long where it keeps nobody else waiting.
async fn blocking<T: Send + 'static>(
    name: &Arc<str>,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|lost| Err(Error::unreadable(name, lost.to_string(), "run again")))
}
