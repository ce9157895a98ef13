//! A plugin on stock tonic, on the stream carrier. What it answers is in `exchange.rs`.

mod exchange;

use std::env;
use std::error::Error;
use std::sync::Arc;

use pb::plugin_service_server::{PluginService, PluginServiceServer};
use tokio::net::{TcpListener, UnixListener};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio_stream::Stream;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream, UnixListenerStream};
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

pub mod pb {
    tonic::include_proto!("servehttp.v1");
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (stop, stopping) = watch::channel(false);
    let plugin = ExamplePlugin { state: Arc::new(exchange::State::new(stopping.clone())) };
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter.set_serving::<PluginServiceServer<ExamplePlugin>>().await;

    // Not a token of its own for each service: whoever does not know it is let in nowhere.
    let router = Server::builder()
        .layer(tonic::service::InterceptorLayer::new(refuse_strangers))
        .add_service(health)
        .add_service(PluginServiceServer::new(plugin));

    let mut terminate = signal(SignalKind::terminate())?;
    let stopped = async move {
        terminate.recv().await;
        // What would never end by itself ends now; everything else is finished.
        let _ = stop.send(true);
    };
    let address = env::var("SERVEHTTP_ADDRESS")?;
    match address.strip_prefix("unix:") {
        Some(path) => {
            let connections = UnixListenerStream::new(UnixListener::bind(path)?);
            router.serve_with_incoming_shutdown(connections, stopped).await?;
            std::fs::remove_file(path)?; // tokio leaves it.
        }
        None => {
            let connections = TcpListenerStream::new(TcpListener::bind(address).await?);
            router.serve_with_incoming_shutdown(connections, stopped).await?;
        }
    }
    Ok(())
}

/// Lets in only who knows the token.
fn refuse_strangers(request: Request<()>) -> Result<Request<()>, Status> {
    let token = env::var("SERVEHTTP_TOKEN").unwrap_or_default();
    let expected = format!("Bearer {token}");
    let given = request.metadata().get("authorization").map_or(&[][..], |value| value.as_bytes());
    if token.is_empty() || equal_in_constant_time(given, expected.as_bytes()) {
        Ok(request)
    } else {
        Err(Status::unauthenticated("the token is missing or wrong"))
    }
}

fn equal_in_constant_time(one: &[u8], other: &[u8]) -> bool {
    let differences = one.iter().zip(other).fold(0, |sum, (a, b)| sum | (a ^ b));
    one.len() == other.len() && std::hint::black_box(differences) == 0
}

struct ExamplePlugin {
    state: Arc<exchange::State>,
}

#[tonic::async_trait]
impl PluginService for ExamplePlugin {
    async fn describe(
        &self,
        request: Request<pb::DescribeRequest>,
    ) -> Result<Response<pb::DescribeResponse>, Status> {
        if !request.get_ref().contract_versions.contains(&1) {
            return Err(Status::failed_precondition("this plugin speaks version 1"));
        }
        Ok(Response::new(pb::DescribeResponse {
            contract_version: 1,
            serves_http: true,
            carriers: vec![pb::Carrier::Stream.into()],
            software: "interop tonic".into(),
        }))
    }

    type ServeHTTPStream = ReceiverStream<Result<pb::ServeHttpResponse, Status>>;

    /// One exchange: it reads the parts of a request and sends the parts of its response.
    async fn serve_http(
        &self,
        request: Request<Streaming<pb::ServeHttpRequest>>,
    ) -> Result<Response<Self::ServeHTTPStream>, Status> {
        let (parts, response) = mpsc::channel(1);
        let state = self.state.clone();
        tokio::spawn(async move {
            if let Err(status) = exchange::serve(request.into_inner(), &parts, &state).await {
                // Nobody is there to be told where the host has given the exchange up.
                let _ = parts.send(Err(status)).await;
            }
        });
        Ok(Response::new(ReceiverStream::new(response)))
    }

    type ServeHTTPMuxStream =
        std::pin::Pin<Box<dyn Stream<Item = Result<pb::ServeHttpMuxResponse, Status>> + Send>>;

    async fn serve_http_mux(
        &self,
        _request: Request<Streaming<pb::ServeHttpMuxRequest>>,
    ) -> Result<Response<Self::ServeHTTPMuxStream>, Status> {
        Err(Status::unimplemented("this plugin offers the stream carrier"))
    }
}
