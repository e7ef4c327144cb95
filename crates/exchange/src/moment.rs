//! Points in time, as exchanges and clients write them.

/// Reads seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by their length (good for the
/// years 2001 to 2286), as milliseconds.
pub(crate) fn read_ms(text: &str) -> Option<u64> {
    let number: u64 = text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()?;
    match text.len() {
        10 => Some(number * 1000),
        13 => Some(number),
        16 => Some(number / 1000),
        19 => Some(number / 1_000_000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_is_told_by_the_length() {
        for text in ["1700000000", "1700000000000", "1700000000000999", "1700000000000999999"] {
            assert_eq!(read_ms(text), Some(1_700_000_000_000), "{text}");
        }
        for text in [
            "",
            "170000000",
            "-1700000000",
            "+700000000",
            "17000000000",
            "1.70000000",
            "99999999999999999999",
        ] {
            assert_eq!(read_ms(text), None, "{text}");
        }
    }
}
