//! Client ids of orders and withdrawals put into a request that has none, in the client's own text.
//!
//! Nothing else is written anew: order of names, text of numbers, spacing and escapes stay. The result is read again like
//! any request of a client, so that what is decided on is what is signed.

use std::ops::Range;

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{Body, Incoming, Json, Params, Part, Refusal, Request, Setting, escape, quote};
use crate::{
    Definition,
    reading::{ClientId, Inside, OwnId},
};

/// What stands in a range of a text from now on.
pub(super) type Edit = (Range<usize>, String);

/// The texts of a request that can hold orders.
struct Texts {
    query: String,
    body: String,
    /// The base64 of the JSON, where the client wrote that into a header.
    payload: Option<String>,
}

/// Ids to put in: of each order, in their order, nothing where the client's own stays.
pub(super) struct NewIds<'d> {
    pub(super) inside: &'d Inside,
    pub(super) place: &'d ClientId,
    ids: Vec<Option<String>>,
}

impl Definition {
    /// The request with an id, made of the bytes that `random` has for the order's place, for every order, or
    /// for the withdrawal, whose client gave none. Orders of endpoints without ids stay without. The same bytes make the same id.
    ///
    /// A request whose orders all have ids comes back as it is. Verify the client's signature before: it covers the
    /// request that came.
    ///
    /// Errors: the request with the ids cannot be read, or would be read as another one; send neither.
    pub fn with_client_ids(
        &self,
        request: &Request,
        random: impl Fn(usize) -> [u8; 16],
    ) -> Result<Request, Refusal> {
        let Some(new) = self.new_ids(request, random)? else { return Ok(request.clone()) };
        let texts = request.with_ids(&new)?;
        let read = self.read_again(request, texts)?;
        match new.are_all_that_changed(request, &read) {
            true => Ok(read),
            false => Err(Refusal::new(Part::Body, "takes no client id without becoming another request")),
        }
    }

    /// Ids for the orders that have none. None if there is nothing to put in.
    pub(super) fn new_ids(
        &self,
        request: &Request,
        random: impl Fn(usize) -> [u8; 16],
    ) -> Result<Option<NewIds<'_>>, Refusal> {
        let Some((inside, place)) = self.client_id(request) else { return Ok(None) };
        let made = |(at, own): (usize, OwnId)| (own == OwnId::Missing).then(|| place.text(random(at)));
        let ids: Vec<Option<String>> = self.own_ids(request)?.into_iter().enumerate().map(made).collect();
        Ok(ids.iter().any(Option::is_some).then_some(NewIds { inside, place, ids }))
    }

    /// The same request with other texts, read as if it had come so.
    fn read_again(&self, request: &Request, texts: Texts) -> Result<Request, Refusal> {
        let payload = self.first_profile(&request.path).payload_header();
        let headers: Vec<(&str, &[u8])> = request
            .headers
            .iter()
            .map(|(name, value)| match &texts.payload {
                Some(own) if payload.is_some_and(|payload| payload.eq_ignore_ascii_case(name)) => {
                    (name, own.as_bytes())
                }
                _ => (name, value.as_bytes()),
            })
            .collect();
        let mark = if texts.query.is_empty() { "" } else { "?" };
        let read = self.request(Incoming {
            method: request.method.as_str(),
            group: request.group(),
            target: &format!("{}{mark}{}", request.path, texts.query),
            headers: &headers,
            body: texts.body.as_bytes(),
            called: "",
        })?;
        Ok(Request { called: request.called.clone(), ..read })
    }
}

