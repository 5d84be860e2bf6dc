//! The local page: an experiment with sliders, whose charts follow them. Serves this machine alone, and keeps nothing.

use std::future::Future;
use std::io;
use std::net::Ipv4Addr;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use tokio::net::TcpListener;

use self::questions::Opened;

mod page;
mod questions;

/// The page, bound to a port of this machine.
pub struct Server {
    listener: TcpListener,
    port: u16,
    opened: Opened,
}

impl Server {
    /// On this port, or on any free one if it is 0.
    pub async fn bind(opened: Opened, port: u16) -> io::Result<Server> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let port = listener.local_addr()?.port();
        Ok(Server { listener, port, opened })
    }

    /// Where a browser finds it.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// Serves until `end`.
    pub async fn run(self, end: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        axum::serve(self.listener, routes(self.opened, self.port)).with_graceful_shutdown(end).await
    }
}

pub use questions::Opened as Experiment;

fn routes(opened: Opened, port: u16) -> Router {
    Router::new()
        .route("/", get(|| async { Html(page::html()) }))
        .route("/start", get(|State(opened): State<Opened>| async move { Json(opened.start()) }))
        .route("/knobs", post(questions::knobs))
        .route("/look", post(questions::look))
        .route("/save", post(questions::save))
        .with_state(opened)
        .layer(middleware::from_fn_with_state(port, only_from_here))
}

/// Another site's page may make a browser ask this address, under the site's own name if that has been pointed here (DNS
/// rebinding). Such a request names the site as its host or origin.
async fn only_from_here(State(port): State<u16>, request: Request, next: Next) -> Response {
    if !is_from_here(request.headers(), port) {
        return (StatusCode::FORBIDDEN, format!("this page is for http://127.0.0.1:{port} and no other name\n")).into_response();
    }
    let mut response = next.run(request).await;
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}

fn is_from_here(headers: &HeaderMap, port: u16) -> bool {
    let own = ["127.0.0.1", "localhost"].map(|name| format!("{name}:{port}"));
    let named = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let host = named(header::HOST).is_some_and(|host| own.iter().any(|own| own == host));
    let origin = named(header::ORIGIN).is_none_or(|origin| own.iter().any(|own| origin == format!("http://{own}")));
    host && origin
}
