//! What a store's refusal means: an error of `object_store` → a sentence and a hint.
//!
//! In: the error, whose text holds status, error code and address. Out: plain words without any address, because
//! addresses may hold secrets. Deliberately decides nothing: every failure stays one.

use std::error::Error as Cause;

use super::{
    environment::Patience,
    location::{Address, Kind},
};

/// Returns what happened and what to do about it.
pub(super) fn explained(
    error: &object_store::Error,
    address: &Address,
    patience: &Patience,
) -> (String, Option<String>) {
    let text = chain(error);
    let tried = retries(&text).map_or_else(String::new, |retries| format!(" after {} attempts", retries + 1));
    let kind = address.kind;
    if is_bucket_missing(error) {
        return (format!("there is no bucket `{}`", address.bucket), Some("check the name of the bucket".to_owned()));
    }
    if lacks_credentials(error, &text) {
        return ("there are no credentials".to_owned(), Some(credentials(kind)));
    }
    if let Some(status) = status(&text) {
        return of_status(status, &text, &tried, kind);
    }
    let lower = text.to_lowercase();
    let network = |what: &str| {
        let hint = format!(
            "check the network and the address of the store; it was tried for at most {} seconds",
            patience.total.as_secs()
        );
        (format!("{what}{tried}"), Some(hint))
    };
    match () {
        () if lower.contains("without location") => {
            ("the bucket is in another region".to_owned(), Some("set AWS_REGION".to_owned()))
        }
        () if lower.contains("connection refused") => network("nobody answers: connection refused"),
        () if lower.contains("dns error") || lower.contains("lookup address") => network("the host is not known"),
        () if lower.contains("timed out") || lower.contains("timeout") => network("no answer in time"),
        () if lower.contains("certificate") => network("the server's certificate is not trusted"),
        () if lower.contains("content-length header missing") => {
            let hint = "fetch it with another tool and name the file".to_owned();
            ("the server does not say how long the file is".to_owned(), Some(hint))
        }
        () if lower.contains("url scheme is not allowed") || lower.contains("scheme is not http") => {
            let hint = "set AWS_ALLOW_HTTP=true (GOOGLE_…, AZURE_…) for a server without TLS".to_owned();
            ("the address of the store is not https".to_owned(), Some(hint))
        }
        () if lower.contains("error sending request") => network("the connection failed"),
        () => (words_of(error), (kind != Kind::Http).then(|| credentials(kind))),
    }
}

fn of_status(status: u16, text: &str, tried: &str, kind: Kind) -> (String, Option<String>) {
    let code = code(text).map_or_else(String::new, |code| format!(" ({code})"));
    match status {
        301 | 307 => ("the bucket is in another region".to_owned(), Some("set AWS_REGION".to_owned())),
        401 | 403 => (format!("access is denied{code}"), Some(credentials(kind))),
        404 => ("it is not there (any more)".to_owned(), Some("check `location` in the source's contract".to_owned())),
        405 | 501 if kind == Kind::Http => {
            let hint = "name one file, or use a server that speaks WebDAV".to_owned();
            ("the web server cannot list a folder".to_owned(), Some(hint))
        }
        _ => (format!("the server answers {status}{code}{tried}"), Some("try again later".to_owned())),
    }
}

/// Says which variables a store takes credentials from.
fn credentials(kind: Kind) -> String {
    match kind {
        Kind::S3 => "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION, or AWS_SKIP_SIGNATURE=true to read a public bucket",
        Kind::Google => "set GOOGLE_SERVICE_ACCOUNT to a key file, or GOOGLE_SKIP_SIGNATURE=true to read a public bucket",
        Kind::Azure => {
            "set AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY, or AZURE_SKIP_SIGNATURE=true to read a public container"
        }
        Kind::Http => "only files that need no password are read from web servers",
    }
    .to_owned()
}

/// Returns whether the store does not know the bucket itself.
pub(super) fn is_bucket_missing(error: &(dyn Cause + 'static)) -> bool {
    let text = chain(error);
    ["NoSuchBucket", "ContainerNotFound", "The specified bucket does not exist"].iter().any(|mark| text.contains(mark))
}

/// Returns whether the client looked for credentials at the machine's own service and found none.
fn lacks_credentials(error: &object_store::Error, text: &str) -> bool {
    let is_asked = ["169.254.169.254", "169.254.170.2", "metadata.google.internal", "/metadata/identity"];
    is_asked.iter().any(|service| text.contains(service))
        || matches!(error, object_store::Error::Generic { .. }) && text.contains("Missing") && text.contains("Key")
}

/// Returns the texts of an error and of all its causes.
fn chain(error: &(dyn Cause + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push('\n');
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Returns the innermost cause in one line, addresses left out.
pub(super) fn words_of(error: &(dyn Cause + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let text = cause.to_string();
    let words = text.split_whitespace().map(|word| if word.contains("://") { "(address)" } else { word });
    words.collect::<Vec<_>>().join(" ").chars().take(300).collect()
}

fn retries(text: &str) -> Option<u64> {
    let (_, rest) = text.split_once("after ")?;
    rest.split_once(" retries")?.0.parse().ok()
}

fn status(text: &str) -> Option<u16> {
    let (_, rest) = text.split_once("status code: ")?;
    rest.get(..3)?.parse().ok()
}

/// Returns the store's own word for the failure: `<Code>AccessDenied</Code>`.
fn code(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("<Code>")?;
    let code = rest.split_once("</Code>")?.0;
    (code.len() < 64 && code.chars().all(char::is_alphanumeric)).then_some(code)
}
