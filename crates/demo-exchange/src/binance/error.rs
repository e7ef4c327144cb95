//! Binance's refusals: code, text and HTTP status, as its error-code page and its servers give them.

use serde_json::{Value, json};

use crate::budget::Spent;
use crate::floor::Refusal;
use crate::request::Answer;

#[derive(Debug)]
pub(super) struct Error {
    status: u16,
    code: i32,
    msg: String,
    retry_after_s: Option<i64>,
    /// What each half of a replacement came to.
    data: Option<Value>,
}

impl Error {
    fn new(status: u16, code: i32, msg: impl Into<String>) -> Self {
        Self { status, code, msg: msg.into(), retry_after_s: None, data: None }
    }

    pub(super) fn bad(code: i32, msg: impl Into<String>) -> Self {
        Self::new(400, code, msg)
    }

    pub(super) fn status(&self) -> u16 {
        self.status
    }

    pub(super) fn code(&self) -> i32 {
        self.code
    }

    pub(super) fn body(&self) -> Value {
        match &self.data {
            Some(data) => json!({ "code": self.code, "msg": self.msg, "data": data }),
            None => json!({ "code": self.code, "msg": self.msg }),
        }
    }

    /// The error of a frame, which says when to ask again in its body.
    pub(super) fn told(&self, now: i64) -> Value {
        let mut told = self.body();
        if let Some(seconds) = self.retry_after_s {
            told["data"] = json!({ "serverTime": now, "retryAfter": now + seconds * 1000 });
        }
        told
    }

    pub(super) fn answer(&self) -> Answer {
        let answer = Answer::json(self.status, &self.body()).failed(self.code);
        match self.retry_after_s {
            Some(seconds) => answer.with("retry-after", seconds),
            None => answer,
        }
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(401, -1002, "You are not authorized to execute this request.")
    }

    pub(super) fn too_much_weight(spent: &Spent) -> Self {
        let msg = format!(
            "Too much request weight used; current limit is {} request weight per 1 MINUTE. Please use \
             WebSocket Streams for live updates to avoid polling the API.",
            spent.limit
        );
        Self { retry_after_s: Some(spent.retry_after_s), ..Self::new(429, -1003, msg) }
    }

    pub(super) fn too_many_orders(spent: &Spent) -> Self {
        let msg = format!("Too many new orders; current limit is {} orders per 10 SECOND.", spent.limit);
        Self { retry_after_s: Some(spent.retry_after_s), ..Self::new(429, -1015, msg) }
    }

    /// A filter of the symbol, by its name.
    pub(super) fn filter(name: &str) -> Self {
        Self::bad(-1013, format!("Filter failure: {name}"))
    }

    pub(super) fn order_combination() -> Self {
        Self::bad(-1014, "Unsupported order combination.")
    }

    pub(super) fn outside_window() -> Self {
        Self::bad(-1021, "Timestamp for this request is outside of the recvWindow.")
    }

    pub(super) fn ahead() -> Self {
        Self::bad(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    }

    pub(super) fn signature() -> Self {
        Self::bad(-1022, "Signature for this request is not valid.")
    }

    pub(super) fn illegal_characters(name: &str, legal: &str) -> Self {
        Self::bad(-1100, format!("Illegal characters found in parameter '{name}'; legal range is '{legal}'."))
    }

    pub(super) fn too_many_parameters(sent: usize) -> Self {
        Self::bad(-1101, format!("Too many parameters; expected '0' and received '{sent}'."))
    }

    pub(super) fn duplicate(name: &str) -> Self {
        Self::bad(-1101, format!("Duplicate values for parameter '{name}'."))
    }

    pub(super) fn mandatory(name: &str) -> Self {
        let msg = format!("Mandatory parameter '{name}' was not sent, was empty/null, or malformed.");
        Self::bad(-1102, msg)
    }

    pub(super) fn either(a: &str, b: &str) -> Self {
        let msg = format!("Param '{a}' or '{b}' must be sent, but both were empty/null!");
        Self::bad(-1102, msg)
    }

    pub(super) fn unread(read: usize, sent: usize) -> Self {
        let msg =
            format!("Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'.");
        Self::bad(-1104, msg)
    }

    pub(super) fn empty(name: &str) -> Self {
        Self::bad(-1105, format!("Parameter '{name}' was empty."))
    }

    pub(super) fn not_required(name: &str) -> Self {
        Self::bad(-1106, format!("Parameter '{name}' sent when not required."))
    }

    pub(super) fn precision(name: &str) -> Self {
        Self::bad(-1111, format!("Parameter '{name}' has too much precision."))
    }

    pub(super) fn time_in_force() -> Self {
        Self::bad(-1115, "Invalid timeInForce.")
    }

    pub(super) fn order_type() -> Self {
        Self::bad(-1116, "Invalid orderType.")
    }

    pub(super) fn side() -> Self {
        Self::bad(-1117, "Invalid side.")
    }

    pub(super) fn interval() -> Self {
        Self::bad(-1120, "Invalid interval.")
    }

    pub(super) fn symbol() -> Self {
        Self::bad(-1121, "Invalid symbol.")
    }

    pub(super) fn optional_combination() -> Self {
        Self::bad(-1128, "Combination of optional parameters invalid.")
    }

    pub(super) fn data(name: &str) -> Self {
        Self::bad(-1130, format!("Data sent for parameter '{name}' is not valid."))
    }

    pub(super) fn window_too_long() -> Self {
        Self::bad(-1131, "recvWindow must be less than 60000")
    }

    pub(super) fn refused(refusal: &Refusal) -> Self {
        let msg = match refusal {
            Refusal::DuplicateClientId => "Duplicate order sent.",
            Refusal::InsufficientBalance => "Account has insufficient balance for requested action.",
            Refusal::WouldMatch => "Order would immediately match and take.",
        };
        Self::bad(-2010, msg)
    }

    pub(super) fn unknown_order() -> Self {
        Self::bad(-2011, "Unknown order sent.")
    }

    pub(super) fn no_such_order() -> Self {
        Self::bad(-2013, "Order does not exist.")
    }

    /// Of a replacement one half was done.
    pub(super) fn replace_failed_by_half(data: Value) -> Self {
        Self { data: Some(data), ..Self::new(409, -2021, "Order cancel-replace partially failed.") }
    }

    pub(super) fn replace_failed(data: Value) -> Self {
        Self { data: Some(data), ..Self::bad(-2022, "Order cancel-replace failed.") }
    }

    pub(super) fn key_format() -> Self {
        Self::new(401, -2014, "API-key format invalid.")
    }

    /// Unknown key, address not allowed, or permission missing: Binance does not tell them apart.
    pub(super) fn key() -> Self {
        Self::new(401, -2015, "Invalid API-key, IP, or permissions for action.")
    }

    pub(super) fn coin_closed() -> Self {
        Self::bad(-4019, "The current currency is not open for withdrawal.")
    }

    pub(super) fn interval_too_big(hours: i64) -> Self {
        let msg =
            format!("Lookup interval is too big. More than {hours} hours between startTime and endTime.");
        Self::bad(-1127, msg)
    }

    pub(super) fn withdrawal_amount() -> Self {
        Self::bad(-4024, "The withdrawal amount must be greater than the minimum withdrawal amount.")
    }

    pub(super) fn withdrawal_balance() -> Self {
        Self::bad(-4026, "The user has insufficient balance available.")
    }

    pub(super) fn transfer_balance() -> Self {
        Self::bad(-5013, "Asset transfer failed: insufficient balance")
    }
}
