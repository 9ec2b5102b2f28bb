//! A Debian mirror that passes on what the machine's own one has, each answer later by a pseudo-random time.
//!
//! Answers to requests that run side by side so come in another order than they were asked for.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::apt::Mirror;
use crate::e2e::scenario::Scenario;
use crate::invocation::Invocation;

/// The longest delay of an answer, in milliseconds.
const DELAY_MAX_MILLISECONDS: u64 = 150;

/// A mirror that runs until the process ends.
pub(crate) struct SlowMirror {
    address: SocketAddr,
    answers: Arc<AtomicU64>,
}

impl SlowMirror {
    pub(crate) fn start(scenario: &Scenario) -> Result<Self> {
        let downloads = scenario.path("mirror");
        fs::create_dir_all(&downloads)?;
        let upstream = Arc::new(Upstream {
            mirror: Mirror::of_this_machine()?,
            curl: scenario.tool_path("curl")?,
            downloads,
        });
        let listener = TcpListener::bind(("127.0.0.1", 0)).context("listening for the slow mirror")?;
        let address = listener.local_addr()?;
        let answers = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&answers);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let number = counter.fetch_add(1, Ordering::Relaxed);
                let upstream = Arc::clone(&upstream);
                // A client that does not get its answer reports that itself.
                thread::spawn(move || upstream.answer(&client, number));
            }
        });
        Ok(Self { address, answers })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many requests came so far.
    pub(crate) fn answers(&self) -> u64 {
        self.answers.load(Ordering::Relaxed)
    }
}

/// The mirror behind, read by curl, which knows the machine's proxies and authorities.
struct Upstream {
    mirror: Mirror,
    curl: PathBuf,
    downloads: PathBuf,
}

impl Upstream {
    fn answer(&self, mut client: &TcpStream, number: u64) -> Result<()> {
        let path = read_request(client)?;
        let file = self.downloads.join(number.to_string());
        let status = self.download(&path, &file)?;
        thread::sleep(delay(number));
        let mut body = File::open(&file).context("opening a download")?;
        let length = body.metadata()?.len();
        write!(client, "HTTP/1.1 {status} .\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n")?;
        io::copy(&mut body, &mut client)?;
        fs::remove_file(&file)?;
        Ok(())
    }

    /// Writes the body to `file` and returns the status.
    fn download(&self, path: &str, file: &Path) -> Result<String> {
        let url = match (path.strip_prefix("/debian/"), path.strip_prefix("/debian-security/")) {
            (Some(rest), _) => format!("{}/{rest}", self.mirror.archive),
            (_, Some(rest)) => format!("{}/{rest}", self.mirror.security),
            _ => bail!("`{path}` is outside the archive"),
        };
        let arguments =
            ["--silent", "--show-error", "--retry", "3", "--write-out", "%{http_code}", "--output"];
        File::create(file)?;
        Invocation::new(&self.curl).args(arguments).arg(file).arg(url).output()
    }
}

/// Reads the head of a request and returns the path of its first line.
fn read_request(client: &TcpStream) -> Result<String> {
    let mut lines = BufReader::new(client).lines();
    let first = lines.next().context("no request")??;
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    match first.split(' ').collect::<Vec<_>>().as_slice() {
        ["GET", path, _] => Ok((*path).to_owned()),
        _ => bail!("`{first}` is no request that the mirror knows"),
    }
}

/// The same delays in every run: a step of a linear congruential generator, its high bits.
fn delay(number: u64) -> Duration {
    let mixed = number.wrapping_add(1).wrapping_mul(6_364_136_223_846_793_005).rotate_left(32);
    Duration::from_millis(mixed % (DELAY_MAX_MILLISECONDS + 1))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn delays_differ_and_are_bounded() {
        let delays: Vec<Duration> = (0..100).map(delay).collect();
        assert!(delays.iter().all(|delay| delay.as_millis() <= u128::from(DELAY_MAX_MILLISECONDS)));
        assert!(delays.iter().collect::<BTreeSet<_>>().len() > 50);
    }

    #[test]
    fn the_path_of_a_request_is_read() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.write_all(b"GET /debian/a HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        assert_eq!(read_request(&listener.accept().unwrap().0).unwrap(), "/debian/a");
    }
}
