//! The stock peer: a Node.js process that does the same requests.

use crate::request::{Answer, Request};
use crate::shapes::shape;
use anyhow::{Context as _, Result, ensure};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Where the stock peer's programs are.
pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("stock")
}

/// Installs the npm packages if they are not there.
pub fn install() -> Result<()> {
    if directory().join("node_modules").is_dir() {
        return Ok(());
    }
    let npm = Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund"])
        .current_dir(directory())
        .status();
    ensure!(npm.context("npm cannot be run")?.success(), "`npm ci` in benches/peers/stock failed");
    Ok(())
}

/// Writes that many shapes where the stock programs can read them.
pub fn write_shapes(count: usize) -> Result<PathBuf> {
    let file = std::env::temp_dir().join(format!("roomsync-peers-{}.json", std::process::id()));
    let shapes: Vec<_> = (0..count).map(shape).collect();
    std::fs::write(&file, serde_json::to_vec(&shapes)?).context("the shapes cannot be written")?;
    Ok(file)
}

/// A running worker. It stays for a whole run, so that its code is compiled and warm.
pub struct Worker {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Worker {
    pub fn start(shapes: &Path) -> Result<Self> {
        let mut child = node().arg(directory().join("worker.mjs")).arg(shapes).spawn()?;
        let stdin = child.stdin.take().context("a worker listens")?;
        let stdout = BufReader::new(child.stdout.take().context("a worker answers")?);
        Ok(Self { child, stdin, stdout })
    }

    pub fn run(&mut self, request: &Request) -> Result<Answer> {
        writeln!(self.stdin, "{}", serde_json::to_string(request)?)?;
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        serde_json::from_str(&line)
            .with_context(|| format!("the stock worker stopped at {request:?}"))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Node.js as one runs a server, with memory enough for all workloads.
pub fn node() -> Command {
    let mut node = Command::new("node");
    node.env("NODE_ENV", "production").args(["--expose-gc", "--max-old-space-size=12000"]);
    node.stdin(Stdio::piped()).stdout(Stdio::piped());
    node
}
