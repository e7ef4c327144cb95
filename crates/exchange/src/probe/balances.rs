//! What an account holds.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;

use super::{Balance, First, Probe, ProbeError, decimal, json, rows};
use crate::{Definition, answer::text_at};

/// How a definition asks for balances, and where the answer has them: JSON pointers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BalancesProbe {
    pub(super) request: String,
    pub(super) first: Option<First>,
    list: Option<String>,
    map: Option<String>,
    /// In a map without it, the member's name is the asset.
    asset: Option<String>,
    free: Option<String>,
    /// Free and used together.
    total: Option<String>,
    used: Option<String>,
    kind: Option<Kind>,
}

/// Rows of several kinds: which are free, which are used; others are left out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kind {
    at: String,
    free: String,
    used: Option<String>,
}

impl Definition {
    /// All assets the account knows, also those with nothing in them. Amounts that cannot be added up are no answer.
    pub fn read_balances(&self, body: &[u8]) -> Result<Vec<Balance>, ProbeError> {
        let probe = &self.probes.balances;
        let error = ProbeError(Probe::Balances);
        let json = json(body).ok_or(error)?;
        let mut held: BTreeMap<String, (Decimal, Decimal)> = BTreeMap::new();
        for (name, row) in rows(&json, probe.list.as_deref(), probe.map.as_deref()).ok_or(error)? {
            let Some(free_row) = probe.is_free(row) else { continue };
            let asset = probe.asset(name, row).ok_or(error)?;
            let (free, used) = probe.amounts(row).ok_or(error)?;
            let sum = held.entry(asset).or_default();
            let more =
                if free_row { (free, used) } else { (Decimal::ZERO, free.checked_add(used).ok_or(error)?) };
            *sum = sum.0.checked_add(more.0).zip(sum.1.checked_add(more.1)).ok_or(error)?;
        }
        Ok(held.into_iter().map(|(asset, (free, used))| Balance { asset, free, used }).collect())
    }
}

impl BalancesProbe {
    pub(super) fn has_rows(&self) -> bool {
        self.list.is_some() != self.map.is_some()
    }

    pub(super) fn has_amounts(&self) -> bool {
        self.free.is_some() || self.total.is_some()
    }

    /// Whether the row's amount is free; `None` for a row that does not count.
    fn is_free(&self, row: &Value) -> Option<bool> {
        let Some(kind) = &self.kind else { return Some(true) };
        let own = text_at(row, &kind.at)?;
        match own == kind.free {
            true => Some(true),
            false => (Some(&own) == kind.used.as_ref()).then_some(false),
        }
    }

    fn asset(&self, name: Option<&str>, row: &Value) -> Option<String> {
        let asset = match &self.asset {
            Some(pointer) => text_at(row, pointer)?,
            None => name?.to_owned(),
        };
        Some(asset.to_uppercase())
    }

    fn amounts(&self, row: &Value) -> Option<(Decimal, Decimal)> {
        let read = |pointer: &String| match row.pointer(pointer) {
            Some(Value::Null) => Some(Decimal::ZERO), // "not worked out yet"
            _ => decimal(&text_at(row, pointer)?),
        };
        let used = self.used.as_ref().map_or(Some(Decimal::ZERO), read)?;
        match (&self.free, &self.total) {
            (Some(free), Some(total)) => {
                let (free, total) = (read(free)?, read(total)?);
                Some((free, total.checked_sub(free)?.max(used)))
            }
            (Some(free), None) => Some((read(free)?, used)),
            (None, Some(total)) => Some((read(total)?.checked_sub(used)?, used)),
            (None, None) => None,
        }
    }
}
