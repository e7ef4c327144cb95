//! What happened to customers' orders, in the order it happened: what private streams tell.

use std::collections::VecDeque;

use super::Order;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum What {
    Accepted,
    Canceled,
    Expired,
    Traded,
}

/// An order as it was right after something happened to it.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// Counted from 1.
    pub(crate) number: u64,
    pub(crate) what: What,
    pub(crate) order: Order,
}

/// The latest changes.
#[derive(Default)]
pub(crate) struct Journal {
    kept: VecDeque<Change>,
    last: u64,
}

const KEPT: usize = 10_000;

impl Journal {
    pub(super) fn push(&mut self, what: What, order: Order) {
        self.last += 1;
        self.kept.push_back(Change { number: self.last, what, order });
        if self.kept.len() > KEPT {
            self.kept.pop_front();
        }
    }

    /// The number of the latest change.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// The changes behind this number.
    pub(crate) fn since(&self, number: u64) -> impl Iterator<Item = &Change> {
        self.kept.iter().filter(move |change| change.number > number)
    }
}
