//! The live check of a new key, as far as it came.

use crate::error::{Code, Error};

/// One line of the live check: `good`, `stop` or `open`.
pub struct Step {
    pub state: &'static str,
    pub text: &'static str,
}

/// The check goes in this order and ends at the first thing that is wrong.
pub fn steps(error: &Error) -> Vec<Step> {
    let Some(failed) = ORDER.iter().position(|(codes, _)| codes.contains(&error.code)) else {
        return Vec::new();
    };
    let state = |index: usize| match index.cmp(&failed) {
        std::cmp::Ordering::Less => "good",
        std::cmp::Ordering::Equal => "stop",
        std::cmp::Ordering::Greater => "open",
    };
    ORDER.iter().enumerate().map(|(index, (_, text))| Step { state: state(index), text }).collect()
}

const ORDER: [(&[Code], &str); 8] = [
    (&[Code::DuplicateKey], "The key is not in the vault yet"),
    (&[Code::ExchangeUnreachable], "The exchange answers"),
    (&[Code::ClockSkew], "Its clock and ours agree"),
    (&[Code::WrongKey], "It knows the key"),
    (&[Code::IpNotAllowed], "It accepts the key from our address"),
    (&[Code::WrongSignature, Code::ExchangeRefused], "The secret fits the key"),
    (&[Code::MissingPermission], "The key may read the account"),
    (&[Code::WithdrawAllowed], "The key may not withdraw"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_shows_what_passed_before_it_failed() {
        let steps = steps(&Code::WrongSignature.into());
        let states: Vec<&str> = steps.iter().map(|step| step.state).collect();
        assert_eq!(states, ["good", "good", "good", "good", "good", "stop", "open", "open"]);
    }

    #[test]
    fn typing_error_is_no_check() {
        assert!(steps(&Error::field("/name", "needs 1 to 100 characters")).is_empty());
    }
}
