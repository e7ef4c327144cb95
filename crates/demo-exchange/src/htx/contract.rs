//! The contracts that exist in name only: clients read their lists when they start, and do not bear empty ones.
//! None is traded here.

use serde_json::{Value, json};

use super::{Htx, Reply};
use crate::house::{Ask, Route};

pub(super) const ROUTES: &[Route<Htx>] = &[
    Route::public("/linear-swap-api/v1/swap_contract_info", |_, ask| {
        listed(ask, json!({ "contract_code": "BTC-USDT", "business_type": "swap", "pair": "BTC-USDT" }))
    }),
    Route::public("/swap-api/v1/swap_contract_info", |_, ask| {
        listed(ask, json!({ "contract_code": "BTC-USD" }))
    }),
    Route::public("/api/v1/contract_contract_info", |_, ask| {
        let delivery = ("20201225", "1608883200000");
        let contract = json!({
            "contract_code": "BTC201225", "contract_type": "quarter", "delivery_date": delivery.0,
            "delivery_time": delivery.1,
        });
        listed(ask, contract)
    }),
    Route::public("/api/v1/timestamp", |_, ask| Ok(json!({ "status": "ok", "ts": ask.now }))),
];

/// A list of one delisted contract.
fn listed(ask: &Ask, mut contract: Value) -> Reply {
    contract["symbol"] = "BTC".into();
    contract["contract_size"] = 100.into();
    contract["price_tick"] = json!(0.1);
    contract["contract_status"] = 0.into();
    Ok(json!({ "status": "ok", "data": [contract], "ts": ask.now }))
}
