//! Bytes that choose.

use std::slice::Iter;

use rust_decimal::Decimal;

/// Bytes as choices; when there are no more, the first of them.
pub struct Dice<'a>(pub Iter<'a, u8>);

impl Dice<'_> {
    pub fn byte(&mut self) -> u8 {
        self.0.next().copied().unwrap_or_default()
    }

    pub fn rarely(&mut self) -> bool {
        self.byte() >= 250
    }

    pub fn mostly(&mut self) -> bool {
        self.byte() < 224
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::from(self.byte()) % from.len()]
    }

    pub fn some<T: Copy>(&mut self, from: &[T]) -> Vec<T> {
        let count = self.byte() % 4;
        (0..count).map(|_| self.pick(from)).collect()
    }

    /// No list, more often than a list.
    pub fn list(&mut self, from: &[&'static str]) -> Option<Vec<&'static str>> {
        (self.byte() % 4 == 3).then(|| self.some(from))
    }

    pub fn amount(&mut self) -> Decimal {
        Decimal::from(self.pick(&[0, 0, 1, 100, 499, 5000]))
    }

    /// A limit at an edge, or none.
    pub fn figure(&mut self, edge: Decimal) -> Option<Decimal> {
        let cent = Decimal::new(1, 2);
        match self.byte() % 9 {
            0..=3 => None,
            4 | 5 => Some(edge),
            6 => Some((edge - cent).max(Decimal::ZERO)),
            7 => Some(edge + cent),
            _ => Some(self.amount()),
        }
    }
}
