//! What a location says: its text → a path of the local disk, or a key below the root of an object store.
//!
//! In: a location as a contract gives it. Out: a [`Place`], wildcards included. Deliberately opens nothing, and refuses
//! passwords: what a location says stands in reports.

use super::Error;

/// Where a location points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A path of the local disk.
    Disk(String),
    /// A key of an object store.
    Store(Address),
}

/// A kind of object store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    S3,
    Google,
    Azure,
    Http,
}

/// A key, or a glob of keys, below the root of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub kind: Kind,
    /// How the root is written: `s3://bucket`, `https://host:8080`.
    pub root: String,
    /// Bucket or container; the host of a web server.
    pub bucket: String,
    /// The account of an Azure container, where the location names it.
    pub account: Option<String>,
    /// What follows `?` in a web address, variables not yet filled in.
    pub query: Option<String>,
    /// The key as it is, nothing encoded.
    pub key: String,
}

impl Address {
    /// Returns how a key of this store is shown; without the query, which may hold a secret.
    pub(super) fn shown(&self, key: &str) -> String {
        format!("{}/{key}", self.root)
    }
}

/// Reads a location.
pub(super) fn place(location: &str) -> Result<Place, Error> {
    match location.split_once("://") {
        None => absolute(location).map(Place::Disk),
        Some(("file", rest)) => file_url(location, rest).map(Place::Disk),
        Some((scheme, rest)) => keyed(location, address(location, scheme, rest)?),
    }
}

/// Reads the location of a folder of an object store that can be written; its key may be empty.
pub(super) fn folder(location: &str) -> Result<Address, Error> {
    let (scheme, rest) = location.split_once("://").unwrap_or_default();
    let found = address(location, scheme, rest)?;
    if found.kind == Kind::Http {
        return Err(wrong(location, "a web server cannot be written: name a bucket, `s3://bucket/folder`"));
    }
    if found.key.contains(['*', '?', '[', '{']) {
        return Err(wrong(location, "it names no single folder"));
    }
    let key = found.key.split('/').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/");
    Ok(Address { key, ..found })
}

fn address(location: &str, scheme: &str, rest: &str) -> Result<Address, Error> {
    let (authority, key) = rest.split_once('/').unwrap_or((rest, ""));
    if authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':') || scheme.starts_with("http")) {
        return Err(Error::Secret { scheme: scheme.to_owned() });
    }
    match scheme {
        "s3" | "s3a" => bucket(location, Kind::S3, authority, key),
        "gs" => bucket(location, Kind::Google, authority, key),
        "az" | "azure" => bucket(location, Kind::Azure, authority, key),
        "abfs" | "abfss" => azure(location, scheme, authority, key),
        "http" | "https" => web(location),
        _ => Err(Error::Unsupported { scheme: scheme.to_owned() }),
    }
}

fn wrong(location: &str, reason: impl Into<String>) -> Error {
    let shown = location.split_once('?').filter(|_| location.starts_with("http")).map_or(location, |(path, _)| path);
    Error::Location { location: shown.to_owned(), reason: reason.into() }
}

fn absolute(path: &str) -> Result<String, Error> {
    let absolute = std::path::absolute(path).map_err(|error| wrong(path, error.to_string()))?;
    absolute.to_str().map(str::to_owned).ok_or_else(|| wrong(path, "the path is not UTF-8"))
}

fn file_url(location: &str, rest: &str) -> Result<String, Error> {
    // `?` would begin the URL's query and `#` its fragment; in a location both belong to file names.
    let url = format!("file://{}", rest.replace('?', "%3F").replace('#', "%23"));
    let url = url::Url::parse(&url).map_err(|error| wrong(location, error.to_string()))?;
    let path = url.to_file_path().map_err(|()| wrong(location, "the URL names no local file"))?;
    path.to_str().map(str::to_owned).ok_or_else(|| wrong(location, "the path is not UTF-8"))
}

fn bucket(location: &str, kind: Kind, bucket: &str, key: &str) -> Result<Address, Error> {
    if bucket.is_empty() || bucket.contains(['@', '*', '?', '[', '{']) {
        return Err(wrong(location, "the bucket or container is not named"));
    }
    let scheme = location.split("://").next().unwrap_or_default();
    Ok(Address {
        kind,
        root: format!("{scheme}://{bucket}"),
        bucket: bucket.to_owned(),
        account: None,
        query: None,
        key: key.to_owned(),
    })
}

