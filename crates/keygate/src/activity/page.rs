//! `/activity`: the timeline with its filters in the address, and its export.

use std::sync::Arc;

use askama::Template;
use axum::{Router, extract::State, response::Response, routing::get};
use serde::Deserialize;
use uuid::Uuid;

use super::{ActivityQuery, CLASSES, Cursor, Entry, Filter, Histogram, export, parse_moment, rules};
use crate::{
    app::App,
    audit,
    auth::{May, View},
    bot, connection,
    error::{Error, Result},
    http::body::Query,
    page::{Frame, Problems, show, show_again, text},
};

pub fn pages() -> Router<Arc<App>> {
    Router::new().route("/activity", get(list)).route("/activity/export", get(download))
}

#[derive(Template)]
#[template(path = "activity.html")]
struct Timeline {
    frame: Frame,
    problems: Problems,
    given: Given,
    connections: Vec<(String, String)>,
    bots: Vec<(String, String)>,
    entries: Vec<Entry>,
    histogram: Option<Histogram>,
    chain: audit::State,
    /// The filters as they stand in the address.
    query: String,
    next: Option<Cursor>,
}

/// The form's fields; an empty one filters nothing. One that is not known would let everything through, and is refused.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Given {
    connection: String,
    bot: String,
    api_key: String,
    exchange: String,
    operation: String,
    decision: String,
    class: String,
    request_id: String,
    access_key: String,
    rule: String,
    address: String,
    suspicious: String,
    since: String,
    until: String,
    cursor: String,
    format: String,
}

async fn list(
    State(app): State<Arc<App>>,
    may: May<View>,
    Query(given): Query<Given>,
    frame: Frame,
) -> Result<Response> {
    let user = may.user();
    let connections = connection::list(&app, user).await?.into_iter();
    let bots = bot::list(&app, user).await?.into_iter();
    let mut timeline = Timeline {
        frame: frame.of(&may),
        problems: Problems::default(),
        query: given.query(),
        connections: connections.map(|row| (row.id.to_string(), row.name)).collect(),
        bots: bots.map(|bot| (bot.id.to_string(), bot.name)).collect(),
        entries: Vec::new(),
        histogram: None,
        chain: audit::state(&app, user).await?,
        next: None,
        given,
    };
    match timeline.given.filter() {
        Ok(filter) => {
            let page = super::page(&app, user, &filter, PER_PAGE).await?;
            (timeline.entries, timeline.next) = (page.entries, page.next);
            timeline.histogram = Some(super::histogram(&app, user, &filter).await?);
            show(&timeline)
        }
        Err(error) => {
            timeline.problems = Problems::of(&error);
            show_again(&error, &timeline)
        }
    }
}

async fn download(
    State(app): State<Arc<App>>,
    may: May<View>,
    Query(given): Query<Given>,
) -> Result<Response> {
    let format = export::Format::parse(some(&given.format))?;
    Ok(export::stream(app, may.user(), given.filter()?, format))
}

impl Entry {
    /// What was done, in words: `create key`, `bot stop`.
    fn done(&self) -> String {
        match CONNECTION_CHANGES.contains(&self.operation.as_str()) {
            true => format!("{} key", self.operation),
            false => self.operation.replace('-', " "),
        }
    }

    /// Who did it, where no bot did. What Keygate asks by itself has no access key, and what it does by itself no address.
    fn who(&self) -> &'static str {
        match (self.method.is_some(), self.access_key_id, self.ip) {
            (true, Some(_), _) => "access key",
            (true, None, _) | (false, _, None) => "Keygate",
            (false, _, Some(_)) => "you",
        }
    }

    fn explained(&self) -> Option<rules::Explained> {
        self.rule.as_deref().and_then(rules::explain)
    }

    /// What was asked of the exchange, one line each.
    fn asked(&self) -> Vec<(String, String)> {
        let members = self.asked.as_ref().and_then(serde_json::Value::as_object).into_iter().flatten();
        let shown = members.filter(|(_, value)| !value.is_null());
        shown
            .map(|(name, value)| {
                (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            })
            .collect()
    }
}

impl Entry {
    /// What a change changed, one line each: `max_leverage`, `1 → 5, from 2026-01-31T12:00:00Z on`.
    fn changes(&self) -> Vec<(String, String)> {
        let members = self.changed.as_ref().and_then(serde_json::Value::as_object).into_iter().flatten();
        let line = |change: &serde_json::Value| {
            let [from, to] = ["from", "to"].map(|side| text::value(&change[side], "nothing"));
            let when = change["at"].as_str().map(|at| format!(", from {at} on"));
            format!("{from} → {to}{}", when.unwrap_or_default())
        };
        members.map(|(name, change)| (name.clone(), line(change))).collect()
    }
}

