//! What may stand bare, and where: one bit for each place, so that a text is checked by one look-up for a byte.

use super::Part;

/// A place, or several.
#[derive(Clone, Copy)]
pub(super) struct Bare(u8);

impl Bare {
    /// In a name.
    pub(super) const NAME: Bare = Bare(1);
    /// Between the slashes of a path.
    pub(super) const PATH: Bare = Bare(2);
    /// In what is percent-encoded anew.
    pub(super) const ESCAPED: Bare = Bare(4);
    /// In what JavaScript's `encodeURIComponent` writes.
    pub(super) const COMPONENT: Bare = Bare(8);
    const VALUE: Bare = Bare(16);
    const QUOTE: Bare = Bare(32);
    const EQUALS: Bare = Bare(64);

    /// In a value. A raw quote is no part of any URL, but ccxt writes JSON into form bodies with it.
    pub(super) fn value(part: Part, equals: bool) -> Bare {
        let quote = if part == Part::Body { Bare::QUOTE.0 } else { 0 };
        let equals = if equals { Bare::EQUALS.0 } else { 0 };
        Bare(Bare::VALUE.0 | quote | equals)
    }

    pub(super) fn may_hold(self, byte: u8) -> bool {
        PLACES[usize::from(byte)] & self.0 != 0
    }

    /// How many bytes a text begins with that are bare.
    pub(super) fn run(self, text: &[u8]) -> usize {
        text.iter().position(|b| !self.may_hold(*b)).unwrap_or(text.len())
    }

    /// Whether all of a text is bare.
    pub(super) fn is_all(self, text: &[u8]) -> bool {
        self.run(text) == text.len()
    }
}

/// The places of each byte.
const PLACES: [u8; 256] = {
    let mut places = [0; 256];
    let mut byte = 0;
    while byte < 128 {
        places[byte as usize] = places_of(byte);
        byte += 1;
    }
    places
};

const fn places_of(b: u8) -> u8 {
    let letter = b.is_ascii_alphanumeric();
    let places = [
        (Bare::NAME, letter || matches!(b, b'_' | b'.' | b'-' | b'[' | b']')),
        (Bare::PATH, letter || matches!(b, b'_' | b':' | b'~' | b'.' | b',' | b'-')),
        (Bare::ESCAPED, letter || matches!(b, b'-' | b'.' | b'_' | b'~')),
        (
            Bare::COMPONENT,
            letter || matches!(b, b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')'),
        ),
        (Bare::VALUE, matches!(b, b'!' | b'$' | b'\''..=b'*' | b','..=b':' | b'?'..=b'[' | b']'..=b'~')),
        (Bare::QUOTE, b == b'"'),
        (Bare::EQUALS, b == b'='),
    ];
    let (mut bits, mut at) = (0, 0);
    while at < places.len() {
        bits |= if places[at].1 { places[at].0.0 } else { 0 };
        at += 1;
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is bare there beside letters and digits.
    fn signs(bare: Bare) -> String {
        let all = (0..=255).filter(|b: &u8| bare.may_hold(*b));
        let (letters, signs): (Vec<u8>, Vec<u8>) = all.partition(u8::is_ascii_alphanumeric);
        assert_eq!(letters.len(), 62);
        signs.into_iter().map(char::from).collect()
    }

    #[test]
    fn only_these_signs_are_bare() {
        assert_eq!(signs(Bare::NAME), "-.[]_");
        assert_eq!(signs(Bare::PATH), ",-.:_~");
        assert_eq!(signs(Bare::ESCAPED), "-._~");
        assert_eq!(signs(Bare::COMPONENT), "!'()*-._~");
        assert_eq!(signs(Bare::value(Part::Query, false)), "!$'()*,-./:?@[]^_`{|}~");
        assert_eq!(signs(Bare::value(Part::Body, true)), "!\"$'()*,-./:=?@[]^_`{|}~");
    }
}
