//! What became of a call, by the exchange's answer or its absence. Whatever does not say yes or no is not known.

use exchange::{ErrorKind, ExchangeError};

use crate::upstream::{Answer, Failure};

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Became {
    Confirmed,
    /// The exchange said no, or never heard of it: what was set aside is free again.
    Rejected,
    /// Nobody knows yet: held until the exchange can be asked.
    Unknown,
}

impl Became {
    /// `orders`: how many the call holds. What an exchange says of a batch may be said of its first order, so a no
    /// that comes with a success is no word about the others.
    pub fn of(outcome: &Result<Answer, Failure>, error: Option<&ExchangeError>, orders: usize) -> Became {
        let answer = match outcome {
            Err(Failure::NotSent(_)) => return Became::Rejected,
            Err(Failure::Unknown(_)) => return Became::Unknown,
            Ok(answer) => answer,
        };
        match error {
            Some(_) if orders > 1 && answer.status.is_success() => Became::Unknown,
            Some(error) if error.kind == ErrorKind::OutcomeUnknown => Became::Unknown,
            Some(error) if error.kind == ErrorKind::RateLimited => Became::Rejected,
            _ if answer.status.is_server_error() => Became::Unknown,
            Some(error) if error.code.is_empty() => Became::Unknown,
            Some(_) => Became::Rejected,
            None if answer.status.is_success() && is_json(&answer.body) => Became::Confirmed,
            None => Became::Unknown,
        }
    }

    /// Its name in the table.
    pub fn state(self) -> &'static str {
        match self {
            Became::Confirmed => "confirmed",
            Became::Rejected => "rejected",
            Became::Unknown => "unknown",
        }
    }
}

fn is_json(body: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok()
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use http::StatusCode;

    use crate::upstream::Headers;

    use super::*;

    fn became(status: u16, body: &'static str, code: Option<&str>, kind: ErrorKind) -> Became {
        of_orders(1, status, body, code, kind)
    }

    fn of_orders(
        orders: usize,
        status: u16,
        body: &'static str,
        code: Option<&str>,
        kind: ErrorKind,
    ) -> Became {
        let answer = Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: Headers::default(),
            age: None,
            body: Bytes::from_static(body.as_bytes()),
        };
        let error = code.map(|code| ExchangeError { kind, code: code.to_owned(), text: String::new() });
        Became::of(&Ok(answer), error.as_ref(), orders)
    }

    #[test]
    fn only_a_clear_yes_or_no_settles_a_call() {
        use Became::{Confirmed, Rejected, Unknown};
        assert_eq!(became(200, "{}", None, ErrorKind::Other), Confirmed);
        assert_eq!(became(400, "{}", Some("-2010"), ErrorKind::Other), Rejected);
        assert_eq!(became(200, "{}", Some("EOrder:Insufficient funds"), ErrorKind::Other), Rejected);
        assert_eq!(became(429, "", Some(""), ErrorKind::RateLimited), Rejected);
        assert_eq!(became(503, "{}", Some("-1000"), ErrorKind::Other), Unknown);
        assert_eq!(became(403, "<html>", Some(""), ErrorKind::Other), Unknown);
        assert_eq!(became(200, "<html>", None, ErrorKind::Other), Unknown);
        assert_eq!(became(302, "{}", None, ErrorKind::Other), Unknown);
        assert_eq!(became(200, "{}", Some("10000"), ErrorKind::OutcomeUnknown), Unknown);
        assert_eq!(became(400, "{}", Some("50004"), ErrorKind::OutcomeUnknown), Unknown);
    }

    #[test]
    fn no_to_one_order_of_a_batch_is_no_word_about_the_others() {
        use Became::{Confirmed, Rejected, Unknown};
        assert_eq!(of_orders(2, 200, "{}", Some("51008"), ErrorKind::Other), Unknown);
        assert_eq!(of_orders(2, 200, "{}", Some("50061"), ErrorKind::RateLimited), Unknown);
        assert_eq!(of_orders(2, 400, "{}", Some("50000"), ErrorKind::Other), Rejected);
        assert_eq!(of_orders(2, 200, "{}", None, ErrorKind::Other), Confirmed);
    }
}
