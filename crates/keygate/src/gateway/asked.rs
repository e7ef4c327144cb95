//! A request under `/x/`, taken apart: which exchange, what is asked of it, and which key it shows.

use std::{ops::ControlFlow, sync::Arc};

use axum::response::Response;
use bytes::Bytes;
use exchange::{Definition, Incoming, Request};
use http::request::Parts;
use http_body_util::{BodyExt, Collected, Limited};
use hyper::body::{Body, Incoming as HttpBody};
use tracing::Instrument;

use super::{Call, Denial, answer, credential::Presented, noted, queue, stream, unreadable};
use crate::{
    app::App,
    auth::{Client, Peer},
    error::{Code, Error, Result},
    http::{RequestId, body::PATIENCE},
    risk::Seen,
};

/// A request under `/x/` that waits to be answered.
pub enum Taken {
    /// Nothing of it is read yet.
    Whole(Box<http::Request<HttpBody>>),
    Read(Read),
}

/// What was read, or the answer to it already.
type Read = ControlFlow<Response, Box<Asked>>;

/// A call that was read, with what it shows of its caller.
pub struct Asked {
    definition: Arc<Definition>,
    request: Request,
    client: Client,
    id: RequestId,
    presented: Option<Presented>,
    /// Why it goes no further: it cannot be read, is not listed, or shows two keys.
    refused: Option<Denial>,
}

/// Reads a request at once where there is no body to wait for.
pub fn take(app: &Arc<App>, peer: Peer, id: RequestId, request: http::Request<HttpBody>) -> Result<Taken> {
    match request.body().is_end_stream() {
        true => read(app, peer, id, request.into_parts().0, Some(Bytes::new())).map(Taken::Read),
        false => Ok(Taken::Whole(Box::new(request))),
    }
}

/// Answers a request under `/x/`. What moves money, or holds the turn of a key, has a task of its own: a client that
/// goes away cannot stop it between its record, its sending and its outcome. Other reads end with their client, on
/// record.
pub async fn serve(app: &Arc<App>, peer: Peer, id: RequestId, taken: Taken) -> Result<Response> {
    let read = match taken {
        Taken::Whole(request) => Box::pin(read_whole(app, peer, id, *request)).await?,
        Taken::Read(read) => read,
    };
    match read {
        ControlFlow::Continue(asked) if asked.must_end() => Box::pin(in_its_own_task(app, asked)).await,
        ControlFlow::Continue(asked) => Ok(asked.answer(app).await),
        ControlFlow::Break(response) => Ok(response),
    }
}

async fn in_its_own_task(app: &Arc<App>, asked: Box<Asked>) -> Result<Response> {
    let held = app.gate.under_way.begin().await;
    let (app, span) = (app.clone(), tracing::Span::current());
    let call = async move {
        let answer = asked.answer(&app).await;
        drop(held);
        answer
    };
    tokio::spawn(call.instrument(span)).await.map_err(Error::internal)
}

async fn read_whole(
    app: &Arc<App>,
    peer: Peer,
    id: RequestId,
    request: http::Request<HttpBody>,
) -> Result<Read> {
    let (parts, body) = request.into_parts();
    let body = whole(body, app.config.gateway.max_body).await;
    read(app, peer, id, parts, body)
}

