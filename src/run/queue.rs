//! Which models are built next.
//!
//! In: models in an order in which each stands behind what it reads, and which of them are built. Out: the next one that may
//! begin. Several are built at once and share the memory; one that found too little of it beside others is built again with
//! nothing beside it. Deliberately absent: what building is.

/// Models that wait to be built.
pub(super) struct Queue<M> {
    waiting: Vec<M>,
    /// Found too little memory beside others.
    starved: Vec<M>,
    /// How many are built at once at most.
    most: usize,
    in_flight: usize,
    /// Whether the one in flight must stay the only one.
    is_alone: bool,
}

impl<M: Copy> Queue<M> {
    pub fn new(waiting: Vec<M>, most: usize) -> Self {
        Self { waiting, starved: Vec::new(), most: most.max(1), in_flight: 0, is_alone: false }
    }

    /// Returns the next model that begins now, which is in flight from here on.
    pub fn begin(&mut self, is_ready: impl Fn(&M) -> bool) -> Option<M> {
        let is_full = self.is_alone || self.in_flight >= self.most;
        let is_awaited = !self.starved.is_empty() && self.in_flight > 0;
        if is_full || is_awaited {
            return None;
        }
        let starved = self.starved.pop();
        let is_alone = starved.is_some() || self.most == 1;
        let next = match starved {
            Some(starved) => starved,
            None => self.waiting.remove(self.waiting.iter().position(is_ready)?),
        };
        self.is_alone = is_alone;
        self.in_flight += 1;
        Some(next)
    }

    /// Returns whether nothing begins before that is done which began last.
    pub const fn is_alone(&self) -> bool {
        self.is_alone
    }

    /// Notes that a model is done, well or not.
    pub fn end(&mut self) {
        self.in_flight -= 1;
        self.is_alone = false;
    }

    /// Notes that a model found too little memory, and returns whether it gets another try.
    pub fn starve(&mut self, model: M) -> bool {
        let gets_another = !self.is_alone;
        self.end();
        if gets_another {
            self.starved.push(model);
        }
        gets_another
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ready_begins_up_to_the_most_at_once() {
        let mut queue = Queue::new(vec!["a", "b", "c", "d"], 2);
        let not_b = |name: &&str| *name != "b";
        assert_eq!([queue.begin(not_b), queue.begin(not_b), queue.begin(not_b)], [Some("a"), Some("c"), None]);
        queue.end();
        assert_eq!([queue.begin(not_b), queue.begin(|_| true)], [Some("d"), None]);
        queue.end();
        queue.end();
        assert_eq!([queue.begin(not_b), queue.begin(|_| true), queue.begin(|_| true)], [None, Some("b"), None]);
    }

    #[test]
    fn a_starved_model_is_built_alone_before_others_begin_and_fails_if_that_does_not_help() {
        let mut queue = Queue::new(vec!["a", "b", "c"], 2);
        let any = |_: &&str| true;
        assert_eq!([queue.begin(any), queue.begin(any)], [Some("a"), Some("b")]);
        assert!(queue.starve("a"));
        assert_eq!(queue.begin(any), None, "b still holds memory");
        queue.end();
        assert!(!queue.is_alone());
        assert_eq!([queue.begin(any), queue.begin(any)], [Some("a"), None]);
        assert!(queue.is_alone());
        assert!(!queue.starve("a"), "there was nothing beside it");
        assert_eq!(queue.begin(any), Some("c"));
    }

    #[test]
    fn where_one_is_built_at_a_time_nothing_was_beside_it() {
        let mut queue = Queue::new(vec!["a"], 1);
        assert_eq!(queue.begin(|_| true), Some("a"));
        assert!(queue.is_alone() && !queue.starve("a"));
    }
}
