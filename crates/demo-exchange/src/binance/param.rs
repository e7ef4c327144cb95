//! The parameters of a call: query string and form body, decoded once, names unique.

use rust_decimal::Decimal;

use super::error::Error;
use crate::amount;
use crate::request::{Received, form_decode};

/// `name=value` pairs; where query and body both have a name, the query wins.
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    pub(super) fn parse(request: &Received) -> Result<Self, Error> {
        let form = request.header("content-type").is_none_or(|kind| kind.starts_with(FORM));
        let body = if form { std::str::from_utf8(&request.body).unwrap_or_default() } else { "" };
        let mut params = parse_part(&request.query)?;
        for (name, value) in parse_part(body)? {
            if !params.iter().any(|(known, _)| *known == name) {
                params.push((name, value));
            }
        }
        Ok(Self(params))
    }

    /// Refuses what the endpoint would not read.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Error> {
        let sent = self.0.len();
        let read = self.0.iter().filter(|(name, _)| known.contains(&name.as_str())).count();
        match (known.is_empty(), read == sent) {
            (_, true) => Ok(()),
            (true, false) => Err(Error::too_many_parameters(sent)),
            (false, false) => Err(Error::unread(read, sent)),
        }
    }

    /// The value, if it was sent; an empty one is an error.
    pub(super) fn get(&self, name: &str) -> Result<Option<&str>, Error> {
        match self.0.iter().find(|(known, _)| known == name) {
            Some((_, value)) if value.is_empty() => Err(Error::empty(name)),
            Some((_, value)) => Ok(Some(value)),
            None => Ok(None),
        }
    }

    pub(super) fn need(&self, name: &str) -> Result<&str, Error> {
        self.get(name).ok().flatten().ok_or_else(|| Error::mandatory(name))
    }

    /// A decimal number with at most eight places.
    pub(super) fn amount(&self, name: &str) -> Result<Option<Decimal>, Error> {
        let Some(text) = self.get(name)? else { return Ok(None) };
        let number = amount::read(text).ok_or_else(|| Error::illegal_characters(name, LEGAL_AMOUNT))?;
        if number.normalize().scale() > 8 {
            return Err(Error::precision(name));
        }
        Ok(Some(number))
    }

    pub(super) fn need_amount(&self, name: &str) -> Result<Decimal, Error> {
        self.need(name)?;
        self.amount(name)?.ok_or_else(|| Error::mandatory(name))
    }

    pub(super) fn integer(&self, name: &str) -> Result<Option<u64>, Error> {
        let Some(text) = self.get(name)? else { return Ok(None) };
        let number = text.parse().map_err(|_| Error::illegal_characters(name, "^[0-9]{1,20}$"))?;
        Ok(Some(number))
    }

    /// `limit`, at most `max`.
    pub(super) fn limit(&self, default: u64, max: u64) -> Result<usize, Error> {
        let limit = self.integer("limit")?.unwrap_or(default);
        if limit == 0 || limit > max {
            return Err(Error::data("limit"));
        }
        Ok(usize::try_from(limit).unwrap_or(usize::MAX))
    }
}

const FORM: &str = "application/x-www-form-urlencoded";
const LEGAL_AMOUNT: &str = "^([0-9]{1,20})(\\.[0-9]{1,20})?$";

fn parse_part(text: &str) -> Result<Vec<(String, String)>, Error> {
    let mut params: Vec<(String, String)> = Vec::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = form_decode(name).ok_or_else(|| Error::illegal_characters(name, "^[a-zA-Z]+$"))?;
        let value = form_decode(value).ok_or_else(|| Error::data(&name))?;
        if params.iter().any(|(known, _)| *known == name) {
            return Err(Error::duplicate(&name));
        }
        params.push((name, value));
    }
    Ok(params)
}
