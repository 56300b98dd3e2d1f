//! MySQL and MariaDB: a table, view or query → a pull, by the text protocol in one read-only snapshot.
//!
//! In: an address and what is wanted. Out: every value as the server writes it, in UTC and with all digits; TIMESTAMP
//! values end in `Z`, bytes are hexadecimal, FLOAT has the digits that tell it from its neighbours.

use std::sync::Arc;

use mysql_async::{
    Column, Conn, DriverError, Error as Said, OptsBuilder, Row, SslOpts, Value,
    consts::{ColumnFlags, ColumnType},
    prelude::Queryable as _,
};

use super::{
    super::{Error, Hints},
    Span,
    pull::Writer,
    select::{self, Dialect, Rows},
    server::{Failure, NAME_THE_AUTHORITY, Server, Tls, Variables, innermost, patiently, unreachable, untrusted},
};
use crate::{
    define::project::DatabaseOptions,
    record::diagnostic::nearest,
    storage::{
        content::Content,
        read::environment::{Patience, variable},
    },
};

const VARIABLES: Variables = Variables {
    host: "MYSQL_HOST",
    port: "MYSQL_TCP_PORT",
    database: "MYSQL_DATABASE",
    user: "MYSQL_USER",
    password: "MYSQL_PASSWORD",
    tls: "MYSQL_SSL_MODE",
};

/// The character set of bytes that are no text.
const BINARY: u16 = 63;

/// Pulls what a contract wants of a database.
pub(super) async fn pull(
    name: &Arc<str>,
    location: &str,
    options: &DatabaseOptions,
    span: Option<&Span>,
    hints: &Hints,
) -> Result<Content, Error> {
    patiently(async || {
        let mut session = Session::open(name, location).await?;
        let source = session.source(options).await?;
        let rows = Rows { from: source.from.clone(), options };
        let watermark = match (&options.watermark, span) {
            (Some(column), Some(span)) => Some((session.column(&source, column)?, span)),
            _ => None,
        };
        let dialect = source.dialect(watermark.map(|(column, _)| column));
        let pulled = select::wanted(&source.names, hints);
        let columns: Vec<Shown> = pulled.iter().map(|at| Shown::of(&source.columns[*at])).collect();
        let list: Vec<String> = pulled
            .iter()
            .zip(&columns)
            .map(|(at, shown)| shown.expression(&dialect.name(&source.names[*at])))
            .collect();
        let sql = format!("SELECT {} {}", list.join(", "), rows.clause(&dialect, watermark));
        let notes = select::notes(options, source.table.as_deref());
        session.copy(&sql, &columns, Writer::new(source.names, pulled, notes)?).await
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
        let mut session = Session::open(&name, location).await?;
        let source = session.source(options).await?;
        let column = session.column(&source, watermark)?;
        let dialect = source.dialect(Some(column));
        let rows = Rows { from: source.from.clone(), options };
        let clause = rows.since(&dialect, column, since);
        let sql = format!("SELECT CAST(max({}) AS CHAR) {clause}", dialect.name(column));
        let found: Option<Option<String>> =
            session.connection.query_first(sql).await.map_err(|error| session.failed(&error))?;
        Ok(found.flatten())
    })
    .await
}

struct Mysql {
    /// Whether the watermark column holds numbers.
    is_numeric: bool,
}

impl Dialect for Mysql {
    fn name(&self, name: &str) -> String {
        format!("`{}`", name.replace('`', "``"))
    }

    fn literal(&self, value: &str) -> String {
        let is_number = value.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte))
            && value.parse::<f64>().is_ok_and(f64::is_finite);
        if self.is_numeric && is_number {
            value.to_owned()
        } else {
            format!("'{}'", value.replace('\\', "\\\\").replace('\'', "''"))
        }
    }
}

/// How a column is asked for and written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Plain,
    Instant,
    Bytes,
    Bits,
    Float,
}

