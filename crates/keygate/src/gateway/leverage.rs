//! Borrowed money: what a call sets or borrows may not be above the connection's limit, and must be known.

use exchange::{Leverage, Reading, Request};
use rust_decimal::Decimal;

use super::Denial;
use crate::limits::Limits;

/// Cancels may always go.
pub fn within(request: &Request, limits: &Limits) -> Result<(), Denial> {
    match request.reading() {
        Reading::Cancel { .. } => Ok(()),
        _ => fits(request.leverage(), limits.max_leverage),
    }
}

/// A limit of 1 or less means that nothing is borrowed.
pub fn fits(leverage: Leverage, most: Option<Decimal>) -> Result<(), Denial> {
    let Some(most) = most else { return Ok(()) };
    let refuse = |text: String| Err(Denial::denied("max-leverage", text));
    match leverage {
        Leverage::None => Ok(()),
        Leverage::Borrows(_) if most <= Decimal::ONE => {
            refuse("this connection may not trade with borrowed money".to_owned())
        }
        Leverage::Sets(value) if value <= most.max(Decimal::ONE) => Ok(()),
        Leverage::Borrows(Some(value)) if value <= most => Ok(()),
        Leverage::Sets(value) | Leverage::Borrows(Some(value)) => refuse(format!(
            "the leverage may be {} at most, and this is {}",
            most.normalize(),
            value.normalize()
        )),
        Leverage::Borrows(None) | Leverage::Unknown => refuse(format!(
            "the leverage may be {} at most, and it cannot be known what this call borrows",
            most.normalize()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits_under(most: &str, leverage: Leverage) -> bool {
        fits(leverage, Some(most.parse().unwrap())).is_ok()
    }

    #[test]
    fn what_is_above_the_limit_or_not_known_is_refused() {
        let times = |value: i64| Decimal::from(value);
        assert!(fits_under("3", Leverage::None));
        assert!(fits_under("3", Leverage::Sets(times(3))));
        assert!(fits_under("3", Leverage::Borrows(Some(times(2)))));
        for leverage in [
            Leverage::Sets(times(4)),
            Leverage::Borrows(Some(times(4))),
            Leverage::Borrows(None),
            Leverage::Unknown,
        ] {
            assert!(!fits_under("3", leverage), "{leverage:?}");
            assert!(fits(leverage, None).is_ok(), "{leverage:?} without a limit");
        }
    }

    #[test]
    fn leverage_of_one_borrows_nothing() {
        for most in ["0", "1"] {
            assert!(fits_under(most, Leverage::Sets(Decimal::ONE)));
            assert!(!fits_under(most, Leverage::Sets(Decimal::TWO)));
            assert!(!fits_under(most, Leverage::Borrows(Some(Decimal::ONE))));
        }
    }
}
