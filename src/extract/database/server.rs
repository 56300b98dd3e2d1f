//! What connections to all servers have in common: the address, where credentials come from, how long to try.
//!
//! In: the location of a server. Out: its parts, filled in at the moment of use, and a loop of attempts. Deliberately no
//! driver in here, and no password in any text.

use std::{sync::Arc, time::Duration};

use super::super::Error;
use crate::storage::read::environment::{Patience, filled, variable};

/// The parts of a server's address; what it does not say comes from the environment.
pub(super) struct Server {
    pub host: String,
    pub port: Option<u16>,
    pub database: Option<String>,
    pub user: Option<String>,
    pub password: Option<String>,
    /// A folder with the server's socket, or the socket.
    pub socket: Option<String>,
    pub tls: Tls,
}

/// Whether the connection is encrypted. Certificates are always checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tls {
    Never,
    IfOffered,
    Always,
}

/// Environment variables of one kind of server.
pub(super) struct Variables {
    pub host: &'static str,
    pub port: &'static str,
    pub database: &'static str,
    pub user: &'static str,
    pub password: &'static str,
    pub tls: &'static str,
}

impl Server {
    /// Reads an address.
    pub(super) fn read(name: &Arc<str>, location: &str, variables: &Variables) -> Result<Self, Error> {
        let wrong = |reason: String| {
            Error::unreadable(name, format!("its address is none: {reason}"), "write `postgres://host:5432/database`")
        };
        let rest = location.split_once("://").map_or("", |(_, rest)| rest);
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, address) = authority.rsplit_once('@').map_or((None, authority), |(user, at)| (Some(user), at));
        let (user, password) = user.map_or((None, None), |user| match password_colon(user) {
            Some(at) => (Some(&user[..at]), Some(&user[at + 1..])),
            None => (Some(user), None),
        });
        let fill = |part: Option<&str>| part.filter(|part| !part.is_empty()).map(filled).transpose();
        let (host, port) = host_and_port(address).ok_or_else(|| wrong(format!("`{address}` is no host and port")))?;
        let query = filled(query)?;
        let port = match port.map(str::to_owned).or_else(|| variable(variables.port)) {
            Some(port) => Some(port.parse().map_err(|_| wrong(format!("`{port}` is no port")))?),
            None => None,
        };
        let mut server = Self {
            host: Some(host)
                .filter(|host| !host.is_empty())
                .map(str::to_owned)
                .or_else(|| variable(variables.host))
                .unwrap_or_default(),
            port,
            database: Some(database)
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .or_else(|| variable(variables.database)),
            user: fill(user)?.or_else(|| variable(variables.user)),
            password: fill(password)?.or_else(|| variable(variables.password)),
            socket: None,
            tls: tls(&variable(variables.tls).unwrap_or_default()).unwrap_or(Tls::IfOffered),
        };
        for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match key.as_ref() {
                "sslmode" | "ssl-mode" => {
                    server.tls = tls(&value).ok_or_else(|| wrong(format!("`sslmode={value}` is unknown")))?;
                }
                "host" | "socket" => server.socket = Some(value.into_owned()),
                other => return Err(wrong(format!("`{other}` is no option; known are `sslmode` and `host`"))),
            }
        }
        if server.socket.is_none() && server.host.starts_with('/') {
            server.socket = Some(std::mem::take(&mut server.host));
        }
        if server.host.is_empty() {
            "localhost".clone_into(&mut server.host);
        }
        Ok(server)
    }

    /// Names the server in a message.
    pub(super) fn shown(&self) -> String {
        match (&self.socket, self.port) {
            (Some(socket), _) => socket.clone(),
            (None, Some(port)) => format!("{}:{port}", self.host),
            (None, None) => self.host.clone(),
        }
    }
}

/// Returns where user and password part: at the first colon that is not a variable's, as in `${USER:-ann}`.
fn password_colon(user: &str) -> Option<usize> {
    let mut depth = 0_usize;
    user.char_indices().find_map(|(at, sign)| {
        match sign {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ':' if depth == 0 => return Some(at),
            _ => {}
        }
        None
    })
}

fn host_and_port(address: &str) -> Option<(&str, Option<&str>)> {
    if let Some(inner) = address.strip_prefix('[') {
        let (host, behind) = inner.split_once(']')?;
        return Some((host, behind.strip_prefix(':')));
    }
    Some(address.split_once(':').map_or((address, None), |(host, port)| (host, Some(port))))
}

fn tls(mode: &str) -> Option<Tls> {
    match mode.to_lowercase().replace('_', "-").as_str() {
        "disable" | "disabled" => Some(Tls::Never),
        "allow" | "prefer" | "preferred" => Some(Tls::IfOffered),
        "require" | "required" | "verify-ca" | "verify-full" | "verify-identity" => Some(Tls::Always),
        _ => None,
    }
}

