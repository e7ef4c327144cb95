//! pybit, which speaks to Bybit alone.

use super::{Access, python, quote};

/// Its `WebSocket` has no setting for the address and still goes to Bybit itself, where a virtual key is unknown;
/// docs/streams.md says which constants lead it here.
pub fn code(access: Access<'_>) -> Option<String> {
    if access.definition.id() != "bybit" {
        return None;
    }
    let (os, gate) = (access.import_os(), quote(&access.gate()));
    let (key, secret) = (python(access.key), python(access.secret));
    let blank = if os.is_empty() { "" } else { "\n" };
    Some(format!(
        "{os}{blank}from pybit.unified_trading import HTTP\n\n\
         session = HTTP(api_key={key}, api_secret={secret})\n\
         # every request of the session leads through the gate; pybit's WebSocket does not\n\
         session.endpoint = {gate}\n\n\
         print(session.get_wallet_balance(accountType=\"UNIFIED\")[\"result\"])\n"
    ))
}
