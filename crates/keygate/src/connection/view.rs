//! What people and programs see of a connection: masked, with what the exchange says and what to fix.

use exchange::Permissions;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Row, Verified, secrets};

#[derive(Serialize, ToSchema)]
pub struct ConnectionOut {
    pub id: Uuid,
    pub exchange: String,
    pub environment: String,
    pub name: String,
    pub label: Option<String>,
    /// `active`, `paused` or `deleted`
    pub status: String,
    /// Used by personal access keys that name no connection.
    pub is_default: bool,
    pub api_key_id: Uuid,
    /// First and last four characters of the public key; of the secret nothing is ever shown.
    pub api_key_masked: String,
    /// What bots of this connection may do.
    pub permissions: PermissionsOut,
    /// What the exchange itself says the key may do; null when it does not say.
    pub exchange_permissions: Option<ExchangePermissions>,
    pub findings: Vec<Finding>,
    pub verification_status: Option<String>,
    #[serde(with = "time::serde::rfc3339::option")]
    pub last_verified_at: Option<OffsetDateTime>,
    pub last_error: Option<String>,
    #[serde(with = "time::serde::rfc3339::option")]
    pub last_used_at: Option<OffsetDateTime>,
    pub bots: i64,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    pub updated_at: Option<OffsetDateTime>,
    /// Set on a deleted connection: until then it can be restored.
    #[serde(with = "time::serde::rfc3339::option")]
    pub destroy_after: Option<OffsetDateTime>,
}

#[derive(Serialize, ToSchema)]
pub struct PermissionsOut {
    pub read: bool,
    pub trade: bool,
    pub withdraw: bool,
    pub transfer: bool,
}

/// Null members: the exchange does not say.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct ExchangePermissions {
    pub read: Option<bool>,
    pub trade: Option<bool>,
    pub withdraw: Option<bool>,
    pub transfer: Option<bool>,
    pub ip_restricted: Option<bool>,
    #[serde(with = "time::serde::rfc3339::option")]
    pub expires_at: Option<OffsetDateTime>,
}

/// Something about the key its owner should know, and how to mend it.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Finding {
    /// `stop`, `high`, `medium` or `info`
    pub severity: String,
    pub code: String,
    pub text: String,
    pub fix: String,
}

impl From<Row> for ConnectionOut {
    fn from(row: Row) -> Self {
        let parsed = |value: Option<Value>| value.and_then(|value| serde_json::from_value(value).ok());
        let unlimited = row.unlimited();
        let stored: Vec<Finding> = parsed_or_none(row.warnings);
        // what a check once wrote of the limits may have changed since
        let stored = stored.into_iter().filter(|finding| finding.code != NO_LIMITS);
        let findings = stored.chain(unlimited).collect();
        ConnectionOut {
            id: row.id,
            exchange: row.exchange,
            environment: row.environment,
            name: row.name,
            label: row.label,
            status: row.status,
            is_default: row.is_default,
            api_key_id: row.api_key_id,
            api_key_masked: row.public_key.as_deref().map_or_else(|| "********".to_owned(), secrets::mask),
            permissions: PermissionsOut {
                read: row.can_read,
                trade: row.can_trade,
                withdraw: row.can_withdraw,
                transfer: row.can_transfer,
            },
            exchange_permissions: parsed(row.exchange_permissions),
            findings,
            verification_status: row.verification_status,
            last_verified_at: row.last_verified_at,
            last_error: row.last_error,
            last_used_at: row.last_used_at,
            bots: row.bots,
            created_at: row.created_at,
            updated_at: row.updated_at,
            destroy_after: row.destroy_after,
        }
    }
}

impl Row {
    /// What bots may do too much of, by the limits and the bots as they are now.
    fn unlimited(&self) -> Option<Finding> {
        let (severity, text) = match (self.can_trade, self.limits_markets, self.limits_amounts) {
            (true, false, false) => ("high", "Bots may trade every pair in any size."),
            (true, false, true) => ("medium", "Bots may trade every pair."),
            (true, true, false) => ("medium", "Bots may trade in any size."),
            _ => return None,
        };
        let fix = "Set limits, or restrict each bot to a symbol; trade-only keys have drained accounts through thin pairs.";
        Some(finding(severity, NO_LIMITS, text, fix))
    }
}

fn parsed_or_none(stored: Option<Value>) -> Vec<Finding> {
    stored.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default()
}

impl Verified {
    pub fn expires_at(&self) -> Option<OffsetDateTime> {
        let ms = self.permissions.as_ref()?.expires_ms?;
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).ok()
    }
}

pub fn permissions_json(verified: &Verified) -> Option<Value> {
    let known = verified.permissions.as_ref()?;
    let out = ExchangePermissions {
        read: known.read,
        trade: known.trade,
        withdraw: known.withdraw,
        transfer: known.transfer,
        ip_restricted: known.ip_restricted,
        expires_at: verified.expires_at(),
    };
    serde_json::to_value(out).ok()
}

pub fn findings_json(verified: &Verified) -> Option<Value> {
    serde_json::to_value(findings(verified)).ok()
}

/// What is wrong with the key, worst first.
fn findings(verified: &Verified) -> Vec<Finding> {
    match &verified.permissions {
        None => vec![finding(
            "medium",
            "permissions-unknown",
            "This exchange does not say what a key may do.",
            "Look at the key's switches at the exchange yourself.",
        )],
        Some(known) => exchange_findings(known, verified),
    }
}

fn exchange_findings(known: &Permissions, verified: &Verified) -> Vec<Finding> {
    let mut found = Vec::new();
    if known.withdraw == Some(true) {
        found.push(finding(
            "stop",
            "withdraw-allowed",
            "The key may withdraw.",
            "Switch withdrawals off for this key at the exchange.",
        ));
    }
    if known.ip_restricted == Some(false) {
        found.push(finding(
            "high",
            "no-address-list",
            "The key works from every address.",
            "Bind it to this server's address at the exchange.",
        ));
    }
    if known.transfer == Some(true) {
        found.push(finding(
            "high",
            "transfer-allowed",
            "The key may move funds inside the exchange.",
            "Switch transfers off for this key at the exchange.",
        ));
    }
    let soon = verified.expires_at().is_some_and(|end| end - verified.at < time::Duration::days(14));
    if soon {
        found.push(finding(
            "medium",
            "expires-soon",
            "The exchange ends this key's trading within 14 days.",
            "Bind the key to an address, or make a new key.",
        ));
    }
    if known.trade == Some(false) {
        found.push(finding("info", "read-only", "The key may only read.", "Nothing to do."));
    }
    found
}

fn finding(severity: &str, code: &str, text: &str, fix: &str) -> Finding {
    Finding {
        severity: severity.to_owned(),
        code: code.to_owned(),
        text: text.to_owned(),
        fix: fix.to_owned(),
    }
}

const NO_LIMITS: &str = "no-limits";
