//! What the plugin answers; ../../src/plugins/example-handler.ts lists it.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::sleep;
use tonic::{Status, Streaming};

use crate::pb;

/// What the exchanges of a plugin share.
pub struct State {
    /// Uploads that were cut off.
    cuts: watch::Sender<u64>,
    /// Whether the plugin is to end.
    stopping: watch::Receiver<bool>,
}

impl State {
    pub fn new(stopping: watch::Receiver<bool>) -> Self {
        Self { cuts: watch::Sender::new(0), stopping }
    }
}

type Parts = mpsc::Sender<Result<pb::ServeHttpResponse, Status>>;

pub async fn serve(
    messages: Streaming<pb::ServeHttpRequest>,
    parts: &Parts,
    state: &State,
) -> Result<(), Status> {
    let mut body = Body { messages, next: None, ended: false };
    let Some(first) = body.messages.message().await? else {
        return Ok(()); // A close before init: the host changed its mind.
    };
    let Some(init) = first.init.clone() else {
        return Err(Status::invalid_argument("the first message brings no init"));
    };
    body.next = Some(first);
    if init.url.ends_with("?fail") {
        return Err(Status::internal("as asked"));
    }
    match init.url.as_str() {
        "/headers" => headers(init, parts).await,
        "/cut-off" => report_cut_off(parts, state).await,
        "/early" => send(parts, whole(413, "too much")).await,
        "/unfinished" => {
            send(parts, pb::ServeHttpResponse { init: head(200), ..chunk("half of it") }).await
        }
        "/unread" => unread(parts, state).await,
        "/events" => events(parts, state).await,
        "/slow" => slow(&mut body, parts).await,
        "/cut" => {
            let cuts = state.cuts.borrow().to_string();
            send(parts, whole(200, &cuts)).await
        }
        _ => echo(&mut body, parts, state).await,
    }
}

async fn headers(init: pb::RequestInit, parts: &Parts) -> Result<(), Status> {
    let mut answer = whole(200, &format!("{} {}", init.method, init.url));
    if let Some(head) = &mut answer.init {
        let named = |field: &pb::HeaderField| field.name.to_ascii_lowercase().starts_with("x-");
        head.headers = init.headers.into_iter().filter(named).collect();
    }
    send(parts, answer).await
}

async fn echo(body: &mut Body, parts: &Parts, state: &State) -> Result<(), Status> {
    let link = field("Link", "</style.css>; rel=preload");
    let informational = vec![pb::InformationalResponse { status: 103, headers: vec![link] }];
    send(parts, pb::ServeHttpResponse { informational, ..started() }).await?;
    let mut bytes = 0;
    loop {
        match body.read().await {
            Ok(Some(read)) => {
                bytes += read.len();
                send(parts, chunk(read)).await?;
            }
            Ok(None) => break,
            Err(status) => {
                state.cuts.send_modify(|cuts| *cuts += 1);
                return Err(status);
            }
        }
    }
    send(parts, end(vec![field("X-Bytes", &bytes.to_string())])).await
}

async fn report_cut_off(parts: &Parts, state: &State) -> Result<(), Status> {
    send(parts, started()).await?;
    let mut cuts = state.cuts.subscribe();
    let _ = cuts.wait_for(|cuts| *cuts > 0).await;
    send(parts, last("the request was cut off")).await
}

/// Never reads the body.
async fn unread(parts: &Parts, state: &State) -> Result<(), Status> {
    send(parts, started()).await?;
    let mut stopping = state.stopping.clone();
    tokio::select! {
        () = parts.closed() => return Ok(()),
        _ = stopping.wait_for(|stopping| *stopping) => {}
    }
    send(parts, last("unread")).await
}

/// An event every second. It ends only where the plugin is to end, and `EventSource` comes again.
async fn events(parts: &Parts, state: &State) -> Result<(), Status> {
    let fields = vec![field("Content-Type", "text/event-stream")];
    let init = Some(pb::ResponseInit { status: 200, headers: fields, ..Default::default() });
    send(parts, pb::ServeHttpResponse { init, flush: true, ..Default::default() }).await?;
    let mut stopping = state.stopping.clone();
    for number in 1u64.. {
        tokio::select! {
            () = sleep(Duration::from_secs(1)) => {}
            () = parts.closed() => break,
            _ = stopping.wait_for(|stopping| *stopping) => break,
        }
        send(parts, chunk(format!("data: {number}\n\n"))).await?;
    }
    send(parts, end(Vec::new())).await
}

/// The whole body, then it comes back in twenty pieces, one every 100 ms.
async fn slow(body: &mut Body, parts: &Parts) -> Result<(), Status> {
    let mut whole = Vec::new();
    while let Some(chunk) = body.read().await? {
        whole.extend(chunk);
    }
    send(parts, started()).await?;
    for piece in whole.chunks(whole.len().div_ceil(20).max(1)) {
        sleep(Duration::from_millis(100)).await;
        send(parts, chunk(piece)).await?;
    }
    send(parts, end(Vec::new())).await
}

async fn send(parts: &Parts, message: pb::ServeHttpResponse) -> Result<(), Status> {
    parts.send(Ok(message)).await.map_err(|_| Status::cancelled("the host gave the exchange up"))
}

fn head(status: i32) -> Option<pb::ResponseInit> {
    Some(pb::ResponseInit { status, ..Default::default() })
}

fn started() -> pb::ServeHttpResponse {
    pb::ServeHttpResponse { init: head(200), flush: true, ..Default::default() }
}

fn chunk(bytes: impl Into<Vec<u8>>) -> pb::ServeHttpResponse {
    pb::ServeHttpResponse { chunk: bytes.into(), ..Default::default() }
}

fn end(trailers: Vec<pb::HeaderField>) -> pb::ServeHttpResponse {
    pb::ServeHttpResponse { end: Some(pb::End { trailers }), ..Default::default() }
}

fn last(text: &str) -> pb::ServeHttpResponse {
    pb::ServeHttpResponse { chunk: text.into(), ..end(Vec::new()) }
}

fn whole(status: i32, text: &str) -> pb::ServeHttpResponse {
    pb::ServeHttpResponse { init: head(status), ..last(text) }
}

fn field(name: &str, value: &str) -> pb::HeaderField {
    pb::HeaderField { name: name.into(), values: vec![value.into()] }
}

/// The chunks of a request.
struct Body {
    messages: Streaming<pb::ServeHttpRequest>,
    /// The message to be read next, where it has come already.
    next: Option<pb::ServeHttpRequest>,
    ended: bool,
}

impl Body {
    /// The bytes of a chunk, or none behind the end. A request that stops without an end was cut off.
    async fn read(&mut self) -> Result<Option<Vec<u8>>, Status> {
        while !self.ended {
            let message = match self.next.take() {
                Some(message) => message,
                // A reset by the host may look like a clean end: only the end part proves one.
                None => self.messages.message().await?.ok_or(Status::cancelled("cut off"))?,
            };
            self.ended = message.end.is_some();
            if !message.chunk.is_empty() {
                return Ok(Some(message.chunk));
            }
        }
        Ok(None)
    }
}
