//! The timeline as a file, page by page, so that its length costs no memory.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes},
    response::Response,
};
use http::{HeaderValue, header};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::{EntryOut, Filter};
use crate::{
    app::App,
    error::{Error, Result},
};

#[derive(Clone, Copy)]
pub enum Format {
    Jsonl,
    Csv,
}

impl Format {
    pub fn parse(text: Option<&str>) -> Result<Self> {
        match text {
            None | Some("jsonl") => Ok(Format::Jsonl),
            Some("csv") => Ok(Format::Csv),
            Some(_) => Err(Error::field("/format", "needs jsonl or csv")),
        }
    }
}

pub fn stream(app: Arc<App>, user: Uuid, filter: Filter, format: Format) -> Response {
    let (sender, receiver) = mpsc::channel::<Result<Bytes, Error>>(2);
    tokio::spawn(async move {
        if let Err(error) = write(&app, user, filter, format, &sender).await {
            let _ = sender.send(Err(error)).await;
        }
    });
    let chunks = tokio_stream::wrappers::ReceiverStream::new(receiver);
    let mut response = Response::new(Body::from_stream(chunks));
    let (kind, name) = match format {
        Format::Jsonl => ("application/jsonl", "attachment; filename=\"activity.jsonl\""),
        Format::Csv => ("text/csv; charset=utf-8", "attachment; filename=\"activity.csv\""),
    };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(header::CONTENT_DISPOSITION, HeaderValue::from_static(name));
    response
}

async fn write(
    app: &App,
    user: Uuid,
    mut filter: Filter,
    format: Format,
    sender: &mpsc::Sender<Result<Bytes, Error>>,
) -> Result<()> {
    if let Format::Csv = format {
        let _ = sender.send(Ok(Bytes::from(format!("{}\r\n", COLUMNS.join(","))))).await;
    }
    loop {
        let page = super::page(app, user, &filter, 200).await?;
        let mut chunk = String::new();
        for entry in page.entries {
            chunk.push_str(&line(&entry.into(), format)?);
        }
        // The reader went away: nobody needs the rest.
        if sender.send(Ok(Bytes::from(chunk))).await.is_err() {
            return Ok(());
        }
        match page.next {
            Some(cursor) => filter.before = Some(cursor),
            None => return Ok(()),
        }
    }
}

fn line(entry: &EntryOut, format: Format) -> Result<String> {
    let value = serde_json::to_value(entry).map_err(Error::internal)?;
    Ok(match format {
        Format::Jsonl => format!("{value}\n"),
        Format::Csv => {
            let cells: Vec<String> = COLUMNS.iter().map(|column| cell(&value[*column])).collect();
            format!("{}\r\n", cells.join(","))
        }
    })
}

/// RFC 4180, and no cell a spreadsheet would take for a formula.
fn cell(value: &serde_json::Value) -> String {
    let text = match value {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let text = disarmed(&text);
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

/// A sign that begins a formula stands behind a quote, also where a spreadsheet that splits at something else than commas
/// would begin a cell.
fn disarmed(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 1);
    let mut begins = true;
    for character in text.chars() {
        if begins && matches!(character, '=' | '+' | '-' | '@' | '\t' | '\r') {
            safe.push('\'');
        }
        safe.push(character);
        begins = matches!(character, ';' | '\t' | '\n' | '\r') || begins && character == ' ';
    }
    safe
}

const COLUMNS: [&str; 30] = [
    "at",
    "operation",
    "phase",
    "decision",
    "rule",
    "exchange",
    "connection",
    "bot",
    "access_key",
    "class",
    "method",
    "endpoint",
    "symbol",
    "status_code",
    "success",
    "error",
    "ip",
    "user_agent",
    "request_id",
    "connection_id",
    "bot_id",
    "id",
    "intended_at",
    "took_ms",
    "asked",
    "risk_score",
    "is_suspicious",
    "suspicious_reasons",
    "api_key_id",
    "changed",
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cell_cannot_become_a_formula_or_break_the_row() {
        assert_eq!(cell(&json!("=cmd()")), "'=cmd()");
        assert_eq!(cell(&json!("a,\"b\"\n")), "\"a,\"\"b\"\"\n\"");
        assert_eq!(cell(&json!(null)), "");
        assert_eq!(cell(&json!("x; =cmd()")), "x; '=cmd()");
        assert_eq!(cell(&json!("x\t@y")), "x\t'@y");
        assert_eq!(cell(&json!("a=b -c")), "a=b -c");
    }
}
