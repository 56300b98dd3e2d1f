//! PostgreSQL: a table, view or query → a pull, by COPY in one read-only snapshot.
//!
//! In: an address and what is wanted. Out: every value as the server writes it, in UTC and with all digits; timestamps
//! with a zone end in `Z`, bytes are hexadecimal. Rows come as the server reads them, by one worker and from the first
//! page on, so that an unchanged table gives the same bytes.

use std::sync::Arc;

use futures::TryStreamExt as _;
use tokio_postgres::{
    Client, Config, NoTls,
    config::SslMode,
    error::SqlState,
    types::{Kind, Type},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{
    super::{Error, Hints},
    Span,
    pull::Writer,
    select::{self, Dialect, Rows},
    server::{Failure, Server, Tls, Variables, innermost, patiently, unreachable, untrusted},
};
use crate::{
    define::project::DatabaseOptions,
    record::{
        diagnostic::nearest,
        sql::{literal, quoted},
    },
    storage::{content::Content, read::environment::Patience},
};

const VARIABLES: Variables = Variables {
    host: "PGHOST",
    port: "PGPORT",
    database: "PGDATABASE",
    user: "PGUSER",
    password: "PGPASSWORD",
    tls: "PGSSLMODE",
};

/// One way of writing every value, and one snapshot that nobody can write in.
const SESSION: &str = "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'iso_8601'; \
    SET extra_float_digits = 3; SET bytea_output = 'hex'; SET standard_conforming_strings = on; \
    SET synchronize_seqscans = off; SET max_parallel_workers_per_gather = 0; \
    BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// Pulls what a contract wants of a database.
pub(super) async fn pull(
    name: &Arc<str>,
    location: &str,
    options: &DatabaseOptions,
    span: Option<&Span>,
    hints: &Hints,
) -> Result<Content, Error> {
    patiently(async || {
        let session = Session::open(name, location).await?;
        let source = session.source(options).await?;
        let rows = Rows { from: source.from.clone(), options };
        let watermark = match (&options.watermark, span) {
            (Some(column), Some(span)) => Some((session.column(&source, column)?, span)),
            _ => None,
        };
        let pulled = select::wanted(&source.names, hints);
        let list: Vec<String> = pulled.iter().map(|at| expression(&source.names[*at], &source.types[*at])).collect();
        let sql = format!("COPY (SELECT {} {}) TO STDOUT", list.join(", "), rows.clause(&Postgres, watermark));
        let notes = select::notes(options, source.table.as_deref());
        session.copy(&sql, Writer::new(source.names, pulled, notes)?).await
    })
    .await
}

/// Returns the largest value of the watermark column that is not below `since`.
pub(super) async fn largest(
    location: &str,
    options: &DatabaseOptions,
    watermark: &str,
    since: Option<&str>,
) -> Result<Option<String>, Error> {
    let name: Arc<str> = options.table.as_deref().unwrap_or("query").into();
    patiently(async || {
        let session = Session::open(&name, location).await?;
        let source = session.source(options).await?;
        let column = session.column(&source, watermark)?;
        let rows = Rows { from: source.from.clone(), options };
        let clause = rows.since(&Postgres, column, since);
        let sql = format!("SELECT max({})::text {clause}", Postgres.name(column));
        let found = session.client.query_one(&sql, &[]).await.map_err(|error| session.failed(&error))?;
        found.try_get(0).map_err(|error| session.failed(&error))
    })
    .await
}

struct Postgres;

impl Dialect for Postgres {
    fn name(&self, name: &str) -> String {
        quoted(name)
    }

    fn literal(&self, value: &str) -> String {
        literal(value)
    }
}

/// Writes a column so that its text loses nothing.
fn expression(name: &str, of: &Type) -> String {
    let quoted = Postgres.name(name);
    match plain(of).name() {
        // In UTC nothing else in a timestamp looks like this.
        "timestamptz" => format!("replace({quoted}::text, '+00', 'Z')"),
        "bool" => format!("{quoted}::text"),
        "bytea" => format!("encode({quoted}, 'hex')"),
        "money" => format!("{quoted}::numeric"),
        _ => quoted,
    }
}

/// Returns what a domain is made of.
fn plain(of: &Type) -> &Type {
    match of.kind() {
        Kind::Domain(inner) => plain(inner),
        _ => of,
    }
}

/// A table, view or query with its columns.
struct Source {
    from: String,
    names: Vec<String>,
    types: Vec<Type>,
    table: Option<String>,
}

/// A connection in a read-only snapshot.
struct Session<'a> {
    name: &'a Arc<str>,
    server: String,
    client: Client,
    patience: Patience,
}

