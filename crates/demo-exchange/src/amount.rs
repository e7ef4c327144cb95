//! Amounts as exchanges write and read them.

use rust_decimal::Decimal;
use serde_json::Value;

/// Without zeros at the end.
pub(crate) fn plain(amount: Decimal) -> String {
    amount.normalize().to_string()
}

/// A JSON number with the digits of the amount.
pub(crate) fn number(amount: Decimal) -> Value {
    plain(amount).parse().map_or(Value::Null, Value::Number)
}

/// How many decimals a step such as `0.001` leaves.
pub(crate) fn decimals(step: Decimal) -> u32 {
    step.normalize().scale()
}

/// Reads a plain decimal number, `0.001`: no sign, no exponent, no separators, at most 20 characters.
pub(crate) fn read(text: &str) -> Option<Decimal> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let whole = !text.starts_with('.') && !text.ends_with('.');
    text.parse().ok().filter(|_| plain && whole && text.len() <= 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_plain_decimal_text() {
        assert_eq!(read("0.001"), Some(Decimal::new(1, 3)));
        for odd in
            ["", ".", "-1", "+1", "1e3", "1_000", ".5", "5.", "1.2.3", "0x1", " 1", "123456789012345678901"]
        {
            assert_eq!(read(odd), None, "{odd}");
        }
    }

    #[test]
    fn zeros_at_the_end_say_nothing() {
        let amount = Decimal::new(1_500_000, 4);
        assert_eq!((plain(amount), number(amount).to_string()), ("150".to_owned(), "150".to_owned()));
        assert_eq!((decimals(Decimal::new(100, 5)), decimals(Decimal::TEN)), (3, 0));
    }
}
