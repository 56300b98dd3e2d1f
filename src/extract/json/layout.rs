//! Which layout a JSON text has, when the contract does not say.
//!
//! In: a scanner at the text's start. Out: a [`Layout`]. An array is one of records; one object alone is searched for its
//! longest array of objects; several values are records, on lines if the first of them ends with its line. Deliberately
//! streams: of a file that is one object no more than a block is held.

use super::{
    scan::{Layout, Scanner},
    value::{Frame, Framed},
};
use crate::extract::Error;

/// Objects deeper than this are not searched for the array of records.
const DEPTH: usize = 16;

/// Bytes within which the first value of a text of lines ends.
const FIRST_BYTES: usize = 1 << 20;

/// What the longest array of objects in an object is.
#[derive(Debug, Default)]
struct Longest {
    names: Vec<String>,
    objects: u64,
}

/// Chooses a layout.
pub(super) fn detect(mut scanner: Scanner) -> Result<Layout, Error> {
    scanner.skip_blanks(&[])?;
    match scanner.sign()? {
        Some(b'[') => return Ok(Layout::Array(Vec::new())),
        Some(b'{') => {}
        _ => return Ok(Layout::Lines),
    }
    if let Some(layout) = by_first_value(&mut scanner)? {
        return Ok(layout);
    }
    let mut longest = Longest::default();
    let whole = search(&mut scanner, &mut Vec::new(), &mut longest);
    let is_alone = match whole {
        Ok(()) => {
            scanner.skip_blanks(&[])?;
            scanner.sign()?.is_none()
        }
        // A file that was cut, or is wrong somewhere: what was found before counts.
        Err(_) => true,
    };
    Ok(match (is_alone && longest.objects > 0, whole.is_ok()) {
        (true, _) => Layout::Array(longest.names),
        (false, true) => Layout::Values,
        (false, false) => Layout::Lines,
    })
}

/// Chooses by the first value if it is short and not alone.
fn by_first_value(scanner: &mut Scanner) -> Result<Option<Layout>, Error> {
    let start = scanner.window.at();
    while scanner.window.text().len() < FIRST_BYTES && scanner.window.grow()? {}
    let text = &scanner.window.text()[start..];
    let Framed::At(end) = Frame::new(0).search(text, true) else { return Ok(None) };
    let rest = &text[end..];
    let Some(next) = rest.find(|sign: char| !sign.is_ascii_whitespace()) else { return Ok(None) };
    let is_one_line = |text: &str| !text.contains(['\n', '\r']);
    let goes_on = is_one_line(&rest[..next]);
    // Objects without line ends between them need no lines; anything else behind an object makes its line a bad one.
    let is_values = if goes_on { rest[next..].starts_with('{') } else { !is_one_line(&text[..end]) };
    Ok(Some(if is_values { Layout::Values } else { Layout::Lines }))
}

/// Searches an object for arrays of objects.
fn search(scanner: &mut Scanner, names: &mut Vec<String>, longest: &mut Longest) -> Result<(), Error> {
    pass(scanner);
    loop {
        scanner.skip_blanks(b",")?;
        match scanner.sign()? {
            Some(b'}') => {
                pass(scanner);
                return Ok(());
            }
            Some(b'"') => {}
            _ => return scanner.skip_value().and(Ok(())),
        }
        names.push(scanner.name()?);
        match scanner.sign()? {
            Some(b'{') if names.len() < DEPTH => search(scanner, names, longest)?,
            Some(b'[') => count(scanner, names, longest)?,
            _ => scanner.skip_value()?,
        }
        names.pop();
        scanner.window.release();
    }
}

/// Counts the objects of an array.
fn count(scanner: &mut Scanner, names: &[String], longest: &mut Longest) -> Result<(), Error> {
    pass(scanner);
    let mut objects = 0;
    loop {
        scanner.skip_blanks(b",")?;
        let sign = scanner.sign()?;
        objects += u64::from(sign == Some(b'{'));
        if objects > longest.objects {
            *longest = Longest { names: names.to_vec(), objects };
        }
        match sign {
            Some(b']') => {
                pass(scanner);
                return Ok(());
            }
            None => return Ok(()),
            Some(_) => scanner.skip_value()?,
        }
        scanner.window.release();
    }
}

fn pass(scanner: &mut Scanner) {
    let at = scanner.window.at();
    scanner.window.pass_to(at + 1);
}
