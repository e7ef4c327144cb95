//! What must not stand in a request that moves money: names its endpoint is not known to have, and parameters that the
//! exchange would look for elsewhere than they are looked for here.

use std::borrow::Cow;

use super::{
    field::{Field, Names},
    scope::Inside,
};
use crate::{
    Definition, Method, Part, Refusal, Request,
    definition::{BodyForm, Scheme},
    request::{Body, Json},
};

/// Where a request has what its reader reads.
pub(super) enum Held<'r> {
    /// In itself.
    Whole,
    /// Inside, one or several.
    Each(Cow<'r, [Json]>),
    /// Inside, beside something else.
    Mixed,
}

impl Held<'_> {
    pub(super) fn items(&self) -> &[Json] {
        match self {
            Held::Each(items) => items,
            Held::Whole | Held::Mixed => &[],
        }
    }
}

impl Definition {
    /// Refuses what the endpoint is not known to have; the orders if they stand inside something.
    pub(super) fn check<'r>(
        &self,
        request: &'r Request,
        inside: &Inside,
        known: &Names,
    ) -> Result<Held<'r>, Refusal> {
        self.check_outermost(request, inside, known)?;
        self.check_place(request)?;
        if inside.is_whole() {
            return must_be_object(request).map(|()| Held::Whole);
        }
        if let Some(name) = inside.stranger_beside(request) {
            return Err(unknown(Part::Body, name));
        }
        let held = inside.items(request)?.map_or(Held::Mixed, Held::Each);
        held.items().iter().try_for_each(|item| inside.check_inherited(request, item))?;
        let signing = self.first_profile(&request.path).signing_names();
        let members = held.items().iter().flat_map(Json::members);
        let mut members = members.filter(|member| !signing.iter().any(|own| *own == member.name));
        match members.find_map(|member| known.stranger(&member.name, Some(&member.value))) {
            Some(name) => Err(unknown(Part::Body, name)),
            None => Ok(held),
        }
    }

    fn check_outermost(&self, request: &Request, inside: &Inside, known: &Names) -> Result<(), Refusal> {
        let signing = self.first_profile(&request.path).signing_names();
        let stranger = |name| match inside.is_whole() {
            true => known.stranger(name, request.json().and_then(|document| document.root().get(name))),
            false => Some(name).filter(|name| !inside.is_around(name)),
        };
        let mut names = request.names().filter(|(_, name)| !signing.iter().any(|own| own == name));
        match names.find_map(|(part, name)| Some((part, stranger(name)?))) {
            Some((part, name)) => Err(unknown(part, name)),
            None => Ok(()),
        }
    }

    /// Refuses what the exchange could understand otherwise than it is decided on here, of an endpoint of which nobody
    /// knows what else it has. `in_query`: the exchange looks there, and not at the body.
    pub(super) fn check_decisive(
        &self,
        request: &Request,
        fields: &[&Field],
        in_query: bool,
    ) -> Result<(), Refusal> {
        if fields.is_empty() {
            return Ok(());
        }
        match in_query {
            true if request.body == Body::Empty => {}
            true => return Err(Refusal::new(Part::Body, "this endpoint takes its parameters in the query")),
            false => self.check_place(request)?,
        }
        must_be_object(request)?;
        match fields.iter().find_map(|field| misspelt(request, field)) {
            Some((part, name)) => Err(Refusal::field(part, name, "a name that decides, in other letters")),
            None => Ok(()),
        }
    }

    /// Where the body counts, a parameter of the query would be read here and ignored there, or the other way.
    fn check_place(&self, request: &Request) -> Result<(), Refusal> {
        let profile = self.first_profile(&request.path);
        let body_counts = profile.scheme != Scheme::Query || profile.body_form() == BodyForm::Json;
        let has_body = request.body != Body::Empty || request.method == Method::Post;
        let is_signing = |name: &str| profile.signing_names().iter().any(|own| own == name);
        match request.query.names().find(|name| body_counts && has_body && !is_signing(name)) {
            Some(name) => {
                Err(Refusal::field(Part::Query, name, "this endpoint takes its parameters in the body"))
            }
            None => Ok(()),
        }
    }
}

/// In a list no name is found, and an exchange may take what is in it.
fn must_be_object(request: &Request) -> Result<(), Refusal> {
    match request.json().map(|document| document.root()) {
        Some(Json::Array(_)) => Err(Refusal::new(Part::Body, "must be a JSON object")),
        _ => Ok(()),
    }
}

fn unknown(part: Part, name: &str) -> Refusal {
    Refusal::field(part, name, "not a parameter this endpoint is known to have")
}

/// A name on the way to a field that differs from the field's in the case of its letters: an exchange may take it for
/// the same.
fn misspelt<'r>(request: &'r Request, field: &Field) -> Option<(Part, &'r str)> {
    let Field::Path(path) = field else { return None };
    let (first, rest) = path.split_first()?;
    let other = |own: &str, name: &str| own != name && own.eq_ignore_ascii_case(name);
    if let Some(found) = request.names().find(|(_, own)| other(own, first)) {
        return Some(found);
    }
    let mut json = request.json().and_then(|document| document.root().get(first));
    for name in rest {
        let mut members = json.map_or(&[][..], Json::members).iter();
        if let Some(member) = members.find(|member| other(&member.name, name)) {
            return Some((Part::Body, &member.name));
        }
        json = json.and_then(|json| json.get(name));
    }
    None
}
