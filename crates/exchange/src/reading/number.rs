//! Amounts of money in requests and answers: exact, and read in one way only.

use rust_decimal::Decimal;

/// `1`, `0.25`: digits and one point, no sign, no exponent, no leading zero, exact in 28 digits. What two
/// decoders could read differently is not a number here.
pub(crate) fn amount(text: &str) -> Option<Decimal> {
    let point = text.bytes().position(|b| b == b'.');
    let (whole, fraction) = point.map_or((text, "0"), |at| (&text[..at], &text[at + 1..]));
    let digits = |text: &str| (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let leading_zero = whole.len() > 1 && whole.starts_with('0');
    if !digits(whole) || !digits(fraction) || leading_zero {
        return None;
    }
    Decimal::from_str_exact(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_plain_digits() {
        for text in ["0", "1", "0.1", "10", "25000.5", "0.00000001", "99999999999999999999"] {
            assert_eq!(amount(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn everything_that_could_be_read_in_two_ways_is_not_an_amount() {
        for text in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1e3",
            "1E3",
            "NaN",
            "inf",
            "Infinity",
            "0x10",
            "010",
            "00",
            "1,5",
            "1_000",
            " 1",
            "1 ",
            "1.2.3",
            "١",
            "１",
            "999999999999999999999",
            "0.123456789012345678901",
            "12345678901234567890.1234567890123456789",
        ] {
            assert_eq!(amount(text), None, "{text}");
        }
    }
}
