//! Errors are answers: every failure a caller can cause has a status, a stable code and a sentence that
//! says what to do. The body is RFC 9457 problem+json; `http.rs` adds the request id. Database text never
//! passes through, and a value the caller sent is never repeated.

use std::{borrow::Cow, fmt};

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;

use crate::db;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An answer that says no. Built from a [`Code`]; the rest is detail for the one who asked.
#[derive(Clone, Debug)]
pub struct Error {
    pub code: Code,
    pub detail: Cow<'static, str>,
    pub fields: Vec<Field>,
    /// Overrides the code's status where a documented route demands another one.
    pub status: StatusCode,
    pub retry_after: Option<u64>,
}

/// One wrong member of a request: where, and what to do.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Field {
    /// JSON pointer into the request body, or the name of a query parameter.
    pub pointer: String,
    pub detail: String,
}

macro_rules! codes {
    ($($name:ident $status:ident $text:literal $title:literal,)*) => {
        /// Every reason for saying no. The text is part of the interface and never changes its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code { $($name),* }

        impl Code {
            pub const ALL: &[Code] = &[$(Code::$name),*];

            pub fn text(self) -> &'static str {
                match self { $(Code::$name => $text),* }
            }

            pub fn title(self) -> &'static str {
                match self { $(Code::$name => $title),* }
            }

            pub fn status(self) -> StatusCode {
                match self { $(Code::$name => StatusCode::$status),* }
            }
        }
    };
}

codes! {
    AccessKeyExists CONFLICT "access-key-exists" "There is an active personal access key already",
    AnswerGone GONE "answer-gone" "It was done, and the answer showed a secret that is not kept",
    BeingAsked CONFLICT "being-asked" "The exchange is still being asked",
    BodyTooLarge PAYLOAD_TOO_LARGE "body-too-large" "The request body is too large",
    ClockSkew BAD_REQUEST "clock-skew" "This machine's clock and the exchange's differ too much",
    ConnectionDeleted CONFLICT "connection-deleted" "The connection is deleted",
    CsrfFailed FORBIDDEN "csrf-failed" "The form did not come from one of our own pages",
    Duplicate CONFLICT "duplicate" "It exists already",
    DuplicateKey BAD_REQUEST "duplicate-key" "This exchange key is in the vault already",
    ExchangeRefused BAD_REQUEST "exchange-refused" "The exchange refused the key",
    ExchangeUnreachable BAD_GATEWAY "exchange-unreachable" "The exchange cannot be reached",
    Forbidden FORBIDDEN "forbidden" "The caller may not do this",
    IdempotencyKeyReused UNPROCESSABLE_ENTITY "idempotency-key-reused" "The idempotency key belongs to another request",
    Inactive FORBIDDEN "inactive-user" "The account is not active",
    Internal INTERNAL_SERVER_ERROR "internal" "Something went wrong on our side",
    InvalidBody BAD_REQUEST "invalid-body" "The request body cannot be read",
    InvalidField BAD_REQUEST "invalid-field" "A member of the request is not valid",
    InvalidIdempotencyKey BAD_REQUEST "invalid-idempotency-key" "The idempotency key cannot be read",
    IpNotAllowed BAD_REQUEST "ip-not-allowed" "The exchange does not accept this key from our address",
    LoginFailed UNAUTHORIZED "login-failed" "E-mail or password is wrong",
    MethodNotAllowed METHOD_NOT_ALLOWED "method-not-allowed" "The method is not allowed here",
    MissingPermission BAD_REQUEST "missing-permission" "The key may not read the account",
    NotFound NOT_FOUND "not-found" "There is no such thing here",
    NotSetUp SERVICE_UNAVAILABLE "not-set-up" "Keygate is not set up yet",
    RegistrationClosed FORBIDDEN "registration-closed" "New accounts are made by the administrator",
    RequestRunning CONFLICT "request-running" "The same request is still being carried out",
    SetupLinkInvalid FORBIDDEN "setup-link-invalid" "The setup link is used, expired or wrong",
    StepUpRequired FORBIDDEN "step-up-required" "This needs your password again",
    TooManyAttempts TOO_MANY_REQUESTS "too-many-attempts" "Too many attempts",
    TooManyRequests TOO_MANY_REQUESTS "too-many-requests" "Too many requests",
    Unauthorized UNAUTHORIZED "unauthorized" "A valid credential is needed",
    Unavailable SERVICE_UNAVAILABLE "unavailable" "The service cannot answer now",
    UnknownHost MISDIRECTED_REQUEST "unknown-host" "This host name is not one of ours",
    WithdrawAllowed BAD_REQUEST "withdraw-allowed" "The key may withdraw",
    WrongKey BAD_REQUEST "wrong-key" "The exchange does not know this key",
    WrongSignature BAD_REQUEST "wrong-signature" "The secret does not fit the key",
}

