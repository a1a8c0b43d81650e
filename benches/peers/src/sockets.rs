//! W9: what a server process spends on the CPU for each message that it delivers over real sockets.

use crate::stock;
use anyhow::{Context as _, Result, bail, ensure};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::json;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// The load: so many sessions, of which one drags at 60 Hz.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    pub sessions: usize,
    pub pushes: usize,
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Microseconds of CPU time of our server per message.
pub fn ours(server: &Path, load: Load) -> Result<f64> {
    let directory = tempfile::tempdir()?;
    let mut child = Command::new(server)
        .args(["--listen", "127.0.0.1:0", "--data"])
        .arg(directory.path().join("rooms.db"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("{} cannot be run: build it in release", server.display()))?;
    let line = first_line(&mut child)?;
    let address = line.rsplit("://").next().context("an address")?.trim_end_matches('/').to_owned();
    measure(child, address.trim(), load)
}

/// The same of a stock room behind `ws`.
pub fn theirs(load: Load) -> Result<f64> {
    let mut child = stock::node().arg(stock::directory().join("server.mjs")).spawn()?;
    let port = first_line(&mut child)?;
    measure(child, &format!("127.0.0.1:{}", port.trim()), load)
}

fn first_line(child: &mut Child) -> Result<String> {
    let mut line = String::new();
    let stdout = child.stdout.as_mut().context("the server says where it is")?;
    BufReader::new(stdout).read_line(&mut line)?;
    ensure!(!line.is_empty(), "the server did not start");
    Ok(line)
}

fn measure(mut child: Child, address: &str, load: Load) -> Result<f64> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(drag(address, child.id(), load));
    let _ = child.kill();
    let _ = child.wait();
    result
}

async fn drag(address: &str, server: u32, load: Load) -> Result<f64> {
    let mut pusher = enter(address, 0).await?;
    let shape = crate::shapes::shape(0);
    let id = crate::shapes::shape_id(0);
    let put = json!({ "type": "push", "clientClock": 1, "diff": { &id: ["put", shape] } });
    pusher.send(Message::text(put.to_string())).await?;
    data(&mut pusher).await?;
    let mut readers = Vec::new();
    for number in 1..load.sessions {
        readers.push(enter(address, number).await?);
    }
    let before = cpu_time(server)?;
    let readers: Vec<_> = readers
        .into_iter()
        .map(|socket| tokio::spawn(count(socket, id.clone(), load.pushes)))
        .collect();
    let mut beat = tokio::time::interval(Duration::from_micros(16_667));
    let mut delivered = 0;
    for step in 1..=load.pushes {
        beat.tick().await;
        let diff =
            json!({ &id: ["patch", { "x": ["put", step as f64 + 0.5], "y": ["put", step * 2] }] });
        let push = json!({ "type": "push", "clientClock": step + 1, "diff": diff });
        pusher.send(Message::text(push.to_string())).await?;
        data(&mut pusher).await?;
        delivered += 1;
    }
    for reader in readers {
        delivered += reader.await??;
    }
    Ok((cpu_time(server)? - before) * 1e6 / f64::from(delivered))
}

async fn enter(address: &str, number: usize) -> Result<Socket> {
    let url = format!("ws://{address}/connect/bench?sessionId=session-{number}");
    let (mut socket, _) = connect_async(url).await?;
    let hello = json!({
        "type": "connect", "connectRequestId": "1", "lastServerClock": -1, "protocolVersion": 8,
        "schema": { "schemaVersion": 2, "sequences": {} },
    });
    socket.send(Message::text(hello.to_string())).await?;
    text(&mut socket).await?;
    Ok(socket)
}

/// Counts messages until the one that tells of the last push.
async fn count(mut socket: Socket, id: String, pushes: usize) -> Result<u32> {
    let last = format!("\"x\":[\"put\",{pushes}.5]");
    let mut heard = 0;
    loop {
        let text = data(&mut socket).await?;
        ensure!(text.contains(&id), "a reader hears of the dragged shape");
        heard += 1;
        if text.contains(&last) {
            return Ok(heard);
        }
    }
}

async fn data(socket: &mut Socket) -> Result<String> {
    let text = text(socket).await?;
    ensure!(text.contains(r#""type":"data""#), "the server said {text}");
    Ok(text)
}

async fn text(socket: &mut Socket) -> Result<String> {
    match socket.next().await.context("the server hung up")?? {
        Message::Text(text) => Ok(text.to_string()),
        other => bail!("the server said {other:?}"),
    }
}

/// Seconds that the process has spent, in its own code and in the system's for it.
fn cpu_time(process: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').context("a line of /proc")?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut ticks = || fields.next().and_then(|field| field.parse::<f64>().ok()).context("ticks");
    Ok((ticks()? + ticks()?) / 100.0)
}
