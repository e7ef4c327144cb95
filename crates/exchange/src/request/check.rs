//! What a request must not be, beyond the grammar of its parts: two parsers, or we and the exchange, could read it
//! differently.

use toml::Spanned;

use super::{Body, Document, Json, Part, Refusal, Request};
use crate::{
    Class, Method,
    definition::{Case, Hole, Pattern, Profile, Scheme},
};

impl Request {
    /// No parameter may stand in the query and in the body: exchanges differ in which one they take. Where clients mirror
    /// them, both must say the same.
    pub(super) fn check_places(&self, mirrored: &[Spanned<Pattern>]) -> Result<(), Refusal> {
        let in_query = |name: &str| self.query.names().any(|own| own.eq_ignore_ascii_case(name));
        let is_here = |own: &Spanned<Pattern>| own.get_ref().matches(self.method, &self.path, Case::Exact);
        let is_mirrored = mirrored.iter().any(is_here);
        let is_same = |name: &str| {
            let own = self.query.get(name);
            own.is_some() && own == self.json().and_then(|json| json.get(name))
        };
        match self.body_names().find(|name| in_query(name) && !(is_mirrored && is_same(name))) {
            Some(name) => Err(Refusal::field(Part::Body, name, "in the query as well")),
            None => Ok(()),
        }
    }

    /// A parameter of the signer in other letters would stand beside our own.
    pub(super) fn check_spelling(&self, own: &[String]) -> Result<(), Refusal> {
        let misspelt = |name: &str| own.iter().any(|own| own.eq_ignore_ascii_case(name) && own != name);
        match self.names().find(|(_, name)| misspelt(name)) {
            Some((part, name)) => {
                Err(Refusal::field(part, name, "a parameter for signing, in other letters"))
            }
            None => Ok(()),
        }
    }

    /// What belongs to the client's own key can be left out of parameters, but not of a JSON text that stays.
    pub(super) fn check_dropped(&self, profile: &Profile) -> Result<(), Refusal> {
        let given = |name: &&String| self.json().is_some_and(|json| json.root().get(name).is_some());
        match profile.drop.iter().find(given) {
            Some(name) => Err(Refusal::field(Part::Body, name, "belongs to another key: leave it out")),
            None => Ok(()),
        }
    }

    /// Where parameters travel in the body, the exchange does not look at the query, so neither may we.
    pub(super) fn check_no_query(&self) -> Result<(), Refusal> {
        match self.endpoint.class != Class::Public && !self.query.text().is_empty() {
            true => Err(Refusal::new(Part::Query, "this endpoint takes its parameters in the body")),
            false => Ok(()),
        }
    }

    /// A query that no signature covers, or that stands for a body which then is not covered, could be anybody's.
    pub(super) fn check_signed_query(&self, profile: &Profile) -> Result<(), Refusal> {
        let signs_query = [Hole::Query, Hole::MarkedQuery].iter().any(|hole| profile.signs(hole));
        let instead_of_body = profile.signs(&Hole::ParamsHash) && self.body != Body::Empty;
        let unsigned = profile.scheme == Scheme::Header
            && !signs_query
            && self.endpoint.class.moves_money()
            && self.method != Method::Get;
        match instead_of_body || unsigned {
            true => self.check_no_query(),
            false => Ok(()),
        }
    }

    /// Where parameters are signed as decoded, `a=1%26b%3D2` and `a=1&b=2` have the same signature; so have the
    /// members of a body that is signed in this form.
    pub(super) fn check_decoded(&self, profile: &Profile) -> Result<(), Refusal> {
        let body =
            self.json().filter(|_| profile.signs(&Hole::ParamsHash)).map_or(&[][..], Document::members);
        if let Some(member) = body.iter().find(|member| holds_parameter(&member.value)) {
            return Err(Refusal::field(Part::Body, &member.name, "holds what reads as another parameter"));
        }
        match self.query.iter().find(|param| param.value.contains(['&', '='])) {
            Some(param) => {
                Err(Refusal::field(Part::Query, param.name, "& and = cannot stand in a value here"))
            }
            None => Ok(()),
        }
    }

    /// What is signed are the method in the body and some members: the path must be that method's, and nothing
    /// else may stand there.
    pub(super) fn check_envelope(&self, profile: &Profile) -> Result<(), Refusal> {
        let Some(document) = self.json() else {
            return Err(Refusal::new(Part::Body, "must be a JSON object"));
        };
        let named = document.get("method").is_some_and(|method| ends_with_segment(&self.path, method));
        if !named {
            return Err(Refusal::field(Part::Body, "method", "must be the method of the path"));
        }
        let own = profile.own_params();
        let signed = |name: &str| name == "params" || profile.prehash.has_member(name);
        let known = |name: &str| own.iter().any(|own| own == name) || signed(name);
        match document.members().iter().find(|member| !known(&member.name)) {
            Some(member) => Err(Refusal::field(Part::Body, &member.name, "not a member this exchange signs")),
            None => Ok(()),
        }
    }

    pub(super) fn says_json(&self) -> bool {
        self.check_content_type("application/json").is_ok() && self.header("content-type").is_some()
    }

    /// A body is what its header says: the media type is absent or the expected one, the charset UTF-8.
    pub(super) fn check_content_type(&self, expected: &str) -> Result<(), Refusal> {
        let Some(value) = self.header("content-type") else { return Ok(()) };
        let (media, charset) =
            value.split_once(';').map_or((value, ""), |(media, rest)| (media.trim(), rest.trim()));
        let utf8 = charset.is_empty() || charset.eq_ignore_ascii_case("charset=utf-8");
        match media.eq_ignore_ascii_case(expected) && utf8 {
            true => Ok(()),
            false => Err(Refusal::field(Part::Header, "content-type", "does not fit this exchange's bodies")),
        }
    }
}

fn ends_with_segment(path: &str, segment: &str) -> bool {
    path.strip_suffix(segment).is_some_and(|before| before.ends_with('/'))
}

/// Whether a text, written as `name=value`, could be taken for more than one parameter. Their names start with letters,
/// so a memo such as `1&2=3` could not.
fn holds_parameter(json: &Json) -> bool {
    let named =
        |piece: &str| piece.contains('=') && piece.starts_with(|first: char| first.is_ascii_alphabetic());
    match json {
        Json::Text(text) => text.split('&').skip(1).any(named),
        Json::Array(items) => items.iter().any(holds_parameter),
        Json::Object(members) => members.iter().any(|member| holds_parameter(&member.value)),
        Json::Number(_) | Json::Bool(_) | Json::Null => false,
    }
}
