//! As much of HTTP/1.1 as the load needs: one connection, bodies of known length out, any body in.

use std::io::{self};
use std::io::{BufRead, BufReader, Read, Write, sink};
use std::net::{SocketAddr, TcpStream};

use anyhow::{Context, Result, bail, ensure};

/// A connection that is kept.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    host: SocketAddr,
}

/// The head of an answer, and its body where it was asked for.
#[derive(Default)]
pub(crate) struct Answer {
    status: u16,
    length: Option<u64>,
    is_chunked: bool,
    /// The path of `Location`, with its query.
    pub(crate) location: String,
    /// The path of the next page.
    pub(crate) next: Option<String>,
}

impl Connection {
    pub(crate) fn open(host: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(host).context("connecting")?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::with_capacity(256 << 10, stream), host })
    }

    /// Sends a request and expects an answer of this status; its body goes to `output`.
    pub(crate) fn request(
        &mut self,
        (method, path): (&str, &str),
        media_type: &str,
        body: &[u8],
        status: u16,
        output: &mut impl Write,
    ) -> Result<Answer> {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\n\r\n",
            self.host,
            body.len()
        );
        self.stream.get_mut().write_all(head.as_bytes())?;
        self.stream.get_mut().write_all(body).context("sending a body")?;
        let answer = self.head()?;
        let mut text = Vec::new();
        if answer.status == status {
            self.body(&answer, output)?;
        } else {
            self.body(&answer, &mut text)?;
        }
        let said = String::from_utf8_lossy(&text);
        ensure!(answer.status == status, "{method} {path} was answered with {}: {said}", answer.status);
        Ok(answer)
    }

    /// The same without bodies.
    pub(crate) fn ask(&mut self, method: &str, path: &str, status: u16) -> Result<Answer> {
        self.request((method, path), "application/octet-stream", b"", status, &mut sink())
    }

    fn head(&mut self) -> Result<Answer> {
        let mut answer = Answer::default();
        let first = self.line()?;
        answer.status =
            first.split(' ').nth(1).context("no status")?.parse().context("reading the status")?;
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(": ") else { return Ok(answer) };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => answer.length = Some(value.parse()?),
                "transfer-encoding" => answer.is_chunked = value == "chunked",
                "location" => answer.location = path_of(value),
                "link" => {
                    let target = value.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
                    answer.next = target.map(|(target, _)| path_of(target));
                }
                _ => {}
            }
        }
    }

    fn body(&mut self, answer: &Answer, output: &mut impl Write) -> Result<()> {
        if !answer.is_chunked {
            return self.copy(answer.length.unwrap_or(0), output);
        }
        loop {
            let size = u64::from_str_radix(&self.line()?, 16).context("reading the size of a chunk")?;
            self.copy(size, output)?;
            ensure!(self.line()?.is_empty(), "a chunk is longer than it says");
            if size == 0 {
                return Ok(());
            }
        }
    }

    fn copy(&mut self, size: u64, output: &mut impl Write) -> Result<()> {
        let copied = io::copy(&mut self.stream.by_ref().take(size), output)?;
        ensure!(copied == size, "the answer ended after {copied} of {size} bytes");
        Ok(())
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            bail!("the server closed the connection");
        }
        Ok(line.trim_end().to_owned())
    }
}

/// The path and query of an address, absolute or not.
fn path_of(address: &str) -> String {
    match address.split_once("://").and_then(|(_, rest)| rest.split_once('/')) {
        Some((_, path)) => format!("/{path}"),
        None => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::path_of;

    #[test]
    fn addresses_lose_their_host() {
        assert_eq!(path_of("http://127.0.0.1:5/v2/a?b=c"), "/v2/a?b=c");
        assert_eq!(path_of("/v2/a?b=c:/d"), "/v2/a?b=c:/d");
    }
}
