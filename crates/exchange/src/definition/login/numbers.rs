//! Frames that name a market by a number, where endpoints take its name.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::LoginStream;
use crate::{Class, Definition, Incoming, Request, answer::text_at};

/// The member, and where its numbers are explained.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Numbers {
    /// The number's member, in frames and in the exchange's list.
    pub(crate) member: String,
    /// The name's member, in endpoints and in the exchange's list.
    pub(crate) stands_for: String,
    /// A public request whose answer is the list, and a pointer to the list.
    request: String,
    list: String,
}

impl Definition {
    pub(super) fn check_numbers(&self, stream: &LoginStream) -> Result<(), String> {
        let Some(numbers) = &stream.numbers else { return Ok(()) };
        match self.list_of(numbers).map(|request| request.class()) {
            Some(Class::Public) => Ok(()),
            _ => Err("the list of the markets' numbers is a public request".to_owned()),
        }
    }

    fn list_of(&self, numbers: &Numbers) -> Option<Request> {
        let (method, target) = numbers.request.split_once(' ')?;
        self.request(Incoming { method, target, ..Incoming::default() }).ok()
    }

    /// The public request whose answer says which number is which market, if frames on the stream at `path` name markets by
    /// numbers.
    pub fn market_numbers(&self, path: &str) -> Option<Request> {
        self.list_of(self.login_stream(path)?.numbers.as_ref()?)
    }

    /// The markets by number, from that answer. A number of two markets is none of both.
    pub fn read_market_numbers(&self, path: &str, body: &[u8]) -> BTreeMap<String, String> {
        let numbers = self.login_stream(path).and_then(|stream| stream.numbers.as_ref());
        let json: Value = serde_json::from_slice(body).unwrap_or_default();
        let Some((numbers, rows)) = numbers.and_then(|own| Some((own, json.pointer(&own.list)?.as_array()?)))
        else {
            return BTreeMap::new();
        };
        let mut markets: BTreeMap<String, Option<String>> = BTreeMap::new();
        for row in rows {
            let text = |name: &str| text_at(row, &format!("/{name}"));
            let Some((number, name)) = text(&numbers.member).zip(text(&numbers.stands_for)) else { continue };
            let other = markets.get(&number).is_some_and(|own| own.as_ref() != Some(&name));
            markets.insert(number, (!other).then_some(name));
        }
        markets.into_iter().filter_map(|(number, name)| Some((number, name?))).collect()
    }
}
