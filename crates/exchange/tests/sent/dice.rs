//! Requests that ask for something else in the same form.

use serde_json::{Number, Value};

use crate::reparse::{ADDRESSES, PRICES, SIZES, decoded};

/// Xorshift: the same seed, the same requests.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    /// A plain decimal above zero.
    fn number(&mut self) -> String {
        let whole = self.below(100_000);
        match self.below(8) {
            0 => (whole + 1).to_string(),
            places => {
                let places = usize::try_from(places).unwrap();
                let fraction = 1 + self.below(10_u64.pow(places as u32) - 1);
                format!("{whole}.{fraction:0places$}")
            }
        }
    }
}

/// A body or a query: JSON, or a form whose values may be JSON.
pub fn rewritten(text: &str, dice: &mut Dice) -> String {
    if let Ok(mut value) = serde_json::from_str::<Value>(text) {
        vary("", &mut value, dice);
        return value.to_string();
    }
    let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        format!("{name}={}", form_value(name, value, dice))
    });
    pairs.collect::<Vec<_>>().join("&")
}

fn form_value(name: &str, text: &str, dice: &mut Dice) -> String {
    match serde_json::from_str::<Value>(&decoded(text)) {
        Ok(mut value @ (Value::Array(_) | Value::Object(_))) => {
            vary(name, &mut value, dice);
            value
                .to_string()
                .bytes()
                .map(|byte| match byte {
                    b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
                        char::from(byte).to_string()
                    }
                    byte => format!("%{byte:02X}"),
                })
                .collect()
        }
        _ => scalar(name, text, dice).unwrap_or_else(|| text.to_owned()),
    }
}

fn vary(name: &str, value: &mut Value, dice: &mut Dice) {
    match value {
        Value::Object(members) => members.iter_mut().for_each(|(name, value)| vary(name, value, dice)),
        Value::Array(items) => {
            if items.iter().any(|item| item.is_object() || item.is_array()) && !items[0].is_string() {
                let first = items.clone();
                let count = 1 + dice.below(5);
                *items = (0..count).map(|_| first[dice.below(first.len() as u64) as usize].clone()).collect();
            }
            items.iter_mut().for_each(|item| vary(name, item, dice));
        }
        Value::String(text) => {
            if let Some(other) = scalar(name, text, dice) {
                *text = other;
            }
        }
        Value::Number(number) => {
            if let Some(other) = scalar(name, &number.to_string(), dice) {
                *number = other.parse::<Number>().unwrap();
            }
        }
        Value::Bool(_) | Value::Null => {}
    }
}

/// Something else in the place of an amount, a price, a side or an address.
fn scalar(name: &str, text: &str, dice: &mut Dice) -> Option<String> {
    let sides = [("buy", "sell"), ("BUY", "SELL"), ("Buy", "Sell"), ("bid", "ask"), ("BID", "ASK")];
    if let Some((buy, sell)) = sides.into_iter().find(|(buy, sell)| text == *buy || text == *sell) {
        return Some(if dice.below(2) == 0 { buy } else { sell }.to_owned());
    }
    if ADDRESSES.contains(&name) {
        return Some(format!("{text}{:x}", dice.below(1 << 40)));
    }
    let amount = text.strip_prefix('-').unwrap_or(text);
    let is_amount = amount.parse::<rust_decimal::Decimal>().is_ok_and(|amount| !amount.is_zero());
    if !is_amount || !(SIZES.contains(&name) || PRICES.contains(&name)) {
        return None;
    }
    let sign = if text.starts_with('-') { "-" } else { "" };
    Some(format!("{sign}{}", dice.number()))
}