impl Shown {
    fn of(column: &Column) -> Self {
        use ColumnType as Of;
        match column.column_type() {
            Of::MYSQL_TYPE_TIMESTAMP | Of::MYSQL_TYPE_TIMESTAMP2 => Self::Instant,
            Of::MYSQL_TYPE_FLOAT => Self::Float,
            Of::MYSQL_TYPE_BIT => Self::Bits,
            Of::MYSQL_TYPE_GEOMETRY => Self::Bytes,
            Of::MYSQL_TYPE_STRING
            | Of::MYSQL_TYPE_VAR_STRING
            | Of::MYSQL_TYPE_VARCHAR
            | Of::MYSQL_TYPE_TINY_BLOB
            | Of::MYSQL_TYPE_MEDIUM_BLOB
            | Of::MYSQL_TYPE_LONG_BLOB
            | Of::MYSQL_TYPE_BLOB
                if column.character_set() == BINARY =>
            {
                Self::Bytes
            }
            _ => Self::Plain,
        }
    }

    fn expression(self, name: &str) -> String {
        match self {
            Self::Plain => name.to_owned(),
            Self::Instant => format!("CONCAT({name}, 'Z')"),
            Self::Bytes => format!("LOWER(HEX({name}))"),
            Self::Bits => format!("CAST({name} AS UNSIGNED)"),
            // By itself the server writes six digits.
            Self::Float => format!("{name} + 0e0"),
        }
    }

    fn write(self, value: Option<&Value>, writer: &mut Writer) {
        match value {
            Some(Value::Bytes(bytes)) if self == Self::Float => writer.cell(Some(float(bytes).as_bytes())),
            Some(Value::Bytes(bytes)) => writer.cell(Some(bytes)),
            Some(Value::NULL) | None => writer.cell(None),
            Some(other) => writer.cell(Some(other.as_sql(true).trim_matches('\'').as_bytes())),
        }
    }
}

/// Returns the shortest text of the four-byte number that a server wrote as an eight-byte one.
#[expect(clippy::cast_possible_truncation, reason = "the column holds four bytes")]
fn float(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.parse::<f64>().map_or_else(|_| text.clone().into_owned(), |value| (value as f32).to_string())
}

/// A table, view or query with its columns.
struct Source {
    from: String,
    names: Vec<String>,
    columns: Arc<[Column]>,
    table: Option<String>,
}

impl Source {
    fn dialect(&self, watermark: Option<&str>) -> Mysql {
        let at = watermark.and_then(|name| self.names.iter().position(|column| column == name));
        let is_numeric = at.is_some_and(|at| {
            let column = &self.columns[at];
            column.column_type().is_numeric_type() && !column.flags().contains(ColumnFlags::TIMESTAMP_FLAG)
        });
        Mysql { is_numeric }
    }
}

/// A connection in a read-only snapshot.
struct Session<'a> {
    name: &'a Arc<str>,
    server: String,
    connection: Conn,
    patience: Patience,
}

impl<'a> Session<'a> {
    async fn open(name: &'a Arc<str>, location: &str) -> Result<Self, Failure> {
        let patience = Patience::from_environment();
        let server = Server::read(name, location, &VARIABLES)?;
        let shown = server.shown();
        let connection = connect(name, &server, &patience).await?;
        let mut session = Self { name, server: shown, connection, patience };
        let seconds = session.patience.statement.as_secs();
        // Each of the two servers knows one of them.
        for limit in [format!("max_statement_time = {seconds}"), format!("max_execution_time = {}", seconds * 1000)] {
            let _ = session.connection.query_drop(format!("SET SESSION {limit}")).await;
        }
        for statement in [
            "SET NAMES utf8mb4",
            "SET SESSION time_zone = '+00:00'",
            "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
            "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
        ] {
            let done = session.connection.query_drop(statement).await;
            done.map_err(|error| session.failed(&error))?;
        }
        Ok(session)
    }

    fn failed(&self, error: &Said) -> Failure {
        failure(self.name, &self.server, error)
    }

    fn refused(&self, reason: String, hint: String) -> Failure {
        Error::unreadable(self.name, reason, hint).into()
    }

