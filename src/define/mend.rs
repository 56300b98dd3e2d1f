//! Mending: YAML with a mistake → the same YAML without the entry in which the mistake stands, so that the rest can be read.
//!
//! In: a text, and a place in it. Out: the bytes of the entry of a map in which the place lies. What is taken out is blanked, byte by
//! byte, so that every other place stays where it is. Deliberately gives up where the form of the text does not say how far an entry
//! goes: nothing is then known of the file.

use std::ops::Range;

/// Returns the entry, key and value, in which a place lies; None where it cannot be told.
pub fn entry(body: &str, at: usize) -> Option<Range<usize>> {
    let line = line_start(body, at);
    let mut open = open_brackets(body, line, at);
    let mut at = at;
    // What stands in a list is taken out with the list.
    while let Some((bracket, '[')) = open.last().copied() {
        at = bracket;
        open.pop();
    }
    match open.last() {
        Some((bracket, _)) => flow_entry(body, *bracket, at),
        None => block_entry(body, line),
    }
}

/// Returns the entry that holds another one, which begins on a line of its own.
pub fn around(body: &str, inner: &Range<usize>) -> Option<Range<usize>> {
    let start = line_start(body, inner.start);
    let depth = inner.start - start;
    let mut lines = lines_before(body, start);
    let holder = lines.find(|(_, line)| !is_idle(line) && is_before(line, depth))?;
    block_entry(body, holder.0)
}

/// Blanks bytes; line ends stay.
pub fn blank(body: &mut String, range: &Range<usize>) {
    let blanks: String = body[range.clone()].bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect();
    body.replace_range(range.clone(), &blanks);
}

/// Returns where the item of the outermost list begins in which a place lies.
pub fn item(body: &str, at: usize) -> usize {
    let first = body.split_inclusive('\n').find(|line| line.trim_start().starts_with('-'));
    let depth = first.map_or(0, indentation);
    let own = line_start(body, at);
    let begins = |line: &str| indentation(line) == depth && line.trim_start().starts_with('-');
    if body[own..].lines().next().is_some_and(begins) {
        return own;
    }
    lines_before(body, own).find(|(_, line)| begins(line)).map_or(0, |(start, _)| start)
}

fn line_start(body: &str, at: usize) -> usize {
    body[..at].rfind('\n').map_or(0, |end| end + 1)
}

/// Returns the lines before a line, the last one first.
fn lines_before(body: &str, start: usize) -> impl Iterator<Item = (usize, &str)> {
    let mut end = start;
    std::iter::from_fn(move || {
        let before = end.checked_sub(1)?;
        let start = line_start(body, before);
        let line = &body[start..before];
        end = start;
        Some((start, line))
    })
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

fn is_idle(line: &str) -> bool {
    line.trim().is_empty() || line.trim_start().starts_with('#')
}

/// Returns whether what begins on a line holds what stands deeper, be it a key or a key behind the mark of an item.
fn is_before(line: &str, depth: usize) -> bool {
    let is_item = line.trim_start().starts_with("- ");
    indentation(line) < depth || (indentation(line) == depth && !is_item)
}

/// Returns the last bracket that is open at a place, and which it is.
pub fn open_bracket(body: &str, at: usize) -> Option<(usize, char)> {
    open_brackets(body, 0, at).pop()
}

/// Returns the brackets that are open at a place, and which they are, of the lines from one that begins at `from`.
fn open_brackets(body: &str, from: usize, at: usize) -> Vec<(usize, char)> {
    let further = body[from..at].match_indices('\n').map(|(end, _)| from + end + 1);
    let lines = std::iter::once(from).chain(further);
    let mut open = Vec::new();
    for (place, character, _) in lines.flat_map(|line| marks(body, line)).take_while(|(place, ..)| *place < at) {
        match character {
            '{' | '[' => open.push((place, character)),
            '}' | ']' => drop(open.pop()),
            _ => {}
        }
    }
    open
}

/// Returns the marks of a line that stand outside of quotes and comments, each with the character before it.
fn marks(body: &str, from: usize) -> impl Iterator<Item = (usize, char, char)> {
    let line = body[from..].split('\n').next().unwrap_or_default();
    let (mut quote, mut before) = (None, ' ');
    let mut is_over = false;
    line.char_indices().filter_map(move |(at, character)| {
        let (inside, last) = (quote.is_some(), before);
        before = character;
        is_over |= !inside && character == '#' && last == ' ';
        if is_over {
            return None;
        }
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (None, '"' | '\'') if " {[,:".contains(last) => quote = Some(character),
            _ => {}
        }
        (!inside && "{}[],".contains(character)).then_some((from + at, character, last))
    })
}

