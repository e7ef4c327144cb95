//! The least a proxy of hyper and hyper-util can be: `bare_proxy LISTEN UPSTREAM`. It signs nothing, decides nothing
//! and records nothing; what Keygate costs beyond it is the price of what Keygate does.

use std::{convert::Infallible, env, error::Error, net::SocketAddr, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri, header, uri::Scheme};
use http_body_util::{BodyExt, Empty, combinators::BoxBody};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use tokio::net::TcpListener;

type Upstream = Client<HttpConnector, Incoming>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let mut argument = || arguments.next().ok_or("usage: bare_proxy LISTEN UPSTREAM");
    let listener = TcpListener::bind(argument()?.parse::<SocketAddr>()?).await?;
    let origin = HeaderValue::try_from(argument()?)?;
    let mut tcp = HttpConnector::new();
    tcp.set_nodelay(true);
    let client = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(Duration::from_secs(25))
        .build(tcp);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (client, origin) = (client.clone(), origin.clone());
        let service = service_fn(move |request| forward(client.clone(), origin.clone(), request));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn forward(
    client: Upstream,
    origin: HeaderValue,
    mut request: Request<Incoming>,
) -> Result<Response<BoxBody<Bytes, hyper::Error>>, Infallible> {
    let mut uri = std::mem::take(request.uri_mut()).into_parts();
    uri.scheme = Some(Scheme::HTTP);
    uri.authority = origin.to_str().ok().and_then(|origin| origin.parse().ok());
    *request.uri_mut() = Uri::from_parts(uri).unwrap_or_default();
    drop_hop_headers(request.headers_mut());
    request.headers_mut().insert(header::HOST, origin);
    Ok(match client.request(request).await {
        Ok(mut response) => {
            drop_hop_headers(response.headers_mut());
            response.map(BodyExt::boxed)
        }
        Err(_) => {
            let mut response = Response::new(Empty::new().map_err(|never| match never {}).boxed());
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            response
        }
    })
}

fn drop_hop_headers(headers: &mut HeaderMap) {
    for name in [header::CONNECTION, header::TE, header::UPGRADE, HeaderName::from_static("keep-alive")] {
        headers.remove(name);
    }
}