    async fn source(&mut self, options: &DatabaseOptions) -> Result<Source, Failure> {
        let quoted = Mysql { is_numeric: false };
        let (from, table) = if let Some(query) = &options.query {
            (select::query_as_table(query), None)
        } else {
            let (schema, table) = self.choose(options.table.as_deref().unwrap_or_default()).await?;
            (format!("{}.{}", quoted.name(&schema), quoted.name(&table)), Some(format!("{schema}.{table}")))
        };
        let columns = match self.connection.query_iter(format!("SELECT * FROM {from} LIMIT 0")).await {
            Ok(result) => {
                let columns = result.columns();
                result.drop_result().await.map(|()| columns.unwrap_or_default())
            }
            Err(error) => Err(error),
        };
        let columns = columns.map_err(|error| self.failed(&error))?;
        let names: Vec<String> = columns.iter().map(|column| column.name_str().into_owned()).collect();
        if let Some(name) = select::twice(&names) {
            let hint = "give one of them another name with AS".to_owned();
            return Err(self.refused(format!("the query has two columns named `{name}`"), hint));
        }
        Ok(Source { from, names, columns, table })
    }

    fn column<'s>(&self, source: &'s Source, name: &str) -> Result<&'s str, Failure> {
        select::column(&source.names, name)
            .map_err(|hint| self.refused(format!("there is no column `{name}` for the watermark"), hint))
    }

    /// Finds a table by its name, with or without its database, case set aside where that leaves one.
    async fn choose(&mut self, name: &str) -> Result<(String, String), Failure> {
        let sql = "SELECT table_schema, table_name, table_schema <=> DATABASE() FROM information_schema.tables \
                   ORDER BY 1, 2";
        let found: Result<Vec<(String, String, bool)>, _> = self.connection.query(sql).await;
        let tables = found.map_err(|error| self.failed(&error))?;
        let is_named = |table: &&(String, String, bool), fold: fn(&str) -> String| {
            let full = format!("{}.{}", table.0, table.1);
            fold(&full) == fold(name) || (table.2 && fold(&table.1) == fold(name))
        };
        let exact = tables.iter().find(|table| is_named(table, str::to_owned));
        let mut alike = tables.iter().filter(|table| is_named(table, str::to_lowercase));
        if let Some(table) = exact.or_else(|| alike.next().filter(|_| alike.next().is_none())) {
            return Ok((table.0.clone(), table.1.clone()));
        }
        let own: Vec<&str> = tables.iter().filter(|table| table.2).map(|table| table.1.as_str()).collect();
        let hint = nearest(name, own).map_or_else(
            || "write it as `database.table`, and check the rights of the user".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        Err(self.refused(format!("there is no table `{name}`"), hint))
    }

    /// Writes every row of a statement.
    async fn copy(&mut self, sql: &str, columns: &[Shown], mut writer: Writer) -> Result<Content, Failure> {
        let (name, server) = (self.name, self.server.clone());
        let failed = |error: Said| failure(name, &server, &error);
        let longest = self.patience.statement + self.patience.request;
        let mut result = self.connection.query_iter(sql).await.map_err(failed)?;
        loop {
            let next = tokio::time::timeout(longest, result.next()).await;
            let next: Option<Row> = next
                .map_err(|_| {
                    let error = unreachable(name, format!("`{server}` is silent"), "check the network");
                    Failure::Connection(error)
                })?
                .map_err(failed)?;
            let Some(row) = next else { return Ok(writer.finish()?) };
            for (at, shown) in columns.iter().enumerate() {
                shown.write(row.as_ref(at), &mut writer);
            }
            writer.end_row()?;
        }
    }
}

