//! WebSockets to exchanges, through the same TLS as every call.

use exchange::Upstream as Place;
use http::{HeaderName, HeaderValue, Uri};
use hyper_rustls::MaybeHttpsStream;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{client::IntoClientRequest, protocol::WebSocketConfig},
};
use tower::ServiceExt;

use super::{Failure, Upstream};

/// An open WebSocket to an exchange.
pub type Socket = WebSocketStream<TokioIo<MaybeHttpsStream<TokioIo<TcpStream>>>>;

impl Upstream {
    /// Opens a WebSocket at a place of a definition. No frame has been sent when it fails.
    pub async fn open(&self, place: &Place, target: &str) -> Result<Socket, Failure> {
        let opened = tokio::time::timeout(self.timeout, self.shake_hands(place, target));
        opened.await.map_err(|_| Failure::NotSent("the exchange did not open a stream in time".to_owned()))?
    }

    async fn shake_hands(&self, place: &Place, target: &str) -> Result<Socket, Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::NotSent(error.to_string());
        let uri: Uri = format!("{}{target}", place.origin()).parse().map_err(|error| failed(&error))?;
        let request = format!("{}{target}", place.origin().replacen("http", "ws", 1));
        let mut request = request.into_client_request().map_err(|error| failed(&error))?;
        for (name, value) in place.headers() {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| failed(&error))?;
            request.headers_mut().insert(name, HeaderValue::from_str(value).map_err(|error| failed(&error))?);
        }
        let stream = self.connector.clone().oneshot(uri).await.map_err(|error| failed(&error))?;
        let limits = WebSocketConfig::default()
            .max_message_size(Some(self.max_answer))
            .max_frame_size(Some(self.max_answer));
        let opened = client_async_with_config(request, TokioIo::new(stream), Some(limits)).await;
        opened.map(|(socket, _)| socket).map_err(|error| failed(&error))
    }
}