impl Code {
    /// May the same request succeed later without a person changing anything?
    pub fn retryable(self) -> bool {
        use Code::*;
        matches!(
            self,
            ExchangeUnreachable | Internal | RequestRunning | TooManyAttempts | TooManyRequests | Unavailable
        )
    }

    pub fn with(self, detail: impl Into<Cow<'static, str>>) -> Error {
        Error {
            code: self,
            detail: detail.into(),
            fields: Vec::new(),
            status: self.status(),
            retry_after: None,
        }
    }
}

impl Error {
    /// A wrong member of the request, named by its JSON pointer.
    pub fn field(pointer: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let fields = vec![Field { pointer: pointer.to_owned(), detail: detail.clone() }];
        Error { fields, ..Code::InvalidField.with(format!("{}: {detail}", pointer.trim_start_matches('/'))) }
    }

    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Our own fault: the cause goes to the log, once, and the caller learns only the code.
    pub fn internal(cause: impl fmt::Display) -> Self {
        tracing::error!(error = %cause, "internal error");
        Code::Internal.with("The request was not carried out. The log has the cause under this request id.")
    }

    /// The database is away for now: the same request may well succeed in a moment.
    fn unavailable(cause: impl fmt::Display) -> Self {
        tracing::error!(error = %cause, "the database cannot be used");
        Code::Unavailable.with("The database is away or overloaded. Try again in a moment.").retry_after(SOON)
    }
}

impl From<Code> for Error {
    fn from(code: Code) -> Self {
        code.with(code.title())
    }
}

impl From<db::Error> for Error {
    fn from(error: db::Error) -> Self {
        match error.constraint().and_then(constraint_code) {
            Some((code, detail)) => code.with(detail),
            None if error.is_unavailable() => Error::unavailable(error),
            None if error.is_no_text() => {
                Code::InvalidField.with("A text holds a NUL character, which cannot be stored.")
            }
            None => Error::internal(error),
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        db::Error::from(error).into()
    }
}

impl From<seal::OpenError> for Error {
    fn from(error: seal::OpenError) -> Self {
        Error::internal(error)
    }
}

/// Constraint names are the validation: each one a user can run into has its sentence here.
fn constraint_code(name: &str) -> Option<(Code, &'static str)> {
    Some(match name {
        "users_email_key" => (Code::Duplicate, "An account with this e-mail exists."),
        "exchanges_exchange_name_key" => (Code::Duplicate, "An exchange with this name exists."),
        "api_keys_user_id_fingerprint_key" => (Code::DuplicateKey, "This key is in the vault already."),
        "api_keys_user_id_exchange_environment_name_key" => {
            (Code::DuplicateKey, "There is a key with this name for this exchange and environment.")
        }
        "idx_access_keys_one_active_per_user" => {
            (Code::AccessKeyExists, "Revoke the active personal access key first.")
        }
        "access_keys_pkey" => {
            (Code::Duplicate, "This virtual pair was made and shown already. Make a new one.")
        }
        "bot_configs_user_id_name_key" => (Code::Duplicate, "A bot with this name exists."),
        "exchange_connections_default_key" => {
            (Code::Duplicate, "Another connection has just become the one for plain addresses. Try again.")
        }
        _ => return None,
    })
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.code.text(), self.detail)
    }
}

impl std::error::Error for Error {}

/// The wire form, RFC 9457.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// A page of this server that explains the code.
    pub r#type: String,
    pub title: String,
    pub status: u16,
    pub detail: String,
    pub code: String,
    pub request_id: String,
    pub retryable: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Field>,
}

impl Problem {
    pub fn new(error: &Error, request_id: &str) -> Self {
        Problem {
            r#type: format!("/problems/{}", error.code.text()),
            title: error.code.title().to_owned(),
            status: error.status.as_u16(),
            detail: error.detail.to_string(),
            code: error.code.text().to_owned(),
            request_id: request_id.to_owned(),
            retryable: error.code.retryable(),
            errors: error.fields.clone(),
        }
    }
}

/// The body is written by the outermost layer, which knows the request id and who asks.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// What stops the program: what is wrong, and what to do next.
#[derive(Debug)]
pub struct Fatal {
    pub what: String,
    pub next: String,
    pub exit: u8,
}

impl Fatal {
    pub fn new(what: impl Into<String>, next: impl Into<String>) -> Self {
        Fatal { what: what.into(), next: next.into(), exit: 1 }
    }
}

impl From<db::Error> for Fatal {
    fn from(error: db::Error) -> Self {
        Fatal::new(error.to_string(), "`keygate doctor` looks at the database and its settings")
    }
}

impl From<crate::cluster::Error> for Fatal {
    fn from(error: crate::cluster::Error) -> Self {
        Fatal::new(error.to_string(), "or set KEYGATE_DATABASE__URL to use another PostgreSQL")
    }
}

impl fmt::Display for Fatal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}\n  {}", self.what, self.next)
    }
}

impl std::error::Error for Fatal {}

/// Seconds until a database that is away is worth another try.
const SOON: u64 = 5;
