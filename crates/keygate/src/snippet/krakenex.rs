//! krakenex, which speaks to Kraken alone.

use super::{Access, python, quote};

pub fn code(access: Access<'_>) -> Option<String> {
    if access.definition.id() != "kraken" {
        return None;
    }
    let (os, gate) = (access.import_os(), quote(&access.gate()));
    let (key, secret) = (python(access.key), python(access.secret));
    let blank = if os.is_empty() { "" } else { "\n" };
    Some(format!(
        "{os}{blank}import krakenex\n\n\
         kraken = krakenex.API({key}, {secret})\n\
         # every request leads through the gate\n\
         kraken.uri = {gate}\n\n\
         print(kraken.query_private(\"Balance\")[\"result\"])\n"
    ))
}