/// Takes the request apart, or answers it already.
fn read(app: &Arc<App>, peer: Peer, id: RequestId, mut parts: Parts, body: Option<Bytes>) -> Result<Read> {
    let target = parts.uri.path_and_query().cloned().ok_or(Code::NotFound)?;
    let target = target.as_str();
    let (exchange, group, rest) = split(target).ok_or(Code::NotFound)?;
    let definition = app
        .exchanges
        .get(exchange)
        .ok_or_else(|| Code::NotFound.with("Keygate does not know this exchange."))?;
    let client = Client::of(peer, &parts.headers, &app.config);
    let address = stream::Address { definition, group, target: rest };
    if let Some(response) = stream::meet(app, address, &mut parts, &client, id) {
        return Ok(ControlFlow::Break(response));
    }
    let headers: Vec<(&str, &[u8])> =
        parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let called = called(app, &parts.headers, target, rest);
    let (method, headers) = (parts.method.as_str(), headers.as_slice());
    let bytes = body.as_deref().unwrap_or_default();
    let incoming = Incoming { method, group, target: rest, headers, body: bytes, called: &called };
    let request = match body {
        Some(_) => definition.request(incoming).map_err(|refusal| refusal.to_string()),
        None => Err("the body is too large, broke off, or did not come in time".to_owned()),
    };
    let (request, refused) = match request {
        Ok(request) => (Some(request), None),
        Err(reason) => (definition.unread(incoming), Some(unreadable(reason))),
    };
    let Some(request) = request else {
        let reason = refused.unwrap_or_else(|| unreadable("not supported"));
        return Ok(ControlFlow::Break(answer::refuse(definition, &reason, id)));
    };
    let (presented, refused) = match Presented::find(definition, &request, &parts.headers) {
        Ok(presented) => (presented, refused),
        // whose it is says the pair, as far as that can be told
        Err(denial) => (Presented::of_pair(definition, &request), refused.or(Some(denial))),
    };
    let definition = definition.clone();
    Ok(ControlFlow::Continue(Box::new(Asked { definition, request, client, id, presented, refused })))
}

async fn whole(body: HttpBody, most: usize) -> Option<Bytes> {
    match body.is_end_stream() {
        true => Some(Bytes::new()),
        false => {
            let collected = tokio::time::timeout(PATIENCE, Limited::new(body, most).collect()).await;
            collected.ok()?.ok().map(Collected::to_bytes)
        }
    }
}

/// The address a client called us by, up to the exchange's own path. The host is one of ours: others were refused.
fn called(app: &App, headers: &http::HeaderMap, target: &str, rest: &str) -> String {
    let host = headers.get(http::header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let public = app.config.public_url.as_str();
    let is_public = public.split_once("://").is_some_and(|(_, own)| own.trim_end_matches('/') == host);
    let scheme = if is_public && public.starts_with("https://") { "https" } else { "http" };
    format!("{scheme}://{host}{}", target.strip_suffix(rest).unwrap_or_default())
}

impl Asked {
    fn must_end(&self) -> bool {
        let class = self.request.class();
        self.refused.is_none()
            && (class.moves_money() || queue::counts_nonces(&self.definition, &self.request))
    }

    async fn answer(self: Box<Self>, app: &App) -> Response {
        let Asked { definition, request, client, id, presented, refused } = *self;
        let (seen, noted) = (Seen::default(), noted::Noted::default());
        let begun = app.clock.now();
        let call = Call { app, definition: &definition, request, client, id, begun, seen, noted };
        let carried_out = match refused {
            None => call.carry_out(presented).await,
            Some(denial) => Err(Box::pin(call.turned_away(presented, denial)).await),
        };
        match carried_out {
            Ok(response) => response,
            Err(denial) => answer::refuse(&definition, &denial, id),
        }
    }
}

/// `/x/binance.coinm/futures/data/…` -> exchange, group, the exchange's own target.
fn split(target: &str) -> Option<(&str, Option<&str>, &str)> {
    let rest = target.strip_prefix("/x/")?;
    let slash = rest.find('/')?;
    let (name, own) = rest.split_at(slash);
    match name.split_once('.') {
        Some((exchange, group)) => Some((exchange, Some(group), own)),
        None => Some((name, None, own)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_is_split_without_decoding_anything() {
        assert_eq!(split("/x/binance/api/v3/time"), Some(("binance", None, "/api/v3/time")));
        assert_eq!(split("/x/binance.coinm/a?b=%2F"), Some(("binance", Some("coinm"), "/a?b=%2F")));
        assert_eq!(split("/x/binance"), None);
        assert_eq!(split("/x/%2e%2e/a"), Some(("%2e%2e", None, "/a")));
    }
}
