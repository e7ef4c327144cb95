//! The older, documented routes for exchange keys, in their own shapes and status codes. They are a second
//! door to the same connections: one Binance key named "Primary", and one key per registered exchange.

mod binance;
mod settings;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().merge(binance::routes()).merge(settings::routes())
}
