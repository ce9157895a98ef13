//! The smallest correct plugin on stock tonic: it echoes.

use std::env;
use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pb::plugin_service_server::{PluginService, PluginServiceServer};
use tokio::net::{TcpListener, UnixListener};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream, UnixListenerStream};
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

mod pb {
    tonic::include_proto!("servehttp.v1");
}

type Parts = mpsc::Sender<Result<pb::ServeHttpResponse, Status>>;

#[derive(Default)]
struct Plugin {
    cuts: Arc<AtomicU64>, // Uploads that were cut off.
}

#[tonic::async_trait]
impl PluginService for Plugin {
    async fn describe(
        &self,
        request: Request<pb::DescribeRequest>,
    ) -> Result<Response<pb::DescribeResponse>, Status> {
        if !request.get_ref().contract_versions.contains(&1) {
            return Err(Status::failed_precondition("this plugin speaks version 1"));
        }
        let carriers = vec![pb::Carrier::Stream.into()];
        let software = "smallest tonic".into();
        Ok(Response::new(pb::DescribeResponse {
            contract_version: 1,
            serves_http: true,
            carriers,
            software,
        }))
    }

    type ServeHTTPStream = ReceiverStream<Result<pb::ServeHttpResponse, Status>>;

    /// One exchange. It is a task of its own, so that a panic becomes a status: in the future of the RPC it would go
    /// out as CANCEL.
    async fn serve_http(
        &self,
        request: Request<Streaming<pb::ServeHttpRequest>>,
    ) -> Result<Response<Self::ServeHTTPStream>, Status> {
        let (parts, response) = mpsc::channel(1);
        let (failed, cuts) = (parts.clone(), self.cuts.clone());
        tokio::spawn(async move {
            let outcome =
                tokio::spawn(async move { echo(request.into_inner(), &parts, &cuts).await }).await;
            if let Err(status) =
                outcome.unwrap_or_else(|_| Err(Status::internal("the handler failed")))
            {
                let _ = failed.send(Err(status)).await;
            }
        });
        Ok(Response::new(ReceiverStream::new(response)))
    }

    type ServeHTTPMuxStream = ReceiverStream<Result<pb::ServeHttpMuxResponse, Status>>;

    async fn serve_http_mux(
        &self,
        _request: Request<Streaming<pb::ServeHttpMuxRequest>>,
    ) -> Result<Response<Self::ServeHTTPMuxStream>, Status> {
        Err(Status::unimplemented("this plugin offers the stream carrier"))
    }
}

async fn echo(
    mut messages: Streaming<pb::ServeHttpRequest>,
    parts: &Parts,
    cuts: &AtomicU64,
) -> Result<(), Status> {
    let Some(mut message) = messages.message().await? else {
        return Ok(()); // A close before init: the host has changed its mind.
    };
    let url = message.init.take().unwrap_or_default().url;
    assert!(!url.ends_with("?fail"), "as asked");
    let init = Some(pb::ResponseInit { status: 200, ..Default::default() });
    if url == "/cut" {
        let chunk = cuts.load(Ordering::Relaxed).to_string().into_bytes();
        return send(parts, pb::ServeHttpResponse { init, chunk, ..end() }).await;
    }
    send(parts, pb::ServeHttpResponse { init, flush: true, ..Default::default() }).await?; // Before the body has come.
    // The loop waits for the client, send for room: that is the back-pressure.
    while let Ok(()) =
        if message.chunk.is_empty() { Ok(()) } else { send(parts, chunk(message.chunk)).await }
    {
        if message.end.is_some() {
            return send(parts, end()).await;
        }
        // A host that gives up looks like a clean end, Ok(None): only `end` proves one.
        match messages.message().await {
            Ok(Some(next)) => message = next,
            _ => break,
        }
    }
    cuts.fetch_add(1, Ordering::Relaxed);
    Err(Status::internal("the upload was cut off")) // No end: the host breaks the response.
}

async fn send(parts: &Parts, message: pb::ServeHttpResponse) -> Result<(), Status> {
    parts.send(Ok(message)).await.map_err(|_| Status::cancelled("the host gave the exchange up"))
}

/// 64 KiB at most: what is longer has to be cut.
fn chunk(chunk: Vec<u8>) -> pb::ServeHttpResponse {
    pb::ServeHttpResponse { chunk, ..Default::default() }
}

fn end() -> pb::ServeHttpResponse {
    pb::ServeHttpResponse { end: Some(pb::End::default()), ..Default::default() }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = env::var("SERVEHTTP_ADDRESS")?;
    let token = env::var("SERVEHTTP_TOKEN").unwrap_or_default();
    let expected = format!("Bearer {token}");
    let known = move |request: Request<()>| -> Result<Request<()>, Status> {
        let given =
            request.metadata().get("authorization").map_or(&[][..], |value| value.as_bytes());
        let differences =
            given.iter().zip(expected.as_bytes()).fold(0, |sum, (a, b)| sum | (a ^ b));
        if token.is_empty() || (given.len() == expected.len() && black_box(differences) == 0) {
            return Ok(request);
        }
        Err(Status::unauthenticated("the token is missing or wrong"))
    };
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter.set_serving::<PluginServiceServer<Plugin>>().await;
    let router = Server::builder()
        .initial_stream_window_size(262_144)
        .initial_connection_window_size(16_777_216) // Unread uploads stop no other.
        .http2_max_pending_accept_reset_streams(Some(10_000)) // Clients that leave are no attack.
        .layer(tonic::service::InterceptorLayer::new(known))
        .add_service(health)
        .add_service(PluginServiceServer::new(Plugin::default()));
    let mut terminate = signal(SignalKind::terminate())?;
    let stopped = async move { terminate.recv().await.unwrap_or_default() }; // GOAWAY; what runs ends.
    match address.strip_prefix("unix:") {
        Some(path) => {
            let connections = UnixListenerStream::new(UnixListener::bind(path)?);
            router.serve_with_incoming_shutdown(connections, stopped).await?;
            std::fs::remove_file(path)?;
        }
        None => {
            let connections = TcpListenerStream::new(TcpListener::bind(address).await?);
            router.serve_with_incoming_shutdown(connections, stopped).await?;
        }
    }
    Ok(())
}