impl<'a> Session<'a> {
    async fn open(name: &'a Arc<str>, location: &str) -> Result<Self, Failure> {
        let patience = Patience::from_environment();
        let server = Server::read(name, location, &VARIABLES)?;
        let config = config(&server, &patience);
        let shown = server.shown();
        let failed = |error: tokio_postgres::Error| failure(name, &shown, &error);
        let client = match (server.tls, MakeRustlsConnect::with_native_certs()) {
            (Tls::Never, _) | (Tls::IfOffered, Err(_)) => {
                let (client, connection) = config.connect(NoTls).await.map_err(failed)?;
                tokio::spawn(connection);
                client
            }
            (_, Ok((tls, _))) => {
                let (client, connection) = config.connect(tls).await.map_err(failed)?;
                tokio::spawn(connection);
                client
            }
            (Tls::Always, Err(_)) => {
                let reason = "the machine has no certificates to check the server's with";
                return Err(unreachable(name, reason, "set SSL_CERT_FILE").into());
            }
        };
        let limits = format!("SET statement_timeout = '{}s'; {SESSION}", patience.statement.as_secs());
        client.batch_execute(&limits).await.map_err(failed)?;
        Ok(Self { name, server: shown, client, patience })
    }

    fn failed(&self, error: &tokio_postgres::Error) -> Failure {
        failure(self.name, &self.server, error)
    }

    fn refused(&self, reason: String, hint: String) -> Failure {
        Error::unreadable(self.name, reason, hint).into()
    }

    async fn source(&self, options: &DatabaseOptions) -> Result<Source, Failure> {
        let (from, table) = if let Some(query) = &options.query {
            (select::query_as_table(query), None)
        } else {
            let (schema, table) = self.choose(options.table.as_deref().unwrap_or_default()).await?;
            (format!("{}.{}", Postgres.name(&schema), Postgres.name(&table)), Some(format!("{schema}.{table}")))
        };
        let statement = self.client.prepare(&format!("SELECT * FROM {from}")).await;
        let statement = statement.map_err(|error| self.failed(&error))?;
        let names: Vec<String> = statement.columns().iter().map(|column| column.name().to_owned()).collect();
        if let Some(name) = select::twice(&names) {
            let hint = "give one of them another name with AS".to_owned();
            return Err(self.refused(format!("the query has two columns named `{name}`"), hint));
        }
        let types = statement.columns().iter().map(|column| column.type_().clone()).collect();
        Ok(Source { from, names, types, table })
    }

