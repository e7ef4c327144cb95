//! What leaves, before it has a signature: the client's texts with the signer's parameters in, its own out.

use std::borrow::Cow;

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::{
    Method, Request,
    definition::{BodyForm, Hole, Profile, Scheme, Values},
    request::{Body, Document, Params, QueryForm, Setting, push_escaped},
};

/// The texts of a request.
#[derive(Default)]
pub(super) struct Draft<'r> {
    pub(super) query: Cow<'r, str>,
    /// The query as it stands in what is signed, if that is another text.
    pub(super) signed_query: Option<Cow<'r, str>>,
    pub(super) body: Cow<'r, str>,
    /// The base64 of a JSON body, where that is what is signed.
    pub(super) payload: Cow<'r, str>,
    /// The type of a body that is there.
    pub(super) content_type: Option<&'static str>,
    pub(super) signature_in_body: bool,
}

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

impl<'r> Draft<'r> {
    /// The client's texts without what it signed with, for endpoints that want no signature.
    pub(super) fn plain(profile: &Profile, request: &'r Request) -> Draft<'r> {
        let signed = profile.signature_param.as_deref().filter(|name| request.param(name).is_some());
        let mut names: Vec<&str> = Vec::new();
        if let Some(signature) = signed {
            names.push(signature);
            names.extend(profile.inject.iter().map(|item| item.name.as_str()));
        }
        let (body, content_type) = match &request.body {
            Body::Empty => ("".into(), None),
            Body::Form(params) => (params.without(&names), Some(FORM)),
            Body::Json(document) | Body::Payload(document, _) => (document.text().into(), Some(JSON)),
        };
        Draft { query: request.query.without(&names), body, content_type, ..Draft::default() }
    }

    /// The client's texts as it signed them: without the signature.
    pub(super) fn as_sent(profile: &Profile, request: &'r Request) -> Draft<'r> {
        let signature = profile.signature_param.as_slice();
        let names: &[&str] = &signature.iter().map(String::as_str).collect::<Vec<_>>();
        let signed_query = match profile.query {
            QueryForm::Encoded => None,
            form => Some(request.query.written(form, names)),
        };
        let (body, payload) = match &request.body {
            Body::Empty => ("".into(), ""),
            Body::Form(params) => (params.without(names), ""),
            Body::Json(document) => (document.text().into(), ""),
            Body::Payload(_, payload) => ("".into(), payload.as_str()),
        };
        let query = request.query.without(names);
        Draft { query, signed_query, body, payload: payload.into(), ..Draft::default() }
    }

    /// The same as decoded, as some clients sign it. `None` if that is no other text, or could mean another one.
    pub(super) fn as_decoded(profile: &Profile, request: &Request) -> Option<Draft<'r>> {
        let empty = Params::default();
        let form = match &request.body {
            Body::Form(params) => params,
            _ => &empty,
        };
        if request.query.is_plain() && form.is_plain() {
            return None;
        }
        let signature = profile.signature_param.as_deref().unwrap_or_default();
        let (query, body) = request.query.decoded(signature).zip(form.decoded(signature))?;
        Some(Draft { query: query.into(), body: body.into(), ..Draft::default() })
    }

    /// The client's texts with the signer's parameters.
    pub(super) fn fill(profile: &Profile, request: &'r Request, values: &Values<'_>) -> Draft<'r> {
        let items = profile.inject.iter().filter(|item| {
            // while there is no signature yet, its parameter waits
            !item.value.has(&Hole::Signature) || !values.signature.is_empty()
        });
        let settings: Vec<Setting<'_>> = items
            .map(|item| Setting { name: &item.name, value: item.value.text(values), last: item.last })
            .collect();
        if profile.scheme == Scheme::Query {
            return Draft::fill_query(profile, request, settings);
        }
        let query = request.query.text().into();
        let signed_query = match profile.query {
            QueryForm::Encoded => None,
            form => Some(request.query.written(form, &[])),
        };
        if profile.scheme == Scheme::Payload {
            let body = request.json().unwrap_or(&Document::empty()).with(&settings);
            let payload = BASE64_STANDARD.encode(&body).into();
            let (body, content_type) = (body.into(), Some(JSON));
            return Draft { query, signed_query, body, payload, content_type, signature_in_body: false };
        }
        let (body, content_type) = fill_body(profile, request, &settings);
        Draft { query, signed_query, body, content_type, ..Draft::default() }
    }

    fn fill_query(profile: &Profile, request: &'r Request, settings: Vec<Setting<'_>>) -> Draft<'r> {
        let empty = Params::default();
        let body = match &request.body {
            Body::Form(params) => params,
            _ => &empty,
        };
        let in_body = !profile.always_in_query && signs_in_body(profile, request, body);
        let (set_in_query, set_in_body): (Vec<_>, Vec<_>) = settings.into_iter().partition(|set| {
            request.query.get(set.name).is_some() || (body.get(set.name).is_none() && !in_body)
        });
        let dropped = profile.drop.iter().chain(&profile.signature_param).map(String::as_str);
        let dropped: Vec<&str> = dropped.collect();
        let signed_query = match profile.query {
            QueryForm::Encoded => None,
            form => Some(request.query.written_with(form, &set_in_query, &dropped).into()),
        };
        let (body, content_type) = match request.json() {
            Some(document) => (document.text().into(), JSON),
            None => (body.with(&set_in_body, &dropped).into(), FORM),
        };
        Draft {
            query: request.query.with(&set_in_query, &dropped).into(),
            signed_query,
            body,
            content_type: Some(content_type),
            signature_in_body: in_body,
            ..Draft::default()
        }
    }

    /// Puts the signature where it belongs if that is a parameter, and the payload where it is the body.
    pub(super) fn place(&mut self, profile: &Profile, signature: &str) {
        if let Some(param) = &profile.signature_param {
            let text = if self.signature_in_body { &mut self.body } else { &mut self.query }.to_mut();
            if !text.is_empty() {
                text.push('&');
            }
            text.push_str(param);
            text.push('=');
            push_escaped(text, signature);
        }
        if profile.scheme == Scheme::Payload {
            self.body = std::mem::take(&mut self.payload);
        }
    }

    /// The query as it stands in what is signed.
    pub(super) fn signed_query(&self) -> &str {
        self.signed_query.as_deref().unwrap_or(&self.query)
    }

    /// The type of the body as it is signed and sent; empty without a body.
    pub(super) fn content_type<'a>(&'a self, request: &'a Request) -> &'a str {
        match self.body.is_empty() {
            true => "",
            false => request.header("content-type").or(self.content_type).unwrap_or_default(),
        }
    }
}

fn fill_body<'r>(
    profile: &Profile,
    request: &'r Request,
    settings: &[Setting<'_>],
) -> (Cow<'r, str>, Option<&'static str>) {
    match &request.body {
        Body::Empty if settings.is_empty() => ("".into(), None),
        Body::Empty if profile.body_form() == BodyForm::Json => {
            (Document::empty().with(settings).into(), Some(JSON))
        }
        Body::Empty => (Params::default().with(settings, &[]).into(), Some(FORM)),
        Body::Form(params) => {
            let dropped: Vec<&str> = profile.drop.iter().map(String::as_str).collect();
            (params.with(settings, &dropped).into(), Some(FORM))
        }
        Body::Json(document) | Body::Payload(document, _) if settings.is_empty() => {
            (document.text().into(), Some(JSON))
        }
        Body::Json(document) | Body::Payload(document, _) => (document.with(settings).into(), Some(JSON)),
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
