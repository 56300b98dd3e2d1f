//! Where a piece of syntax stands in the text: the parser's line and column → bytes, with the brackets that belong to it.

use std::ops::Range;

use datafusion::sql::sqlparser::tokenizer::{Location, Span};

/// Returns the bytes of a span, widened until its brackets are whole; None where the parser did not say, as for the value
/// of a parameter.
pub(super) fn range(text: &str, span: Span) -> Option<Range<usize>> {
    if span.start.line == 0 || span.end.line == 0 {
        return None;
    }
    let (start, end) = (offset(text, span.start), offset(text, span.end));
    Some(whole(text, start..end))
}

/// Returns the bytes of a call whose name begins at a span: its arguments, FILTER, WITHIN GROUP and OVER included.
pub(super) fn call(text: &str, span: Span) -> Option<Range<usize>> {
    let start = range(text, span)?.start;
    let name = text[start..].find('(').map(|at| start + at)?;
    let mut end = closing(text, name)?;
    loop {
        let rest = &text[end..];
        let words = rest.trim_start();
        let gap = rest.len() - words.len();
        let lower = words.chars().take(16).collect::<String>().to_ascii_lowercase();
        let clause = ["filter", "within group", "over", "ignore nulls", "respect nulls"]
            .into_iter()
            .find(|clause| lower.starts_with(clause));
        let Some(clause) = clause else { return Some(start..end) };
        let behind = end + gap + clause.len();
        let next = text[behind..].trim_start();
        let at = text.len() - next.len();
        end = match next.starts_with('(') {
            true => closing(text, at)?,
            false if clause == "over" => {
                at + next.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(next.len())
            }
            false => behind,
        };
    }
}

/// Returns the byte offset of a 1-based line and column (in characters).
fn offset(text: &str, place: Location) -> usize {
    let line = usize::try_from(place.line).unwrap_or(1).max(1);
    let column = usize::try_from(place.column).unwrap_or(1).max(1);
    let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let rest = text.get(start..).unwrap_or_default();
    start + rest.char_indices().nth(column - 1).map_or(rest.len(), |(index, _)| index)
}

/// Widens a range to the left over brackets that it closes, and to the right over those that it opens.
fn whole(text: &str, range: Range<usize>) -> Range<usize> {
    let (mut depth, mut lowest) = (0_i32, 0_i32);
    for (_, character) in code(text, range.start, range.end) {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        lowest = lowest.min(depth);
    }
    let start = (0..-lowest).fold(range.start, |start, _| opened(text, start));
    let end = (0..depth - lowest).try_fold(range.end, |end, _| next_closing(text, end)).unwrap_or(range.end);
    // The parser leaves out the arguments of a call that have no place, as in `count(*)`.
    let end = if text[end..].starts_with('(') { closing(text, end).unwrap_or(end) } else { end };
    start..end
}

/// Returns where the bracket before `end` opens, the name of a function before it included.
fn opened(text: &str, end: usize) -> usize {
    let Some(bracket) = text[..end].rfind('(') else { return end };
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let before = text[..bracket].trim_end_matches(is_name);
    before.len()
}

fn closing(text: &str, open: usize) -> Option<usize> {
    next_closing(text, open + 1)
}

/// Returns the end of the first bracket behind `from` that closes one opened before it.
fn next_closing(text: &str, from: usize) -> Option<usize> {
    let mut depth = 0;
    for (at, character) in code(text, from, text.len()) {
        match character {
            '(' => depth += 1,
            ')' if depth == 0 => return Some(at + 1),
            ')' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Returns the characters of a range that are neither in quotes nor in comments.
fn code(text: &str, from: usize, to: usize) -> impl Iterator<Item = (usize, char)> {
    let mut at = from;
    std::iter::from_fn(move || {
        loop {
            let rest = text.get(at..to)?;
            let skipped = match rest.chars().next()? {
                quote @ ('\'' | '"') => rest[1..].find(quote).map_or(rest.len(), |end| end + 2),
                '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
                '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
                character => {
                    let found = (at, character);
                    at += character.len_utf8();
                    return Some(found);
                }
            };
            at += skipped;
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_widened_until_its_brackets_are_whole() {
        let text = "SELECT CAST(a AS INT) / nullif(b, ')') -- (\nFROM t";
        assert_eq!(&text[whole(text, 12..33)], "CAST(a AS INT) / nullif(b, ')')");
        assert_eq!(&text[whole(text, 12..13)], "a");
    }

    #[test]
    fn a_call_ends_with_its_window() {
        let text = "x, row_number() OVER (PARTITION BY f(a) ORDER BY b) AS n";
        let span = Span::new(Location::new(1, 4), Location::new(1, 14));
        let found = call(text, span).map(|range| &text[range]);
        assert_eq!(found, Some("row_number() OVER (PARTITION BY f(a) ORDER BY b)"));
    }
}