    fn column<'s>(&self, source: &'s Source, name: &str) -> Result<&'s str, Failure> {
        select::column(&source.names, name)
            .map_err(|hint| self.refused(format!("there is no column `{name}` for the watermark"), hint))
    }

    /// Finds a table by its name, with or without its schema, case set aside where that leaves one.
    async fn choose(&self, name: &str) -> Result<(String, String), Failure> {
        let sql = "SELECT n.nspname::text, c.relname::text, pg_table_is_visible(c.oid) \
                   FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                   WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') ORDER BY 1, 2";
        let found = self.client.query(sql, &[]).await.map_err(|error| self.failed(&error))?;
        let tables: Vec<(String, String, bool)> =
            found.iter().map(|row| (row.get::<_, String>(0), row.get::<_, String>(1), row.get::<_, bool>(2))).collect();
        let is_named = |table: &&(String, String, bool), fold: fn(&str) -> String| {
            let full = format!("{}.{}", table.0, table.1);
            fold(&full) == fold(name) || (table.2 && fold(&table.1) == fold(name))
        };
        let exact = tables.iter().find(|table| is_named(table, str::to_owned));
        let mut alike = tables.iter().filter(|table| is_named(table, str::to_lowercase));
        if let Some(table) = exact.or_else(|| alike.next().filter(|_| alike.next().is_none())) {
            return Ok((table.0.clone(), table.1.clone()));
        }
        let own = tables.iter().filter(|table| !["pg_catalog", "information_schema"].contains(&table.0.as_str()));
        let own: Vec<String> = own.map(|(schema, table, _)| format!("{schema}.{table}")).collect();
        let bare = own.iter().filter_map(|full| full.split_once('.').map(|(_, table)| table));
        let near = nearest(name, own.iter().map(String::as_str).chain(bare)).map(str::to_owned);
        let hint = near.map_or_else(
            || "write it as `schema.table`, and check the rights of the user".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        Err(self.refused(format!("there is no table `{name}`"), hint))
    }

    /// Writes every row that the server copies out.
    async fn copy(&self, sql: &str, mut writer: Writer) -> Result<Content, Failure> {
        let failed = |error: tokio_postgres::Error| self.failed(&error);
        let stream = self.client.copy_out(sql).await.map_err(failed)?;
        let mut stream = std::pin::pin!(stream);
        // The server keeps the time of the statement; this one is for a server that is gone without a word.
        let longest = self.patience.statement + self.patience.request;
        loop {
            let next = tokio::time::timeout(longest, stream.try_next()).await;
            let next = next.map_err(|_| {
                let error = unreachable(self.name, format!("`{}` is silent", self.server), "check the network");
                Failure::Connection(error)
            })?;
            match next.map_err(failed)? {
                Some(bytes) => writer.rows(&bytes)?,
                None => return Ok(writer.finish()?),
            }
        }
    }
}

fn config(server: &Server, patience: &Patience) -> Config {
    let mut config = Config::new();
    match &server.socket {
        Some(folder) => config.host_path(folder),
        None => config.host(server.host.as_str()),
    };
    if let Some(port) = server.port {
        config.port(port);
    }
    if let Some(user) = &server.user {
        config.user(user.as_str());
    }
    if let Some(password) = &server.password {
        config.password(password.as_str());
    }
    if let Some(database) = &server.database {
        config.dbname(database.as_str());
    }
    config.application_name("tallyhouse").connect_timeout(patience.request.min(std::time::Duration::from_secs(15)));
    config.ssl_mode(match server.tls {
        Tls::Never => SslMode::Disable,
        Tls::IfOffered => SslMode::Prefer,
        Tls::Always => SslMode::Require,
    });
    config
}

/// Says what a failure means, and whether another attempt may help.
fn failure(name: &Arc<str>, server: &str, error: &tokio_postgres::Error) -> Failure {
    if let Some(said) = error.as_db_error() {
        let reason = format!("`{server}` says: {} ({})", said.message(), said.code().code());
        let error = unreachable(name, reason, hint(said.code()));
        let may_help = [
            SqlState::CANNOT_CONNECT_NOW,
            SqlState::TOO_MANY_CONNECTIONS,
            SqlState::ADMIN_SHUTDOWN,
            SqlState::CRASH_SHUTDOWN,
        ];
        return if may_help.contains(said.code()) { Failure::Connection(error) } else { Failure::Refusal(error) };
    }
    let words = innermost(error);
    if let Some(error) = untrusted(name, server, &words) {
        return error.into();
    }
    if words.contains("password") || words.contains("user") {
        return unreachable(name, format!("cannot log in to `{server}`: {words}"), hint(&SqlState::INVALID_PASSWORD))
            .into();
    }
    let hint = "check the address, the network, and that the server is running";
    let error_out = unreachable(name, format!("cannot reach `{server}`: {words}"), hint);
    if error.to_string().contains("TLS") { error_out.into() } else { Failure::Connection(error_out) }
}

fn hint(code: &SqlState) -> &'static str {
    match code.code() {
        "57014" => "TALLYHOUSE_STATEMENT_SECONDS sets how long a statement may take",
        "42501" => "let the user read the table: GRANT SELECT",
        "3D000" => "check the database's name in `location`",
        "53300" => "the server has no room for one more connection; run again later",
        code if code.starts_with("28") => "set PGUSER and PGPASSWORD",
        code if code.starts_with("42") => "check `table`, `query` and `where`",
        _ => "look into the server's log",
    }
}