/// Returns an entry of the map that begins with a bracket, with one of the commas beside it.
fn flow_entry(body: &str, bracket: usize, at: usize) -> Option<Range<usize>> {
    let (mut depth, mut start, mut is_first) = (0_usize, bracket + 1, true);
    for (place, character, _) in marks(body, line_start(body, bracket)).filter(|(place, ..)| *place > bracket) {
        let is_end = depth == 0 && (character == ',' || character == '}');
        if is_end && place >= at {
            let end = if character == ',' { place + 1 } else { place };
            // The comma before the last entry goes with it.
            let begin = if character == '}' && !is_first { start - 1 } else { start };
            return Some(begin..end);
        }
        match character {
            '{' | '[' => depth += 1,
            '}' | ']' => depth = depth.checked_sub(1)?,
            _ if depth == 0 => (start, is_first) = (place + 1, false),
            _ => {}
        }
    }
    None
}

/// Returns the entry that begins on a line, with all lines that belong to it; an item that has nothing else goes whole.
fn block_entry(body: &str, start: usize) -> Option<Range<usize>> {
    let line = body[start..].split('\n').next()?;
    let (mut depth, mut mark) = (indentation(line), None);
    while let Some(rest) = line[depth..].strip_prefix("- ") {
        mark = Some(depth);
        depth += 2 + indentation(rest);
    }
    if !line[depth..].contains(':') {
        return None;
    }
    let (mut end, mut next) = (start + line.len(), None);
    let mut from = (end + 1).min(body.len());
    for line in body[from..].split_inclusive('\n') {
        let is_own = is_idle(line)
            || indentation(line) > depth
            || (indentation(line) == depth && line[depth..].starts_with("- "));
        if !is_own {
            next = Some(line);
            break;
        }
        from += line.len();
        if !is_idle(line) {
            end = from - usize::from(line.ends_with('\n'));
        }
    }
    let is_alone = next.is_none_or(|next| indentation(next) != depth);
    let begin = mark.filter(|_| is_alone).unwrap_or(depth);
    Some(start + begin..end)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn without(body: &str, word: &str) -> String {
        let mut mended = body.to_owned();
        let range = entry(body, body.find(word).unwrap()).unwrap();
        blank(&mut mended, &range);
        assert_eq!(mended.len(), body.len());
        mended.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn an_entry_goes_as_far_as_what_stands_deeper() {
        let body = "key: [a]\nkeys:\n  - a\n\n  # b\n  - b\nchecks: []";
        assert_eq!(without(body, "keys"), "key: [a]\n\n\n\n\n\nchecks: []");
        assert_eq!(without("keys:\n- a\n- b\nkey: a", "keys"), "\n\n\nkey: a");
        assert_eq!(without("keys: [品, b]\nkey: a", "keys"), "\nkey: a");
    }

    #[test]
    fn an_entry_between_braces_goes_with_one_comma() {
        assert_eq!(without("a: { x: 1, y: [2, 3], z: 4 } # x", "y:"), "a: { x: 1,            z: 4 } # x");
        assert_eq!(without("a: { x: 1, y: 2 }", "y:"), "a: { x: 1       }");
        assert_eq!(without("a: { x: 1, y: 2 }", "x:"), "a: {       y: 2 }");
        assert_eq!(without("a: { x: 'it, }', y: 2 }", "x:"), "a: {             y: 2 }");
        assert_eq!(without("a: { x: 1, y: [2, 3], z: 4 }", "3"), "a: { x: 1,            z: 4 }");
    }

    #[test]
    fn an_item_goes_whole_where_it_has_nothing_else() {
        assert_eq!(without("a:\n  - x: 1\n  - y: 2\n    z: 3", "x:"), "a:\n\n  - y: 2\n    z: 3");
        assert_eq!(without("a:\n  - x: 1\n  - y: 2\n    z: 3", "y:"), "a:\n  - x: 1\n  -\n    z: 3");
    }

    #[test]
    fn what_holds_an_entry_is_found() {
        let body = "a: 1\nchecks:\n  - x: 1\nb: 2";
        let inner = entry(body, body.find("x:").unwrap()).unwrap();
        assert_eq!(&body[around(body, &inner).unwrap()], "checks:\n  - x: 1");
    }

    #[test]
    fn an_item_is_found_from_any_place_in_it() {
        let body = "# tests\n- name: a\n  expct:\n    - x: 1\n- name: b\n";
        assert_eq!(item(body, body.find("x:").unwrap()), 8);
        assert_eq!(item(body, body.find("name: b").unwrap()), body.find("- name: b").unwrap());
    }
}
