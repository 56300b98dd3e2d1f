//! What two sorted lists of hashes share.
//!
//! In: hashes of bigrams or words, sorted; the last bit says that many values share it. Out: shares, 0 to 1. What many share
//! counts a quarter of the rest: 物流 tells few companies apart.

/// Weight of what tells values apart.
const RARE: u32 = 4;
/// Weight of what many values share.
const COMMON: u32 = 1;

/// Returns the weight of the common ones to that of all; 0 when both lists are empty.
pub(super) fn jaccard(left: &[u32], right: &[u32]) -> f64 {
    let (shared, left, right) = weigh(left, right);
    ratio(shared, left + right - shared)
}

/// Returns twice the weight of the common ones to that of both; 0 when both lists are empty.
pub(super) fn dice(left: &[u32], right: &[u32]) -> f64 {
    let (shared, left, right) = weigh(left, right);
    ratio(2 * shared, left + right)
}

fn ratio(part: u32, whole: u32) -> f64 {
    if whole == 0 { 0.0 } else { f64::from(part) / f64::from(whole) }
}

/// Returns the weights of what both have, of the left and of the right.
fn weigh(left: &[u32], right: &[u32]) -> (u32, u32, u32) {
    let (mut shared, mut of_left, mut of_right) = (0, 0, 0);
    let (mut at_left, mut at_right) = (0, 0);
    while at_left < left.len() && at_right < right.len() {
        let (one, other) = (left[at_left], right[at_right]);
        let (one_weight, other_weight) = (weight(one), weight(other));
        if one & !1 == other & !1 {
            // What one of them has as a common word counts as that for both.
            let both = one_weight.min(other_weight);
            shared += both;
            of_left += both;
            of_right += both;
        } else if one < other {
            of_left += one_weight;
        } else {
            of_right += other_weight;
        }
        at_left += usize::from(one & !1 <= other & !1);
        at_right += usize::from(other & !1 <= one & !1);
    }
    of_left += left[at_left..].iter().map(|hash| weight(*hash)).sum::<u32>();
    of_right += right[at_right..].iter().map(|hash| weight(*hash)).sum::<u32>();
    (shared, of_left, of_right)
}

const fn weight(hash: u32) -> u32 {
    if hash & 1 == 1 { COMMON } else { RARE }
}