/// Says that a server cannot be reached, or does not let anybody in.
pub(super) fn unreachable(name: &Arc<str>, reason: impl Into<String>, hint: impl Into<String>) -> Error {
    Error::Unreachable { path: Arc::clone(name), reason: reason.into(), hint: hint.into() }
}

/// What to do where a connection cannot be encrypted.
pub(super) const NAME_THE_AUTHORITY: &str =
    "name the authority's file in SSL_CERT_FILE, or write `?sslmode=disable` where the network is safe";

/// Says so if it is a server's certificate that a connection failed for; the words are those of the innermost cause.
pub(super) fn untrusted(name: &Arc<str>, server: &str, words: &str) -> Option<Error> {
    let is_so = words.contains("certificate") || words.contains("UnknownIssuer");
    is_so.then(|| {
        unreachable(name, format!("the certificate of `{server}` is not trusted: {words}"), NAME_THE_AUTHORITY)
    })
}

/// Returns what an error says that has no further cause.
pub(super) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// A failed attempt.
pub(super) enum Failure {
    /// The server cannot be reached or went away: worth another attempt.
    Connection(Error),
    /// The server said no.
    Refusal(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refusal(error)
    }
}

impl From<crate::storage::read::Error> for Failure {
    fn from(error: crate::storage::read::Error) -> Self {
        Self::Refusal(error.into())
    }
}

/// Tries until it works, the server says no, or patience ends; each pause is twice as long as the one before.
pub(super) async fn patiently<T>(attempt: impl AsyncFn() -> Result<T, Failure>) -> Result<T, Error> {
    const LONGEST_PAUSE: Duration = Duration::from_secs(15);
    let patience = Patience::from_environment();
    let began = std::time::Instant::now();
    let mut pause = Duration::from_millis(200);
    let mut attempts = 1;
    loop {
        match attempt().await {
            Ok(done) => return Ok(done),
            Err(Failure::Refusal(error)) => return Err(error),
            Err(Failure::Connection(error))
                if attempts > patience.retries || began.elapsed() + pause > patience.total =>
            {
                return Err(after(error, attempts));
            }
            Err(Failure::Connection(_)) => {}
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
        attempts += 1;
    }
}

/// Says how often it was tried.
fn after(error: Error, attempts: usize) -> Error {
    match error {
        Error::Unreachable { path, reason, hint } if attempts > 1 => {
            Error::Unreachable { path, reason: format!("{reason}, after {attempts} attempts"), hint }
        }
        other => other,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    const NONE: Variables = Variables {
        host: "TALLYHOUSE_NOT_SET",
        port: "TALLYHOUSE_NOT_SET",
        database: "TALLYHOUSE_NOT_SET",
        user: "TALLYHOUSE_NOT_SET",
        password: "TALLYHOUSE_NOT_SET",
        tls: "TALLYHOUSE_NOT_SET",
    };

    fn server(location: &str) -> Server {
        Server::read(&Arc::from("t"), location, &NONE).unwrap()
    }

    #[test]
    fn an_address_is_taken_apart() {
        let found = server("postgres://${TALLYHOUSE_NOBODY:-ann}@[::1]:5433/crm?sslmode=verify-full");
        assert_eq!((found.host.as_str(), found.port, found.user.as_deref()), ("::1", Some(5433), Some("ann")));
        assert_eq!((found.database.as_deref(), found.tls), (Some("crm"), Tls::Always));
        let found = server("postgres:///crm?host=/run/pg");
        assert_eq!(
            (found.socket.as_deref(), found.tls, found.shown().as_str()),
            (Some("/run/pg"), Tls::IfOffered, "/run/pg")
        );
    }

    #[test]
    fn what_is_no_address_is_an_error() {
        for location in ["postgres://host:x/db", "postgres://host/db?sslmode=perhaps", "postgres://host/db?password=x"]
        {
            let error = Server::read(&Arc::from("t"), location, &NONE).err().unwrap();
            assert!(error.to_string().starts_with("cannot read `t`: its address is none"), "{error}");
        }
    }

    #[tokio::test]
    async fn only_connections_are_tried_again() {
        let count = std::cell::Cell::new(0);
        let fails = async || -> Result<(), Failure> {
            count.set(count.get() + 1);
            let error = Error::unreadable(&Arc::from("t"), "no", "-");
            Err(if count.get() < 3 { Failure::Connection(error) } else { Failure::Refusal(error) })
        };
        assert!(patiently(fails).await.is_err());
        assert_eq!(count.get(), 3);
    }
}