impl Request {
    fn with_ids(&self, new: &NewIds<'_>) -> Result<Texts, Refusal> {
        let NewIds { inside, place, ids } = new;
        let mut texts = Texts { query: self.query.text().to_owned(), body: String::new(), payload: None };
        if let Body::Form(params) = &self.body {
            texts.body = params.text().to_owned();
        }
        if let Some(document) = self.json() {
            let orders = match inside.is_whole() {
                true => std::slice::from_ref(document.root()).into(),
                false => inside.items(self)?.unwrap_or_default(),
            };
            texts.body = edited(document.text(), new.edits(place.name(), orders.iter())?);
            if let Body::Payload(..) = &self.body {
                texts.payload = Some(BASE64_STANDARD.encode(std::mem::take(&mut texts.body)));
            }
            return Ok(texts);
        }
        let (params, text) = match &self.body {
            Body::Form(params) => (params, &mut texts.body),
            _ => (&self.query, &mut texts.query),
        };
        *text = match inside.place() {
            None => with_param(params, place.name(), ids),
            Some(list) => {
                let orders = inside.items(self)?.unwrap_or_default();
                with_inside(params, list, &new.edits(place.name(), orders.iter())?).unwrap_or_default()
            }
        };
        Ok(texts)
    }
}

/// A form or query with the id behind the others, or in the place of an empty one.
fn with_param(params: &Params, name: &str, ids: &[Option<String>]) -> String {
    let settings = ids.iter().flatten().map(|id| Setting { name, value: id.clone(), last: true });
    params.with(&settings.collect::<Vec<_>>(), &[])
}

impl NewIds<'_> {
    /// The id of each order behind its last member, or in the place of one that says nothing.
    pub(super) fn edits<'o>(
        &self,
        name: &str,
        orders: impl IntoIterator<Item = &'o Json>,
    ) -> Result<Vec<Edit>, Refusal> {
        let edit = |(order, id): (&Json, &Option<String>)| {
            let id = id.as_ref()?;
            let json = if self.place.is_number() { id.clone() } else { quote(id) };
            let own = order.members().iter().find(|member| member.name == name);
            Some(match (own, order.members().last()) {
                (Some(own), _) => Ok((own.span.clone(), json)),
                (None, Some(last)) => Ok((last.span.end..last.span.end, format!(",{}:{json}", quote(name)))),
                (None, None) => Err(Refusal::field(Part::Body, name, "cannot stand in an empty order")),
            })
        };
        orders.into_iter().zip(&self.ids).filter_map(edit).collect()
    }

    /// Whether the one reads as the other, but for the ids.
    pub(super) fn are_all_that_changed(&self, old: &Request, new: &Request) -> bool {
        let expected = self.ids.iter().zip(&old.client_ids).map(|(made, own)| made.as_ref().or(own.as_ref()));
        new.reading == old.reading && new.client_ids.iter().map(Option::as_ref).eq(expected)
    }
}

/// The text with the edits, which stand in their order.
pub(super) fn edited(text: &str, edits: Vec<Edit>) -> String {
    let mut text = text.to_owned();
    for (range, new) in edits.into_iter().rev() {
        text.replace_range(range, &new);
    }
    text
}

/// A query or form with ranges of a parameter's decoded value replaced. All else of it stays as the client encoded it.
fn with_inside(params: &Params, name: &str, edits: &[Edit]) -> Option<String> {
    let piece = params.piece(name)?;
    let start = piece.start + params.text()[piece.clone()].find('=')? + 1;
    let places = decoded_places(&params.text()[start..piece.end]);
    let mut text = params.text().to_owned();
    for (range, new) in edits.iter().rev() {
        let (from, to) = (places.get(range.start)?, places.get(range.end)?);
        text.replace_range(start + from..start + to, &escape(new));
    }
    Some(text)
}

/// Where each byte of the decoded text stands in the encoded one, and where that ends.
fn decoded_places(text: &str) -> Vec<usize> {
    let (mut places, mut at) = (Vec::new(), 0);
    while let Some(byte) = text.as_bytes().get(at) {
        places.push(at);
        at += if *byte == b'%' { 3 } else { 1 };
    }
    places.push(text.len());
    places
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests: also outside the test functions")]
mod tests;
