//! The rows of both logs as they are authenticated: every column, also those nobody fills in yet.

use sqlx::types::ipnetwork::IpNetwork;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Count, Form};
use crate::risk::Score;

/// A row of `api_key_usage_audit`.
pub struct UseRow<'r> {
    pub id: Uuid,
    pub api_key: Uuid,
    pub user: Uuid,
    pub operation: &'r str,
    pub endpoint: &'r str,
    pub method: Option<&'r str>,
    pub ip: Option<IpNetwork>,
    pub agent: Option<&'r str>,
    pub device: Option<&'r str>,
    pub status: Option<i32>,
    pub success: Option<bool>,
    pub error: Option<&'r str>,
    pub count: Count,
    pub score: Score,
    pub at: OffsetDateTime,
    pub request: Option<Uuid>,
    pub phase: &'r str,
    pub access_key: Option<Uuid>,
    pub bot: Option<Uuid>,
    pub exchange: Option<&'r str>,
    pub symbol: Option<&'r str>,
    pub class: Option<&'r str>,
    pub decision: Option<&'r str>,
    pub rule: Option<&'r str>,
    /// A [`super::Difference`].
    pub changed: Option<&'r str>,
}

/// A row of `exchange_api_calls`.
pub struct CallRow<'r> {
    pub id: Uuid,
    pub connection: Uuid,
    pub user: Uuid,
    pub endpoint: &'r str,
    pub method: &'r str,
    pub parameters: Option<&'r str>,
    pub status: Option<i32>,
    pub took_ms: Option<i32>,
    pub success: Option<bool>,
    pub error: Option<&'r str>,
    pub address: &'r str,
    pub agent: Option<&'r str>,
    pub at: OffsetDateTime,
    pub request: Uuid,
    pub phase: &'r str,
}

impl UseRow<'_> {
    /// Of this time, and otherwise empty.
    pub fn at(at: OffsetDateTime) -> Self {
        UseRow {
            id: Uuid::nil(),
            api_key: Uuid::nil(),
            user: Uuid::nil(),
            operation: "",
            endpoint: "",
            method: None,
            ip: None,
            agent: None,
            device: None,
            status: None,
            success: None,
            error: None,
            count: Count::default(),
            score: Score::default(),
            at,
            request: None,
            phase: "",
            access_key: None,
            bot: None,
            exchange: None,
            symbol: None,
            class: None,
            decision: None,
            rule: None,
            changed: None,
        }
    }

    pub fn write(&self, form: &mut Form<'_>) {
        form.uuid(self.id);
        form.uuid(self.api_key);
        form.uuid(self.user);
        form.text(self.operation);
        form.text(self.endpoint);
        form.text(self.method);
        form.network(self.ip);
        form.text(self.agent);
        form.text(self.device);
        form.int(self.status);
        form.bool(self.success);
        form.text(self.error);
        form.int(self.count.day);
        form.int(self.count.month);
        form.bool(self.score.is_suspicious());
        form.texts(reasons(self.score).as_deref());
        form.int(points(self.score));
        form.time(self.at);
        form.uuid(self.request);
        form.text(self.phase);
        form.uuid(self.access_key);
        form.uuid(self.bot);
        form.text(self.exchange);
        form.text(self.symbol);
        form.text(self.class);
        form.text(self.decision);
        form.text(self.rule);
        // rows from before there was such a column have none either
        if self.changed.is_some() {
            form.text(self.changed);
        }
    }
}

/// Why a call has its score; nothing if nothing speaks against it.
pub fn reasons(score: Score) -> Option<Vec<&'static str>> {
    (score != Score::default()).then(|| score.names())
}

pub fn points(score: Score) -> i32 {
    i32::try_from(score.points()).unwrap_or(i32::MAX)
}

impl CallRow<'_> {
    pub fn write(&self, form: &mut Form<'_>) {
        form.uuid(self.id);
        form.uuid(self.connection);
        form.uuid(self.user);
        form.text(self.endpoint);
        form.text(self.method);
        form.text(self.parameters);
        form.int(self.status);
        form.int(self.took_ms);
        form.bool(self.success);
        form.text(self.error);
        form.null(); // rate_limit_remaining
        form.null(); // rate_limit_reset
        form.text(self.address);
        form.text(self.agent);
        form.null(); // session_id
        form.time(self.at);
        form.uuid(self.request);
        form.text(self.phase);
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;
    use time::macros::datetime;

    use super::*;

    fn call() -> CallRow<'static> {
        CallRow {
            id: Uuid::from_u128(1),
            connection: Uuid::from_u128(2),
            user: Uuid::from_u128(3),
            endpoint: "/o",
            method: "POST",
            parameters: Some("{}"),
            status: Some(200),
            took_ms: Some(-1),
            success: Some(true),
            error: None,
            address: "::1",
            agent: Some(""),
            at: datetime!(2000-01-01 00:00:01.000002 UTC),
            request: Uuid::from_u128(4),
            phase: "event",
        }
    }

    fn form(write: impl FnOnce(&mut Form<'_>)) -> String {
        let mut row = Vec::new();
        write(&mut Form::new(&mut row));
        HEXLOWER.encode(&row)
    }

    /// Written by hand from docs/audit.md.
    #[test]
    fn form_of_a_call_is_the_one_in_the_document() {
        let expected = [
            "00000010 00000000000000000000000000000001",
            "00000010 00000000000000000000000000000002",
            "00000010 00000000000000000000000000000003",
            "00000002 2f6f",
            "00000004 504f5354",
            "00000002 7b7d",
            "00000004 000000c8",
            "00000004 ffffffff",
            "00000001 01",
            "ffffffff",
            "ffffffff",
            "ffffffff",
            "00000003 3a3a31",
            "00000000",
            "ffffffff",
            "00000008 00000000000f4242",
            "00000010 00000000000000000000000000000004",
            "00000005 6576656e74",
        ];
        assert_eq!(form(|form| call().write(form)), expected.concat().replace(' ', ""));
    }

    /// Written by hand from docs/audit.md, as `select array['a', 'bc']` comes in PostgreSQL's binary form.
    #[test]
    fn lists_of_texts_have_the_form_in_the_document() {
        let of = |texts: Option<&[&str]>| form(|form| form.texts(texts));
        let two = "0000001f 00000001 00000000 00000019 00000002 00000001 00000001 61 00000002 6263";
        assert_eq!(of(Some(&["a", "bc"])), two.replace(' ', ""));
        assert_eq!(of(Some(&[])), "0000000c000000000000000000000019");
        assert_eq!(of(None), "ffffffff");
    }

    #[test]
    fn networks_of_both_families_have_the_form_in_the_document() {
        let of = |text: &str| form(|form| form.network(Some(text.parse().unwrap())));
        assert_eq!(of("10.0.0.1/24"), "00000008021800040a000001");
        assert_eq!(of("::1"), "0000001403800010".to_owned() + "00000000000000000000000000000001");
        assert_eq!(form(|form| form.network(None)), "ffffffff");
    }

    #[test]
    fn rows_that_differ_never_share_a_form() {
        let rows = [
            call(),
            CallRow { agent: None, ..call() },
            CallRow { error: Some(""), ..call() },
            CallRow { endpoint: "/oP", method: "OST", ..call() },
            CallRow { success: None, ..call() },
            CallRow { success: Some(false), ..call() },
            CallRow { status: None, took_ms: Some(200), ..call() },
        ];
        let forms: std::collections::BTreeSet<String> =
            rows.iter().map(|row| form(|form| row.write(form))).collect();
        assert_eq!(forms.len(), rows.len());
    }
}
