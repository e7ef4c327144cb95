//! The OpenAPI 3.1 document, made from the handlers themselves and served at `/openapi.json`.

use std::sync::Arc;

use axum::{Json, Router, routing::get};
use http::Method;
use utoipa::{
    OpenApi,
    openapi::{
        ContentBuilder, ObjectBuilder, OpenApi as Document, Ref, Required, Response, ResponseBuilder,
        path::{Parameter, ParameterBuilder, ParameterIn},
        schema::Type,
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

use crate::{app::App, idempotency};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Keygate",
        description = "A vault and signing gateway for exchange API keys. Errors are RFC 9457 problems; \
            decimals are strings; times are RFC 3339 in UTC. Bots do not use this API: they call \
            `/x/{exchange}/…` in the exchange's own dialect.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    tags(
        (name = "auth", description = "Signing in and out"),
        (name = "connections", description = "Accounts at exchanges and the keys they sign with"),
        (name = "limits", description = "How much the programs of a connection may do"),
        (name = "panic", description = "Stop all signing, and start it again"),
        (name = "suspensions", description = "Access keys that stand still because they were used in an unusual way"),
        (name = "unsettled", description = "Orders and withdrawals of which nobody knows what became"),
        (name = "bots", description = "Programs that use a key, and their virtual pairs"),
        (name = "access keys", description = "The personal access key for daemons and the command line"),
        (name = "activity", description = "What happened with which key"),
        (name = "audit", description = "What proves the record"),
        (name = "alerts", description = "What you should hear of, until you say that you have"),
        (name = "exchanges", description = "What Keygate knows about exchanges"),
        (name = "classic", description = "Routes kept in their documented older shapes"),
        (name = "admin", description = "Accounts, for administrators")
    )
)]
struct Description;

pub fn description() -> Document {
    let mut document = Description::openapi();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("An access token from /api/v1/auth/login, or a personal access key (kg_…)."))
        .build();
    document
        .components
        .get_or_insert_default()
        .security_schemes
        .insert("bearer".into(), SecurityScheme::Http(bearer).into());
    document.security = Some(vec![SecurityRequirement::new("bearer", Vec::<String>::new())]);
    document
}

/// Ids must differ in the whole document, for those who generate clients: a handler's name alone does not.
pub fn name_operations(document: &mut Document) {
    let operations = document.paths.paths.values_mut().flat_map(|path| {
        [&mut path.get, &mut path.post, &mut path.put, &mut path.patch, &mut path.delete]
            .into_iter()
            .flatten()
    });
    for operation in operations {
        let tag = operation.tags.iter().flatten().next().map_or(String::new(), |tag| tag.replace(' ', "_"));
        operation.operation_id = operation.operation_id.take().map(|name| format!("{tag}_{name}"));
    }
}

/// Names the header of [`idempotency`] where it is honoured.
pub fn offer_idempotency(document: &mut Document) {
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in [(Method::POST, &mut item.post), (Method::PATCH, &mut item.patch)] {
            let Some(operation) = operation.as_mut().filter(|_| idempotency::is_offered(&method, path))
            else {
                continue;
            };
            operation.parameters.get_or_insert_default().push(idempotency_key().into());
            let answers = &mut operation.responses.responses;
            for (status, text) in IDEMPOTENCY_ANSWERS {
                answers.entry(status.to_owned()).or_insert_with(|| described(text).into());
            }
        }
    }
}

fn idempotency_key() -> Parameter {
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "Chosen by you, such as a new UUID. Sent again within a day, the same request is not carried out again: \
             it gets the answer from before, marked with `Idempotency-Replayed: true`.",
        ))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .build()
}

fn described(text: &str) -> Response {
    let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(text).content("application/json", problem).build()
}

const IDEMPOTENCY_ANSWERS: [(&str, &str); 3] = [
    ("409", "The first request under this idempotency key is still being carried out."),
    ("410", "It was carried out, and the secret in its answer is not kept any longer."),
    ("422", "The idempotency key belongs to another request."),
];

/// The whole document, without a server: for `keygate openapi` and the test that compares it.
pub fn document() -> Document {
    crate::http::api().1
}

pub fn routes(document: Document) -> Router<Arc<App>> {
    Router::new().route("/openapi.json", get(move || async move { Json(document) }))
}
