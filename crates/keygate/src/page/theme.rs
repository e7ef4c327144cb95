//! Light, dark, or as the reader's system has it: kept in a cookie, set by a small form that stands on every page.

use std::sync::Arc;

use axum::{Router, response::Response, routing::post};
use http::HeaderMap;
use serde::Deserialize;

use super::{Next, Posted, go_with, setting};
use crate::{
    app::App,
    error::{Error, Result},
};

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/theme", post(choose))
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the system has it.
    #[default]
    Automatic,
    Light,
    Dark,
}

#[derive(Deserialize)]
struct ThemeIn {
    theme: String,
    #[serde(default)]
    next: Next,
}

async fn choose(Posted(input): Posted<ThemeIn>) -> Result<Response> {
    let theme = Theme::parse(&input.theme)
        .ok_or_else(|| Error::field("/theme", "needs one of: automatic, light, dark"))?;
    let kept = Some(theme.text()).filter(|_| theme != Theme::Automatic);
    Ok(go_with(input.next.address(), "", vec![setting::cookie(COOKIE, kept)]))
}

impl Theme {
    pub const ALL: [Theme; 3] = [Theme::Automatic, Theme::Light, Theme::Dark];

    /// What the reader chose; a cookie we did not make chooses nothing.
    pub fn chosen(headers: &HeaderMap) -> Self {
        setting::given(headers, COOKIE).and_then(|text| Theme::parse(&text)).unwrap_or_default()
    }

    pub fn text(self) -> &'static str {
        match self {
            Theme::Automatic => "automatic",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    /// What the browser is told before it has read the style.
    pub fn scheme(self) -> &'static str {
        match self {
            Theme::Automatic => "light dark",
            Theme::Light | Theme::Dark => self.text(),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Theme::ALL.into_iter().find(|theme| theme.text() == text)
    }
}

const COOKIE: &str = "__Host-keygate_theme";
