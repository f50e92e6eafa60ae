//! HTTP/1.1 by hand: what is sent is exactly what was written, right or wrong.

use std::io::ErrorKind;
use std::time::Duration;

use testkit::Problem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longer than any answer takes; only a receiver that does not answer makes us wait for it.
const PATIENCE: Duration = Duration::from_secs(30);

/// No answer to an export request is longer, or this suite says so.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// How the length of a body is told.
#[derive(Clone, Copy, Debug)]
pub enum Framing {
    /// By a content-length, which is right.
    Length,
    /// By this content-length, right or wrong.
    Claimed(u64),
    /// In chunks of so many bytes.
    Chunks(usize),
}

/// A request to be written.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// Names and values, beside host and length.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// How its length is told.
    pub framing: Framing,
}

impl Request {
    /// A POST.
    pub fn post(path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Request {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Request {
            method: "POST".to_owned(),
            path: path.to_owned(),
            headers: headers.iter().map(owned).collect(),
            body,
            framing: Framing::Length,
        }
    }

    /// The bytes of the request.
    pub fn written(&self) -> Vec<u8> {
        let mut head = format!(
            "{} {} HTTP/1.1\r\nhost: localhost\r\n",
            self.method, self.path
        );
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&match self.framing {
            Framing::Length => format!("content-length: {}\r\n\r\n", self.body.len()),
            Framing::Claimed(length) => format!("content-length: {length}\r\n\r\n"),
            Framing::Chunks(_) => "transfer-encoding: chunked\r\n\r\n".to_owned(),
        });
        let mut out = head.into_bytes();
        let Framing::Chunks(size) = self.framing else {
            out.extend_from_slice(&self.body);
            return out;
        };
        for chunk in self.body.chunks(size) {
            out.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
            out.extend_from_slice(chunk);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"0\r\n\r\n");
        out
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// One connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Connection {
    /// Connects to `host:port`.
    ///
    /// # Errors
    ///
    /// When nobody listens there.
    pub async fn open(address: &str) -> Result<Connection, Problem> {
        let stream = timeout(PATIENCE, TcpStream::connect(address)).await??;
        stream.set_nodelay(true)?;
        Ok(Connection {
            stream,
            unread: Vec::new(),
        })
    }

    /// Sends some bytes and waits for nothing.
    ///
    /// # Errors
    ///
    /// When the other side has closed, or takes nothing.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        Ok(timeout(PATIENCE, self.stream.write_all(bytes)).await??)
    }

    /// Sends a request and reads its answer, which may come before everything is sent.
    ///
    /// # Errors
    ///
    /// When there is no answer.
    pub async fn ask(&mut self, request: &Request) -> Result<Answer, Problem> {
        let has_body = request.method != "HEAD";
        self.ask_bytes(&request.written(), has_body).await
    }

    /// As `ask`, of bytes that may be no request at all.
    ///
    /// # Errors
    ///
    /// When there is no answer.
    pub async fn ask_bytes(&mut self, bytes: &[u8], has_body: bool) -> Result<Answer, Problem> {
        let (mut reading, mut writing) = self.stream.split();
        let unread = &mut self.unread;
        let exchange = async {
            let mut sending = std::pin::pin!(writing.write_all(bytes));
            let mut answering = std::pin::pin!(read_answer(&mut reading, unread, has_body));
            tokio::select! {
                answer = &mut answering => answer,
                sent = &mut sending => match sent {
                    Ok(()) => answering.await,
                    // It may have answered before it closed.
                    Err(error) => answering.await.map_err(|_| Problem::from(error)),
                },
            }
        };
        timeout(PATIENCE, exchange).await?
    }

    /// Reads the next answer.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub async fn answer(&mut self) -> Result<Answer, Problem> {
        let reading = read_answer(&mut self.stream, &mut self.unread, true);
        timeout(PATIENCE, reading).await?
    }

    /// Closes our side; the other may still answer.
    ///
    /// # Errors
    ///
    /// When it has closed already.
    pub async fn close_side(&mut self) -> Result<(), Problem> {
        Ok(self.stream.shutdown().await?)
    }

    /// Whether the other side closes within `patience`, whatever it sends before.
    pub async fn is_closed_within(&mut self, patience: Duration) -> bool {
        let closed = async {
            let mut piece = [0; 4096];
            while !matches!(self.stream.read(&mut piece).await, Ok(0) | Err(_)) {}
        };
        timeout(patience, closed).await.is_ok()
    }

    /// Closes at once, as a process that is killed does.
    ///
    /// # Errors
    ///
    /// When the system does not let us.
    pub fn reset(self) -> Result<(), Problem> {
        Ok(self.stream.set_zero_linger()?)
    }
}

async fn read_answer(
    stream: &mut (impl AsyncReadExt + Unpin),
    unread: &mut Vec<u8>,
    has_body: bool,
) -> Result<Answer, Problem> {
    let end = loop {
        if let Some(at) = find(unread, b"\r\n\r\n") {
            break at + 4;
        }
        more(stream, unread).await?;
    };
    let head: Vec<u8> = unread.drain(..end).collect();
    let mut answer = parse_head(&head)?;
    if !has_body || answer.status == 100 {
        return Ok(answer);
    }
    if answer.header("transfer-encoding") == Some("chunked") {
        answer.body = read_chunks(stream, unread).await?;
        return Ok(answer);
    }
    let length: usize = match answer.header("content-length") {
        Some(text) => text.parse()?,
        None => 0,
    };
    while unread.len() < length {
        more(stream, unread).await?;
    }
    answer.body = unread.drain(..length).collect();
    Ok(answer)
}

async fn read_chunks(
    stream: &mut (impl AsyncReadExt + Unpin),
    unread: &mut Vec<u8>,
) -> Result<Vec<u8>, Problem> {
    let mut body = Vec::new();
    loop {
        let Some(at) = find(unread, b"\r\n") else {
            more(stream, unread).await?;
            continue;
        };
        let size = usize::from_str_radix(str::from_utf8(&unread[..at])?.trim(), 16)?;
        let end = (at + 2).saturating_add(size).saturating_add(2);
        while unread.len() < end {
            more(stream, unread).await?;
        }
        body.extend_from_slice(&unread[at + 2..end - 2]);
        unread.drain(..end);
        if size == 0 {
            return Ok(body);
        }
    }
}

async fn more(
    stream: &mut (impl AsyncReadExt + Unpin),
    unread: &mut Vec<u8>,
) -> Result<(), Problem> {
    if unread.len() > ANSWER_BYTES_MAX {
        return Err(Problem::new("an answer that does not end"));
    }
    if stream.read_buf(unread).await? == 0 {
        return Err(std::io::Error::from(ErrorKind::UnexpectedEof).into());
    }
    Ok(())
}

fn parse_head(head: &[u8]) -> Result<Answer, Problem> {
    let head = String::from_utf8_lossy(head);
    let mut lines = head.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let status = first
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.split(' ').nth(1));
    let status = status.ok_or_else(|| Problem::new(format!("not HTTP/1.1: {first:?}")))?;
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
    Ok(Answer {
        status: status.parse()?,
        headers: headers.collect(),
        body: Vec::new(),
    })
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}
