//! Jaro-Winkler similarity.
//!
//! In: two texts and the least similarity that anybody asks for. Out: their similarity, or −1 when a bound shows that it is less.
//! After M. A. Jaro (1989) and W. E. Winkler (1990).

use super::Characters;

/// Similarity from which equal first characters count.
const BONUS_FROM: f64 = 0.7;
/// What each of them adds of what is missing to 1.
const BONUS: f64 = 0.1;
/// How many of them count.
const PREFIX: usize = 4;
/// What is said of a pair that cannot reach what is asked for.
const TOO_LITTLE: f64 = -1.0;

/// Returns the similarity, 0 to 1, or −1 when it is below `least`.
pub(super) fn jaro_winkler(left: &str, right: &str, least: f64) -> f64 {
    if left == right {
        return 1.0;
    }
    match Characters::of(left, right) {
        Characters::Ascii(left, right) => similarity(left, right, least),
        Characters::Any(left, right) => similarity(&left, &right, least),
    }
}

fn similarity<C: Copy + PartialEq + Into<u32>>(left: &[C], right: &[C], least: f64) -> f64 {
    let (short, long) = if left.len() <= right.len() { (left, right) } else { (right, left) };
    if short.is_empty() {
        return if long.is_empty() { 1.0 } else { 0.0 };
    }
    let prefix = short.iter().zip(long).take(PREFIX).take_while(|(left, right)| left == right).count();
    let most = short.len() - foreign(short, long);
    if with_bonus(of_matches(most, 0, short.len(), long.len()), prefix) < least {
        return TOO_LITTLE;
    }
    let (matches, moved) = match long.len() {
        ..=64 => matches_in_a_word(short, long),
        _ => matches_in_lists(short, long),
    };
    with_bonus(of_matches(matches, moved / 2, short.len(), long.len()), prefix)
}

fn of_matches(matches: usize, transpositions: usize, left: usize, right: usize) -> f64 {
    if matches == 0 {
        return 0.0;
    }
    let (common, left, right) = (count(matches), count(left), count(right));
    (common / left + common / right + (common - count(transpositions)) / common) / 3.0
}

fn with_bonus(jaro: f64, prefix: usize) -> f64 {
    if jaro > BONUS_FROM { jaro + BONUS * count(prefix) * (1.0 - jaro) } else { jaro }
}

/// Texts have fewer characters than a double has digits.
fn count(characters: usize) -> f64 {
    f64::from(u32::try_from(characters).unwrap_or(u32::MAX))
}

/// Counts characters of the first that certainly do not occur in the second, each kind once.
fn foreign<C: Copy + Into<u32>>(first: &[C], second: &[C]) -> usize {
    let kinds = |text: &[C]| text.iter().fold(0_u64, |kinds, character| kinds | 1 << ((*character).into() % 64));
    (kinds(first) & !kinds(second)).count_ones() as usize
}

/// How far apart two equal characters may stand.
fn window(short: usize, long: usize) -> usize {
    (short.max(long) / 2).saturating_sub(1)
}

/// Counts matches, and matched characters out of order; the long text fits into 64 bits.
fn matches_in_a_word<C: Copy + PartialEq>(short: &[C], long: &[C]) -> (usize, usize) {
    let window = window(short.len(), long.len());
    let (mut in_short, mut in_long) = (0_u64, 0_u64);
    for (place, character) in short.iter().enumerate() {
        let (start, end) = (place.saturating_sub(window), (place + window + 1).min(long.len()));
        let found = (start..end).find(|other| in_long & (1 << *other) == 0 && long[*other] == *character);
        if let Some(other) = found {
            in_long |= 1 << other;
            in_short |= 1 << place;
        }
    }
    let mut moved = 0;
    let (mut left, mut right) = (in_short, in_long);
    while left != 0 {
        let (at_left, at_right) = (left.trailing_zeros() as usize, right.trailing_zeros() as usize);
        moved += usize::from(short[at_left] != long[at_right]);
        left &= left - 1;
        right &= right - 1;
    }
    (in_short.count_ones() as usize, moved)
}

/// The same for longer texts.
fn matches_in_lists<C: Copy + PartialEq>(short: &[C], long: &[C]) -> (usize, usize) {
    let window = window(short.len(), long.len());
    let mut is_taken = vec![false; long.len()];
    let mut matched = Vec::new();
    for (place, character) in short.iter().enumerate() {
        let (start, end) = (place.saturating_sub(window).min(long.len()), (place + window + 1).min(long.len()));
        let found = (start..end).find(|other| !is_taken[*other] && long[*other] == *character);
        if let Some(other) = found {
            is_taken[other] = true;
            matched.push(*character);
        }
    }
    let in_order = long.iter().zip(&is_taken).filter(|(_, taken)| **taken).map(|(character, _)| character);
    let moved = matched.iter().zip(in_order).filter(|(left, right)| left != right).count();
    (matched.len(), moved)
}
