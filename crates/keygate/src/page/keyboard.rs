//! `/keys`: which single letters do something on the pages, and the switch that turns them off.

use std::sync::Arc;

use askama::Template;
use axum::{Router, extract::State, response::Response, routing::get};
use http::HeaderMap;
use serde::Deserialize;

use super::{Frame, Posted, go_with, setting, show};
use crate::{app::App, error::Result};

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/keys", get(list).post(switch))
}

#[derive(Template)]
#[template(path = "keys.html")]
struct Keys {
    frame: Frame,
}

#[derive(Deserialize)]
struct SwitchIn {
    letters: Option<String>,
}

async fn list(State(app): State<Arc<App>>, headers: HeaderMap, frame: Frame) -> Result<Response> {
    show(&Keys { frame: frame.of_whoever(&app, &headers).await })
}

async fn switch(Posted(input): Posted<SwitchIn>) -> Result<Response> {
    let (kept, done) = match input.letters {
        Some(_) => (None, "Single letters work."),
        None => (Some(OFF), "Single letters do nothing any more."),
    };
    Ok(go_with("/keys", done, vec![setting::cookie(COOKIE, kept)]))
}

/// Letters work unless the reader has turned them off.
pub fn letters(headers: &HeaderMap) -> bool {
    setting::given(headers, COOKIE).as_deref() != Some(OFF)
}

const COOKIE: &str = "__Host-keygate_letters";
const OFF: &str = "off";
