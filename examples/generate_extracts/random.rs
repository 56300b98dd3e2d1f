//! Dice: numbered labels to reproducible choices.
//!
//! Every part of the world throws its own dice, seeded by the run's seed and a label, so that adding rows to one
//! extract leaves all others as they were. No floating-point function that differs between platforms is used.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A reproducible stream of choices.
pub struct Dice(ChaCha8Rng);

impl Dice {
    /// Seeds a stream from the run's seed and the label of what it decides.
    pub fn new(seed: u64, label: &str) -> Self {
        let mut hash = seed ^ 0xcbf2_9ce4_8422_2325;
        for byte in label.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Self(ChaCha8Rng::seed_from_u64(hash))
    }

    /// Draws a whole number, both ends included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        self.0.random_range(low..=high)
    }

    /// Draws a position in a list of `len` things.
    pub fn index(&mut self, len: usize) -> usize {
        let last = i64::try_from(len).unwrap() - 1;
        usize::try_from(self.between(0, last)).unwrap()
    }

    /// Says yes in `share` of all cases.
    pub fn chance(&mut self, share: f64) -> bool {
        self.0.random_bool(share)
    }

    /// Picks one thing, each equally likely.
    pub fn pick<'a, T: ?Sized>(&mut self, things: &[&'a T]) -> &'a T {
        things[self.index(things.len())]
    }

    /// Picks a position by weight.
    pub fn weighted(&mut self, weights: &[i64]) -> usize {
        let mut left = self.between(1, weights.iter().sum());
        for (index, weight) in weights.iter().enumerate() {
            left -= weight;
            if left <= 0 {
                return index;
            }
        }
        weights.len() - 1
    }
}