/// Reads `abfss://container@account.dfs.core.windows.net/…`, or `abfss://container/…`.
fn azure(location: &str, scheme: &str, authority: &str, key: &str) -> Result<Address, Error> {
    let Some((container, host)) = authority.split_once('@') else {
        return bucket(location, Kind::Azure, authority, key);
    };
    let account = host.split('.').next().filter(|account| !account.is_empty() && !container.is_empty());
    let account = account.ok_or_else(|| wrong(location, "it names no container and account"))?;
    Ok(Address {
        kind: Kind::Azure,
        root: format!("{scheme}://{authority}"),
        bucket: container.to_owned(),
        account: Some(account.to_owned()),
        query: None,
        key: key.to_owned(),
    })
}

fn web(location: &str) -> Result<Address, Error> {
    let (path, query) = location.split_once('?').map_or((location, None), |(path, query)| (path, Some(query)));
    let url = url::Url::parse(path).map_err(|error| wrong(location, error.to_string()))?;
    let host = url.host_str().ok_or_else(|| wrong(location, "it names no host"))?.to_owned();
    let encoded = path.splitn(4, '/').nth(3).unwrap_or_default();
    let encoded = encoded.split('#').next().unwrap_or_default();
    let key = decoded(encoded).ok_or_else(|| wrong(location, "its path is not UTF-8"))?;
    Ok(Address {
        kind: Kind::Http,
        root: url.origin().ascii_serialization(),
        bucket: host,
        account: None,
        query: query.map(str::to_owned),
        key,
    })
}

fn keyed(location: &str, address: Address) -> Result<Place, Error> {
    if address.key.is_empty() || address.key.ends_with('/') {
        return Err(wrong(location, "it names no file: write `**/*` behind it for all files below it"));
    }
    Ok(Place::Store(address))
}

/// Replaces every `%XX` of a URL's path.
fn decoded(path: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::with_capacity(path.len()), path.as_bytes());
    while let [first, behind @ ..] = rest {
        let code = (*first == b'%').then(|| behind.get(..2)).flatten();
        let code = code.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &behind[2..] } else { behind };
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn address(location: &str) -> Address {
        match place(location).unwrap() {
            Place::Store(address) => address,
            Place::Disk(path) => panic!("{path}"),
        }
    }

    #[test]
    fn keys_are_taken_letter_by_letter() {
        let found = address("s3://b/销售 二月/100%25+a#1?.csv");
        assert_eq!((found.bucket.as_str(), found.key.as_str()), ("b", "销售 二月/100%25+a#1?.csv"));
        assert_eq!(found.shown("x y.csv"), "s3://b/x y.csv");
    }

    #[test]
    fn a_web_address_is_decoded_and_keeps_its_query_apart() {
        let found = address("https://host:8080/a%20b/%E9%94%80+.csv?month=${MONTH}");
        assert_eq!((found.root.as_str(), found.key.as_str()), ("https://host:8080", "a b/销+.csv"));
        assert_eq!(found.query.as_deref(), Some("month=${MONTH}"));
    }

    #[test]
    fn azure_is_named_in_two_ways() {
        let found = address("abfss://data@account.dfs.core.windows.net/x/*.csv");
        assert_eq!((found.bucket.as_str(), found.account.as_deref()), ("data", Some("account")));
        assert_eq!(address("az://data/x/*.csv").account, None);
    }

    #[test]
    fn passwords_and_unknown_schemes_are_refused_without_being_repeated() {
        for location in ["https://me:geheim@host/a.csv", "s3://key:geheim@bucket/a", "https://geheim@host/a.csv"] {
            let error = place(location).unwrap_err();
            assert!(error.to_string().contains("may not hold"), "{error}");
            assert!(!format!("{error} {error:?} {:?}", error.hint()).contains("geheim"), "{error:?}");
        }
        let error = place("ftp://host/geheim").unwrap_err();
        assert_eq!(error.to_string(), "`ftp://` locations are not read");
        let error = place("http://host name/a?geheim").unwrap_err();
        assert!(!format!("{error:?}").contains("geheim"), "{error:?}");
    }

    #[test]
    fn a_location_must_name_a_file() {
        for location in ["s3://bucket", "s3://bucket/", "s3:///a.csv", "gs://b/x/", "https://host", "abfss://@a/x"] {
            assert!(matches!(place(location), Err(Error::Location { .. })), "{location}");
        }
    }
}