/// Connects; a server that offers no encryption is spoken to without it only where the address allows that.
async fn connect(name: &Arc<str>, server: &Server, patience: &Patience) -> Result<Conn, Failure> {
    let encrypted = (server.tls != Tls::Never).then(|| {
        let authority = variable("SSL_CERT_FILE").map(|file| std::path::PathBuf::from(file).into());
        SslOpts::default().with_root_certs(authority.into_iter().collect())
    });
    let limit = patience.request.min(std::time::Duration::from_secs(15));
    let attempt = async |tls: Option<SslOpts>| {
        let options = OptsBuilder::default()
            .ip_or_hostname(server.host.as_str())
            .tcp_port(server.port.unwrap_or(3306))
            .user(server.user.as_deref())
            .pass(server.password.as_deref())
            .db_name(server.database.as_deref())
            .socket(server.socket.as_deref())
            .prefer_socket(server.socket.is_some())
            .ssl_opts(tls);
        tokio::time::timeout(limit, Conn::new(options)).await
    };
    let is_offered = encrypted.is_some() && server.socket.is_none();
    if is_offered && let Some(file) = variable("SSL_CERT_FILE").filter(|file| !std::path::Path::new(file).is_file()) {
        let reason = format!("cannot check the certificate of `{}`: there is no file `{file}`", server.shown());
        return Err(unreachable(name, reason, "name the authority's file in SSL_CERT_FILE").into());
    }
    let mut answer = attempt(encrypted.filter(|_| is_offered)).await;
    if server.tls == Tls::IfOffered && matches!(&answer, Ok(Err(Said::Driver(DriverError::NoClientSslFlagFromServer))))
    {
        answer = attempt(None).await;
    }
    match answer {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(failure(name, &server.shown(), &error)),
        Err(_) => {
            let reason = format!("cannot reach `{}`: no answer in {} seconds", server.shown(), limit.as_secs());
            Err(Failure::Connection(unreachable(name, reason, "check the address and the network")))
        }
    }
}

/// Says what a failure means, and whether another attempt may help.
fn failure(name: &Arc<str>, server: &str, error: &Said) -> Failure {
    /// Too many connections; the server is going down.
    const MAY_HELP: [u16; 3] = [1040, 1053, 1203];
    match error {
        Said::Server(said) => {
            let reason = format!("`{server}` says: {} ({})", said.message, said.code);
            let error = unreachable(name, reason, hint(said.code));
            if MAY_HELP.contains(&said.code) { Failure::Connection(error) } else { Failure::Refusal(error) }
        }
        Said::Io(mysql_async::IoError::Tls(_)) => {
            unreachable(name, format!("no encrypted connection to `{server}`: {error}"), NAME_THE_AUTHORITY).into()
        }
        Said::Io(_) | Said::Driver(DriverError::ConnectionClosed) => {
            // The driver takes what the encryption says for trouble of the network.
            if let Some(error) = untrusted(name, server, &innermost(error)) {
                return error.into();
            }
            let hint = "check the address, the network, and that the server is running";
            Failure::Connection(unreachable(name, format!("cannot reach `{server}`: {error}"), hint))
        }
        other => unreachable(name, format!("`{server}`: {other}"), "look into the server's log").into(),
    }
}

const fn hint(code: u16) -> &'static str {
    match code {
        1045 | 1698 => "set MYSQL_USER and MYSQL_PASSWORD",
        1044 | 1142 | 1143 => "let the user read the table: GRANT SELECT",
        1049 => "check the database's name in `location`",
        1969 | 3024 => "TALLYHOUSE_STATEMENT_SECONDS sets how long a statement may take",
        _ => "check `table`, `query` and `where`",
    }
}

#[cfg(test)]
#[expect(clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_that_nobody_vouches_for_is_no_trouble_of_the_network() {
        let of = |words: &str| {
            let trouble = std::io::Error::other(std::io::Error::other(words.to_owned()));
            failure(&Arc::from("sale"), "db:3306", &Said::Io(mysql_async::IoError::Io(trouble)))
        };
        let Failure::Refusal(error) = of("invalid peer certificate: UnknownIssuer") else {
            panic!("another attempt does not help")
        };
        let said = error.to_string();
        assert!(said.contains("the certificate of `db:3306` is not trusted: invalid peer certificate"), "{said}");
        assert!(error.hint().is_some_and(|hint| hint.contains("SSL_CERT_FILE")));
        assert!(matches!(of("connection reset"), Failure::Connection(_)));
    }
}
