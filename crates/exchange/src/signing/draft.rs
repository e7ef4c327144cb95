//! What leaves, before it has a signature: the client's texts with the signer's parameters in, its own out.

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::{
    Method, Request,
    definition::{BodyForm, Hole, Profile, Scheme, Values},
    request::{Body, Document, Params, Setting, escape},
};

/// The texts of a request.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) query: String,
    pub(super) body: String,
    /// The base64 of a JSON body, where that is what is signed.
    pub(super) payload: String,
    /// The type of a body that is there.
    pub(super) content_type: Option<&'static str>,
    pub(super) signature_in_body: bool,
}

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

impl Draft {
    /// The client's texts without what it signed with, for endpoints that want no signature.
    pub(super) fn plain(profile: &Profile, request: &Request) -> Draft {
        let signed = profile.signature_param.as_deref().filter(|name| request.param(name).is_some());
        let mut names: Vec<&str> = Vec::new();
        if let Some(signature) = signed {
            names.push(signature);
            names.extend(profile.inject.iter().map(|item| item.name.as_str()));
        }
        let (body, content_type) = match &request.body {
            Body::Empty => (String::new(), None),
            Body::Form(params) => (params.without(&names), Some(FORM)),
            Body::Json(document) | Body::Payload(document, _) => (document.text().to_owned(), Some(JSON)),
        };
        Draft { query: request.query.without(&names), body, content_type, ..Draft::default() }
    }

    /// The client's texts with the signer's parameters.
    pub(super) fn fill(profile: &Profile, request: &Request, values: &Values<'_>) -> Draft {
        let items = profile.inject.iter().filter(|item| {
            // while there is no signature yet, its parameter waits
            !item.value.has(&Hole::Signature) || !values.signature.is_empty()
        });
        let settings: Vec<Setting<'_>> = items
            .map(|item| Setting { name: &item.name, value: item.value.text(values), last: item.last })
            .collect();
        match profile.scheme {
            Scheme::Query => Draft::fill_query(profile, request, settings),
            Scheme::Payload => {
                let body = request.json().unwrap_or(&Document::empty()).with(&settings);
                let query = request.query.text().to_owned();
                let payload = BASE64_STANDARD.encode(&body);
                Draft { query, body, payload, content_type: Some(JSON), ..Draft::default() }
            }
            Scheme::Header | Scheme::Jwt | Scheme::Envelope => {
                let (body, content_type) = fill_body(profile, request, &settings);
                let query = request.query.text().to_owned();
                Draft { query, body, content_type, ..Draft::default() }
            }
        }
    }

    fn fill_query(profile: &Profile, request: &Request, settings: Vec<Setting<'_>>) -> Draft {
        let empty = Params::default();
        let body = match &request.body {
            Body::Form(params) => params,
            _ => &empty,
        };
        let in_body = !profile.always_in_query && signs_in_body(profile, request, body);
        let (set_in_query, set_in_body): (Vec<_>, Vec<_>) = settings.into_iter().partition(|set| {
            request.query.get(set.name).is_some() || (body.get(set.name).is_none() && !in_body)
        });
        let mut dropped: Vec<&str> = profile.drop.iter().map(String::as_str).collect();
        dropped.extend(profile.signature_param.as_deref());
        let (body, content_type) = match request.json() {
            Some(document) => (document.text().to_owned(), JSON),
            None => (body.with(&set_in_body, &dropped), FORM),
        };
        Draft {
            query: request.query.with(&set_in_query, &dropped),
            body,
            payload: String::new(),
            content_type: Some(content_type),
            signature_in_body: in_body,
        }
    }

    /// Puts the signature where it belongs if that is a parameter, and the payload where it is the body.
    pub(super) fn place(&mut self, profile: &Profile, signature: &str) {
        if let Some(param) = &profile.signature_param {
            let text = if self.signature_in_body { &mut self.body } else { &mut self.query };
            let separator = if text.is_empty() { "" } else { "&" };
            text.push_str(&format!("{separator}{param}={}", escape(signature)));
        }
        if profile.scheme == Scheme::Payload {
            self.body = std::mem::take(&mut self.payload);
        }
    }

    /// The type of the body as it is signed and sent; empty without a body.
    pub(super) fn content_type<'a>(&'a self, request: &'a Request) -> &'a str {
        match self.body.is_empty() {
            true => "",
            false => request.header("content-type").or(self.content_type).unwrap_or_default(),
        }
    }
}

fn fill_body(
    profile: &Profile,
    request: &Request,
    settings: &[Setting<'_>],
) -> (String, Option<&'static str>) {
    let dropped: Vec<&str> = profile.drop.iter().map(String::as_str).collect();
    match &request.body {
        Body::Empty if settings.is_empty() => (String::new(), None),
        Body::Empty if profile.body_form() == BodyForm::Json => {
            (Document::empty().with(settings), Some(JSON))
        }
        Body::Empty => (Params::default().with(settings, &[]), Some(FORM)),
        Body::Form(params) => (params.with(settings, &dropped), Some(FORM)),
        Body::Json(document) | Body::Payload(document, _) => (document.with(settings), Some(JSON)),
    }
}

/// Where the client signed; else where its parameters are; else by method.
fn signs_in_body(profile: &Profile, request: &Request, body: &Params) -> bool {
    let signature = profile.signature_param.as_deref();
    let signed = |params: &Params| signature.is_some_and(|name| params.get(name).is_some());
    match (signed(&request.query), signed(body)) {
        (true, _) => false,
        (_, true) => true,
        _ if !body.text().is_empty() => true,
        _ if !request.query.text().is_empty() => false,
        _ => matches!(request.method, Method::Post | Method::Put),
    }
}
