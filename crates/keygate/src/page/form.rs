//! Forms: read with their token checked, and given back with what is wrong.

use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use seal::SecretText;
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    app::App,
    auth::session,
    error::{Error, Result},
    http::body::{Form, read_form},
};

/// A form that one of our own pages of this very session made.
pub struct Posted<T>(pub T);

/// What stands between a form and its being carried out; empty on a form's first showing.
#[derive(Default)]
pub struct Problems(pub Option<Error>);

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    form_token: String,
}

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Posted<T> {
    type Rejection = Error;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self> {
        let headers = request.headers().clone();
        let body = read_form(request, app).await?;
        let Form(Token { form_token }) = Form::parse(&body)?;
        session::check_form(app, &headers, &form_token)?;
        Form::parse(&body).map(|Form(input)| Posted(input))
    }
}

/// A password that was typed; an empty field is none.
pub fn filled(password: Option<SecretText>) -> Option<SecretText> {
    password.filter(|password| !password.expose().is_empty())
}

impl Problems {
    pub fn of(error: &Error) -> Self {
        Problems(Some(error.clone()))
    }

    /// What is wrong with one field, by the name of its input.
    pub fn at(&self, name: &str) -> Option<&str> {
        let fields = &self.0.as_ref()?.fields;
        fields.iter().find(|field| field.pointer.trim_start_matches('/') == name).map(|field| &*field.detail)
    }

    pub fn invalid(&self, name: &str) -> &'static str {
        if self.at(name).is_some() { "true" } else { "false" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_field_is_found_by_the_name_of_its_input() {
        let problems = Problems::of(&Error::field("/email", "is not an e-mail address"));
        assert_eq!(problems.at("email"), Some("is not an e-mail address"));
        assert_eq!(problems.at("name"), None);
        assert_eq!(problems.invalid("name"), "false");
    }
}
