//! What a request says besides its path: query, form and JSON body as one set of names.

use std::num::ParseIntError;

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use crate::amount;
use crate::floor::Side;
use crate::request::{Received, form_decode};

/// Names with their values. JSON numbers keep their text.
pub(crate) struct Params {
    fields: Map<String, Value>,
    /// The body, if it is JSON but no object: an array of orders, for example. `Null` otherwise.
    pub(crate) list: Value,
}

impl Params {
    /// `None` if the body or an escape cannot be read. A name in query and body has the query's value.
    pub(crate) fn parse(request: &Received) -> Option<Self> {
        let mut params = Self { fields: Map::new(), list: Value::Null };
        let body = std::str::from_utf8(&request.body).ok()?;
        match body.trim_start().as_bytes().first() {
            Some(b'{' | b'[') => match serde_json::from_str(body).ok()? {
                Value::Object(fields) => params.fields = fields,
                list => params.list = list,
            },
            _ => params.read(body)?,
        }
        params.read(&request.query)?;
        Some(params)
    }

    /// The members of a JSON object, such as one order of a batch.
    pub(crate) fn of(object: &Value) -> Self {
        Self { fields: object.as_object().cloned().unwrap_or_default(), list: Value::Null }
    }

    fn read(&mut self, text: &str) -> Option<()> {
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            self.fields.insert(form_decode(name)?, Value::String(form_decode(value)?));
        }
        Some(())
    }

    pub(crate) fn value(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }

    /// A text that is not empty, or a number or truth value as it was written.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        match self.fields.get(name)? {
            Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// A whole number, if one was sent.
    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>, ParseIntError> {
        self.text(name).map(|text| text.parse()).transpose()
    }

    /// A plain decimal number; `None` if it is missing or not one.
    pub(crate) fn decimal(&self, name: &str) -> Option<Decimal> {
        amount::read(&self.text(name)?)
    }

    /// How many of something are wanted, or how many as usual; `None` if that is no number from 1 to `most`.
    pub(crate) fn count(&self, name: &str, usual: usize, most: usize) -> Option<usize> {
        let asked = self.text(name).map_or(Ok(usual), |text| text.parse());
        asked.ok().filter(|count| (1..=most).contains(count))
    }

    /// The side of an order, in the words of the exchange.
    pub(crate) fn side(&self, name: &str, buy: &str, sell: &str) -> Option<Side> {
        let word = self.text(name)?;
        [Side::Buy, Side::Sell].into_iter().find(|side| word == side.pick(buy, sell))
    }
}

/// Every value of a name that stands more than once in a query, such as `uuids[]`.
pub(crate) fn each(request: &Received, name: &str) -> Vec<String> {
    let pairs = request.query.split('&').filter_map(|pair| pair.split_once('='));
    let named = pairs.filter(|(known, _)| form_decode(known).is_some_and(|known| known == name));
    named.filter_map(|(_, value)| form_decode(value)).collect()
}
