//! Records that are joined, directly or through others.
//!
//! In: joins. Out: for each record the one that stands for all that it is joined with: always the first of them.

/// For each record one above it, or itself; ways get shorter as they are gone.
#[derive(Clone, Debug)]
pub(super) struct Roots(Vec<u32>);

impl Roots {
    /// Begins with every record alone.
    pub(super) fn new(records: usize) -> Self {
        Self((0..u32::try_from(records).unwrap_or(u32::MAX)).collect())
    }

    /// Returns how many records there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the record that stands for a record.
    pub(super) fn find(&mut self, mut record: u32) -> u32 {
        while self.0[record as usize] != record {
            let above = self.0[self.0[record as usize] as usize];
            self.0[record as usize] = above;
            record = above;
        }
        record
    }

    /// Joins what two records are joined with; returns whether it was apart.
    pub(super) fn join(&mut self, left: u32, right: u32) -> bool {
        let (left, right) = (self.find(left), self.find(right));
        self.0[left.max(right) as usize] = left.min(right);
        left != right
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_record_stands_for_all_that_are_joined() {
        let mut roots = Roots::new(6);
        assert!(roots.join(5, 4) && roots.join(2, 5) && roots.join(1, 3));
        assert!(!roots.join(4, 2));
        assert_eq!((0..6).map(|record| roots.find(record)).collect::<Vec<_>>(), [0, 1, 2, 1, 2, 2]);
    }
}
