//! Where a value of an order stands: in the request, or in one item of a batch.

use std::borrow::Cow;

use serde::Deserialize;

use super::{
    field::{Condition, Field},
    wording::Wording,
};
use crate::{
    Part, Refusal, Request,
    definition::Case,
    request::{Body, Document, Json},
};

/// The place fields are looked up in.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'s> {
    pub(crate) request: &'s Request,
    /// The order itself, where the request holds several or puts it inside something.
    pub(crate) item: Option<&'s Json>,
    /// What an item takes from around it.
    pub(crate) inherit: &'s [String],
}

impl<'s> Scope<'s> {
    /// The whole request.
    pub(crate) fn of(request: &'s Request) -> Scope<'s> {
        Scope { request, item: None, inherit: &[] }
    }

    /// The text of a field; `None` if it is not there or `null`. An array or object where a text belongs is refused.
    pub(crate) fn text(&self, field: &'s Field) -> Result<Option<Cow<'s, str>>, Refusal> {
        match field {
            Field::Always(text) => Ok(Some(text.into())),
            Field::Segment { nth, suffix } => {
                let segment = self.request.path.split('/').nth(*nth);
                Ok(segment.and_then(|segment| segment.strip_suffix(suffix.as_str())).map(Cow::Borrowed))
            }
            Field::Path(names) => self.member(names),
        }
    }

    fn member(&self, names: &'s [String]) -> Result<Option<Cow<'s, str>>, Refusal> {
        let Some((first, rest)) = names.split_first() else { return Ok(None) };
        if let Some(text) = self.parameter(first, rest.is_empty()) {
            return Ok(Some(text.into()));
        }
        let mut json = self.json(first);
        for name in rest {
            json = match (name.as_str(), json.map_or(&[][..], Json::members)) {
                ("#", [only]) => return Ok(Some(only.name.as_str().into())),
                ("*", [only]) => Some(&only.value),
                ("*", []) => json.and_then(Json::only_item),
                ("*" | "#", _) => None,
                (name, _) => json.and_then(|json| json.get(name)),
            };
        }
        let nested = || {
            Refusal::field(Part::Body, names.last().map_or("", String::as_str), "must be a text or a number")
        };
        match json {
            None | Some(Json::Null) => Ok(None),
            Some(Json::Bool(value)) => Ok(Some(if *value { "true" } else { "false" }.into())),
            Some(json) => json.text().map(|text| Some(text.into())).ok_or_else(nested),
        }
    }

    /// A parameter of the query or a form, where parameters of the request itself count.
    fn parameter(&self, name: &str, last: bool) -> Option<&'s str> {
        if !last || (self.item.is_some() && !self.inherits(name)) {
            return None;
        }
        let form = || match &self.request.body {
            Body::Form(params) => params.get(name),
            _ => None,
        };
        self.request.query.get(name).or_else(form)
    }

    fn json(&self, name: &str) -> Option<&'s Json> {
        let around = || self.request.json().and_then(|document| document.root().get(name));
        match self.item {
            Some(item) => item.get(name).or_else(|| self.inherits(name).then(around).flatten()),
            None => around(),
        }
    }

    fn inherits(&self, name: &str) -> bool {
        self.inherit.iter().any(|own| own == name)
    }

    /// Whether any of the conditions holds. What lets more through holds exactly: exchanges differ in what they take in
    /// another case.
    pub(crate) fn any(&self, conditions: &'s [Condition], case: Case) -> Result<bool, Refusal> {
        for condition in conditions {
            if self.all(condition, case)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn all(&self, condition: &'s Condition, case: Case) -> Result<bool, Refusal> {
        for (field, texts) in condition.texts() {
            let fits = match self.text(field) {
                // an array or object: it is there, and that is all that can be said
                Err(_) if texts.iter().any(Wording::is_free) => true,
                Err(refusal) => return Err(refusal),
                Ok(None) => texts.is_empty(),
                Ok(Some(text)) => texts.iter().any(|wording| wording.fits(&text, case)),
            };
            if !fits {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether each field that is there has exactly one of the texts it may have.
    pub(crate) fn only(&self, condition: &'s Condition) -> Result<bool, Refusal> {
        for (field, texts) in condition.texts() {
            let text = self.text(field)?;
            if text.is_some_and(|text| !texts.iter().any(|wording| wording.fits(&text, Case::Exact))) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Where the orders of an endpoint stand: in an array, inside a member, or, with neither, in the request itself.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Inside {
    /// The array: of the body itself (`""`), of a member, or in a parameter whose text is JSON.
    each: Option<String>,
    /// The member.
    member: Option<String>,
    /// What each item takes from around it.
    #[serde(default)]
    inherit: Vec<String>,
    /// Items are `[tag, order]`, and this tag is an order.
    tagged: Option<String>,
    /// The harmless parameters around.
    #[serde(default)]
    known: Vec<String>,
}

impl Inside {
    /// Whether it names one place, and what only a place can have only with one.
    pub(crate) fn is_sound(&self) -> bool {
        let alone = self.inherit.is_empty() && self.known.is_empty() && self.tagged.is_none();
        match (&self.each, &self.member) {
            (Some(_), Some(_)) => false,
            (None, None) => alone,
            _ => true,
        }
    }

    /// Whether the orders stand in the request itself.
    pub(crate) fn is_whole(&self) -> bool {
        self.each.is_none() && self.member.is_none()
    }

    /// The member or parameter that holds the orders, if they stand inside something.
    pub(crate) fn place(&self) -> Option<&str> {
        self.each.as_deref().or(self.member.as_deref())
    }

    /// Whether a parameter may stand around the orders.
    pub(crate) fn is_around(&self, name: &str) -> bool {
        let mut places = self.each.iter().chain(&self.member).filter_map(|path| path.split('.').next());
        places.any(|own| own == name) || self.inherit.iter().chain(&self.known).any(|own| own == name)
    }

    /// A member beside the way to the orders, further in than the request itself, that is not known.
    pub(crate) fn stranger_beside<'r>(&self, request: &'r Request) -> Option<&'r str> {
        let mut way = self.place()?.split('.');
        let mut json = request.json()?.root().get(way.next()?)?;
        for name in way {
            // what orders inherit is looked for in the request itself alone
            let is_known = |own: &str| own == name || self.known.iter().any(|known| known == own);
            if let Some(member) = json.members().iter().find(|member| !is_known(&member.name)) {
                return Some(&member.name);
            }
            json = json.get(name)?;
        }
        None
    }

    /// The orders; `None` if one of them has another tag.
    pub(crate) fn items<'r>(&self, request: &'r Request) -> Result<Option<Cow<'r, [Json]>>, Refusal> {
        let path = self.place().unwrap_or_default();
        let refuse = || Refusal::field(Part::Body, path, "must hold at least one order");
        let found = find(request, path)?.ok_or_else(refuse)?;
        if self.member.is_some() {
            return Ok(Some(match found {
                Cow::Borrowed(order) => Cow::Borrowed(std::slice::from_ref(order)),
                Cow::Owned(order) => Cow::Owned(vec![order]),
            }));
        }
        let items = match found {
            Cow::Borrowed(Json::Array(items)) if !items.is_empty() => Cow::Borrowed(items.as_slice()),
            Cow::Owned(Json::Array(items)) if !items.is_empty() => Cow::Owned(items),
            _ => return Err(refuse()),
        };
        Ok(match &self.tagged {
            Some(tag) => items.iter().map(|item| untagged(item, tag)).collect::<Option<_>>().map(Cow::Owned),
            None => Some(items),
        })
    }

    /// What stands around and inside must not say two things: exchanges differ in which one they take.
    pub(crate) fn check_inherited(&self, request: &Request, item: &Json) -> Result<(), Refusal> {
        let twice = |name: &&String| {
            let around = request.json().and_then(|document| document.root().get(name));
            around.zip(item.get(name)).is_some_and(|(around, inside)| around != inside)
        };
        match self.inherit.iter().find(twice) {
            Some(name) => {
                Err(Refusal::field(Part::Body, name, "says two things, around the orders and inside"))
            }
            None => Ok(()),
        }
    }

    /// The place of one of them.
    pub(crate) fn scope<'s>(&'s self, request: &'s Request, item: &'s Json) -> Scope<'s> {
        Scope { request, item: Some(item), inherit: &self.inherit }
    }
}

fn find<'r>(request: &'r Request, path: &str) -> Result<Option<Cow<'r, Json>>, Refusal> {
    if let (None, Some(text)) = (request.json(), request.param(path)) {
        return Ok(Some(Cow::Owned(Document::parse(text)?.into_root())));
    }
    let root = request.json().map(Document::root);
    let mut names = path.split('.').filter(|name| !name.is_empty());
    let found = names.try_fold(root, |json, name| json.map(|json| json.get(name))).flatten();
    Ok(found.map(Cow::Borrowed))
}

fn untagged(item: &Json, tag: &str) -> Option<Json> {
    match item {
        Json::Array(parts) => match parts.as_slice() {
            [own, order] if own.text() == Some(tag) => Some(order.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a text is what a pattern says.
pub(crate) fn like(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(start) else { return false };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let end = pieces.pop().unwrap_or_default();
    for piece in pieces {
        let Some(at) = text.find(piece) else { return false };
        text = &text[at + piece.len()..];
    }
    text.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_fits_what_it_says() {
        for (pattern, text) in
            [("buy-*", "buy-limit"), ("*viqc*", "post,viqc"), ("a", "a"), ("*-*-*", "BTC-USDT-SWAP")]
        {
            assert!(like(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in
            [("buy-*", "sell-limit"), ("*-*-*", "BTC-USDT"), ("a", "ab"), ("a", "A"), ("", "a")]
        {
            assert!(!like(pattern, text), "{pattern} {text}");
        }
    }
}