impl Given {
    fn filter(&self) -> Result<Filter> {
        let id = |text: &str, pointer| {
            let parse = |text| Uuid::parse_str(text).map_err(|_| Error::field(pointer, "is not an id"));
            some(text).map(parse).transpose()
        };
        let text = |text: &str| some(text).map(str::to_owned);
        ActivityQuery {
            connection: id(&self.connection, "/connection")?,
            bot: id(&self.bot, "/bot")?,
            api_key: id(&self.api_key, "/api_key")?,
            exchange: text(&self.exchange),
            operation: text(&self.operation),
            decision: text(&self.decision),
            class: text(&self.class),
            request_id: id(&self.request_id, "/request_id")?,
            access_key: text(&self.access_key),
            rule: text(&self.rule),
            address: text(&self.address),
            suspicious: flag(&self.suspicious, "/suspicious")?,
            together: Some(true),
            since: text(&self.since),
            until: text(&self.until),
            cursor: text(&self.cursor),
            ..ActivityQuery::default()
        }
        .filter()
    }

    /// A time as its field can show it.
    fn field(text: &str) -> String {
        parse_moment(text, "").map_or_else(|_| text.to_owned(), |at| text::field(&at))
    }

    /// What is filtered by, as a query string for links.
    fn query(&self) -> String {
        query(&self.fields())
    }

    /// The same without the time, for links that choose another one; with `&` at its end, if it has one.
    fn query_of_any_time(&self) -> String {
        let fields = self.fields().into_iter().filter(|(name, _)| !["since", "until"].contains(name));
        let query = query(&fields.collect::<Vec<_>>());
        if query.is_empty() { query } else { format!("{query}&") }
    }

    fn fields(&self) -> Vec<(&'static str, &str)> {
        vec![
            ("connection", &self.connection),
            ("bot", &self.bot),
            ("api_key", &self.api_key),
            ("access_key", &self.access_key),
            ("exchange", &self.exchange),
            ("operation", &self.operation),
            ("decision", &self.decision),
            ("class", &self.class),
            ("rule", &self.rule),
            ("address", &self.address),
            ("suspicious", &self.suspicious),
            ("request_id", &self.request_id),
            ("since", &self.since),
            ("until", &self.until),
        ]
    }
}

fn query(fields: &[(&str, &str)]) -> String {
    let given = fields.iter().filter(|(_, value)| !value.is_empty());
    form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish()
}

fn flag(text: &str, pointer: &str) -> Result<Option<bool>> {
    let parse = |text: &str| text.parse().map_err(|_| Error::field(pointer, "needs true or false"));
    some(text).map(parse).transpose()
}

fn some(text: &str) -> Option<&str> {
    let text = text.trim();
    (!text.is_empty()).then_some(text)
}

/// The others name what they change themselves.
const CONNECTION_CHANGES: [&str; 8] =
    ["create", "verify", "change", "pause", "resume", "delete", "restore", "destroy"];
const PER_PAGE: i64 = 50;
const OUTCOMES: [(&str, &str); 5] = [
    ("allow", "allowed"),
    ("deny", "denied"),
    ("failed", "failed at the exchange"),
    ("unknown", "not known"),
    ("management", "changes to keys"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_fields_filter_nothing_and_stay_out_of_the_address() {
        let given = Given { decision: "deny".to_owned(), ..Given::default() };
        assert_eq!(given.query(), "decision=deny");
        let filter = given.filter().expect("valid");
        assert_eq!((filter.connection, filter.decision.as_deref()), (None, Some("deny")));
    }

    #[test]
    fn times_of_the_form_are_utc() {
        for since in ["2026-01-31T12:00", "2026-01-31T12:00:00", "2026-01-31T14:00:00+02:00"] {
            let given = Given { since: since.to_owned(), ..Given::default() };
            let at = given.filter().expect("valid").since.expect("given");
            assert_eq!(
                (at.unix_timestamp(), Given::field(since)),
                (1_769_860_800, "2026-01-31T12:00".to_owned())
            );
        }
        assert!(Given { since: "yesterday".to_owned(), ..Given::default() }.filter().is_err());
    }
}
