//! python-binance, which speaks to Binance alone. The addresses stand in a class, since the constructor of one
//! client and `create()` of the other call the exchange.

use super::{Access, python, quote};

pub fn code(access: Access<'_>) -> Option<String> {
    if access.definition.id() != "binance" {
        return None;
    }
    let os = match access.import_os() {
        "" => String::new(),
        os => format!("{os}\n"),
    };
    let gate = quote(&access.gate());
    let (key, secret) = (python(access.key), python(access.secret));
    Some(format!(
        "{os}# asynchronous: `from binance import AsyncClient as Client`\n\
         from binance import Client\n\n\
         gate = {gate}\n\
         stream = gate.replace(\"http\", \"ws\", 1)\n\n\n\
         class Gated(Client):\n    \
             # every address of the exchange leads through the gate\n    \
             API_URL = gate + \"/api\"\n    \
             MARGIN_API_URL = gate + \"/sapi\"\n    \
             FUTURES_URL = gate + \"/fapi\"\n    \
             FUTURES_DATA_URL = gate + \"/futures/data\"\n    \
             FUTURES_COIN_URL = gate + \"/dapi\"\n    \
             FUTURES_COIN_DATA_URL = gate + \".coinm/futures/data\"\n    \
             OPTIONS_URL = gate + \"/eapi\"\n    \
             PAPI_URL = gate + \"/papi\"\n    \
             WEBSITE_URL = gate\n    \
             WS_API_URL = stream + \"/ws-api/v3\"\n    \
             WS_FUTURES_URL = stream + \"/ws-fapi/v1\"\n\n\n\
         client = Gated({key}, {secret})\n\n\
         print(client.get_account()[\"balances\"])\n"
    ))
}
