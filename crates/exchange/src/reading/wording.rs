//! What a definition expects of a value: a word, `*` standing for any text.

use serde::Deserialize;

use crate::definition::Case;

/// The pieces between the stars. One alone is the whole word.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub(crate) struct Wording(Vec<Box<str>>);

impl From<String> for Wording {
    fn from(text: String) -> Wording {
        Wording(text.split('*').map(Box::from).collect())
    }
}

impl Wording {
    /// Whether any text fits.
    pub(super) fn is_free(&self) -> bool {
        self.0.len() == 2 && self.0.iter().all(|piece| piece.is_empty())
    }

    /// Whether a text is what it says, in this or in any case of its letters.
    pub(super) fn fits(&self, text: &str, case: Case) -> bool {
        let is = |text: &[u8], piece: &str| match case {
            Case::Exact => text == piece.as_bytes(),
            Case::Ignored => text.eq_ignore_ascii_case(piece.as_bytes()),
        };
        match self.0.as_slice() {
            [] => false,
            [word] => is(text.as_bytes(), word),
            [start, middle @ .., end] => fits(text.as_bytes(), start, middle, end, is),
        }
    }
}

fn fits(text: &[u8], start: &str, middle: &[Box<str>], end: &str, is: impl Fn(&[u8], &str) -> bool) -> bool {
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

    fn fits(wording: &str, text: &str, case: Case) -> bool {
        Wording::from(wording.to_owned()).fits(text, case)
    }

    #[test]
    fn letters_fit_in_any_case_or_exactly() {
        let any = |wording: &str, text: &str| fits(wording, text, Case::Ignored);
        assert!(any("Buy-*", "bUY-limit") && any("LIMIT", "limit") && any("*-*-*", "BTC-USDT-SWAP"));
        assert!(!any("buy-*", "sell-limit") && !any("limit", "limits") && !any("*-*-*", "BTC-USDT"));
        let exact = |wording: &str, text: &str| fits(wording, text, Case::Exact);
        assert!(exact("Buy-*", "Buy-limit") && exact("LIMIT", "LIMIT") && exact("*,viqc", "post,viqc"));
        assert!(!exact("Buy-*", "buy-limit") && !exact("LIMIT", "limit") && !exact("*,viqc", "post,VIQC"));
        assert!(Wording::from("*".to_owned()).is_free() && !Wording::from("**".to_owned()).is_free());
    }

    proptest! {
        #[test]
        fn a_wording_fits_what_the_pattern_does(wording in "[aB*é-]{0,6}", text in "[AabBÉé-]{0,8}") {
            let expected = like(&wording, &text);
            prop_assert_eq!(fits(&wording, &text, Case::Exact), expected, "{} {}", wording, text);
            let expected = like(&wording.to_ascii_lowercase(), &text.to_ascii_lowercase());
            prop_assert_eq!(fits(&wording, &text, Case::Ignored), expected, "{} {}", wording, text);
        }
    }
}
