//! What a definition expects of a value: a word in any case of its letters, `*` standing for any text.

use serde::Deserialize;

/// The pieces between the stars, in lower case. One alone is the whole word.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub(crate) struct Wording(Vec<Box<str>>);

impl From<String> for Wording {
    fn from(text: String) -> Wording {
        Wording(text.to_ascii_lowercase().split('*').map(Box::from).collect())
    }
}

impl Wording {
    /// Whether any text fits.
    pub(super) fn is_free(&self) -> bool {
        self.0.len() == 2 && self.0.iter().all(|piece| piece.is_empty())
    }

    /// Whether a text is what it says.
    pub(super) fn fits(&self, text: &str) -> bool {
        match self.0.as_slice() {
            [] => false,
            [word] => word.eq_ignore_ascii_case(text),
            [start, middle @ .., end] => fits(text.as_bytes(), start, middle, end),
        }
    }
}

fn fits(text: &[u8], start: &str, middle: &[Box<str>], end: &str) -> bool {
    let is = |text: &[u8], piece: &str| text.eq_ignore_ascii_case(piece.as_bytes());
    let Some((first, mut text)) = text.split_at_checked(start.len()) else { return false };
    for piece in middle.iter().filter(|piece| !piece.is_empty()) {
        let Some(at) = text.windows(piece.len()).position(|own| is(own, piece)) else { return false };
        text = &text[at + piece.len()..];
    }
    is(first, start) && text.len() >= end.len() && is(&text[text.len() - end.len()..], end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::like, *};

    fn fits(wording: &str, text: &str) -> bool {
        Wording::from(wording.to_owned()).fits(text)
    }

    #[test]
    fn letters_fit_in_any_case() {
        assert!(fits("Buy-*", "bUY-limit") && fits("LIMIT", "limit") && fits("*-*-*", "BTC-USDT-SWAP"));
        assert!(!fits("buy-*", "sell-limit") && !fits("limit", "limits") && !fits("*-*-*", "BTC-USDT"));
        assert!(Wording::from("*".to_owned()).is_free() && !Wording::from("**".to_owned()).is_free());
    }

    proptest! {
        #[test]
        fn a_wording_fits_what_the_pattern_in_lower_case_does(
            wording in "[aB*é-]{0,6}",
            text in "[AbÉé-]{0,8}",
        ) {
            let expected = like(&wording.to_ascii_lowercase(), &text.to_ascii_lowercase());
            prop_assert_eq!(fits(&wording, &text), expected, "{} {}", wording, text);
        }
    }
}
