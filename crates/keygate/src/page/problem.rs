//! `/problems/{code}`: what an error means and what to do, one page per code.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::get,
};
use http::HeaderMap;

use super::{Frame, show};
use crate::{
    app::App,
    error::{Code, Result},
};

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/problems/{code}", get(explain))
}

#[derive(Template)]
#[template(path = "problem.html")]
struct Explained {
    frame: Frame,
    code: Code,
    advice: &'static str,
}

async fn explain(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    frame: Frame,
    Path(text): Path<String>,
) -> Result<Response> {
    let code = Code::ALL.iter().copied().find(|code| code.text() == text).ok_or(Code::NotFound)?;
    show(&Explained { frame: frame.of_whoever(&app, &headers).await, code, advice: advice(code) })
}

/// What the one who got this answer can do about it.
fn advice(code: Code) -> &'static str {
    use Code::*;
    match code {
        AccessKeyExists => "A user has one active personal access key. Revoke it, then make a new one.",
        AnswerGone => {
            "A secret is shown once, and for ten minutes to whoever sends the same request again. Revoke what was made, and make a new one."
        }
        BeingAsked => {
            "Keygate asks the exchange what became of the call. What it has not said within an hour is yours to settle; look again then."
        }
        BodyTooLarge => "Requests to the API and the pages hold at most 64 KiB. Send less.",
        ClockSkew => {
            "Signed requests carry the time. Set this machine's clock, for example with systemd-timesyncd, and try again."
        }
        ConnectionDeleted => {
            "A deleted connection signs nothing. Within seven days it can be restored; it comes back paused."
        }
        CsrfFailed => {
            "The form was made by another session or another site. Reload the page and send it again."
        }
        Duplicate => "Something with this name or number exists. Choose another, or change what exists.",
        DuplicateKey => {
            "One exchange key belongs to one connection. Use the connection that has it, or delete that one first."
        }
        ExchangeRefused => {
            "The exchange gave a reason of its own; it stands in the answer. Nothing was stored."
        }
        ExchangeUnreachable => {
            "The exchange did not answer, or not in a way we understand. Nothing was stored. Try again later; if it lasts, look at this machine's way to the internet."
        }
        Forbidden => {
            "The credential is valid, but does not cover this. Use another access key scope, or ask an administrator."
        }
        IdempotencyKeyReused => {
            "An Idempotency-Key names one request for a day: method, address and body. Take a new key for every new request."
        }
        Inactive => "An administrator has ended this account's access. Nothing was deleted.",
        Internal => {
            "The request was not carried out. The log has the cause under the request id of the answer."
        }
        InvalidBody => {
            "Send what the API reference describes: JSON with Content-Type: application/json, each member once."
        }
        InvalidField => {
            "The answer names the member and what it needs. Values are never repeated in answers."
        }
        InvalidIdempotencyKey => {
            "Send the header once, with 1 to 255 visible characters, in double quotes or without. A new UUID is a good key."
        }
        IpNotAllowed => {
            "The key is bound to addresses at the exchange. Add this server's outgoing address to that list."
        }
        LoginFailed => "The answer is the same for an unknown e-mail and a wrong password. Check both.",
        MethodNotAllowed => "The address exists, but not for this method. See the API reference.",
        MissingPermission => {
            "To check a key, Keygate reads the account. Give the key permission to read at the exchange."
        }
        NotFound => "The address is wrong, or the thing belongs to somebody else; the answer is the same.",
        NotSetUp => {
            "There is no owner yet. Open the setup link the server printed at its start; `keygate setup-link` makes a new one."
        }
        RegistrationClosed => {
            "This Keygate does not take strangers. Its administrator makes accounts under Users."
        }
        RequestRunning => {
            "The request was sent before and is not answered yet. Send it again after the time in Retry-After."
        }
        SetupLinkInvalid => {
            "A setup link works once and for 30 minutes. `keygate setup-link` makes a new one."
        }
        StepUpRequired => {
            "What would let programs do more than before needs your password once more, so that a stolen session cannot ask for it."
        }
        TooManyAttempts => {
            "Too many sign-ins failed. Wait for the time in Retry-After. A browser that signed in before is counted apart."
        }
        TooManyRequests => "Wait for the time in Retry-After, then go on more slowly.",
        Unauthorized => {
            "Send Authorization: Bearer with an access token or a personal access key, or sign in on the pages."
        }
        Unavailable => "The service is busy or starting. The same request can succeed in a moment.",
        UnknownHost => {
            "The Host header is not one Keygate is configured for. Set public_url, or add the name to host_names."
        }
        WithdrawAllowed => {
            "A key that may withdraw can empty the account. Switch withdrawals off for it at the exchange, or accept the risk expressly."
        }
        WrongKey => {
            "Copy the key again, whole. Check that it is active and was made for this environment, live or test."
        }
        WrongSignature => {
            "The secret belongs to another key, or was copied in part. Most exchanges show a secret only once: make a new key."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_explained_by_a_sentence() {
        for code in Code::ALL {
            assert!(advice(*code).ends_with('.') && advice(*code).len() > 40, "{}", code.text());
        }
    }
}
