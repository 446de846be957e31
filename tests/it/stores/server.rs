//! A small server that speaks as much of S3's protocol as reading takes, over the files of a folder. It notes all requests,
//! and plays faults.

use std::collections::hash_map::DefaultHasher;
use std::fmt::Write as _;
use std::hash::{Hash, Hasher};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A request as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    pub method: String,
    /// The key below the bucket; empty for a listing.
    pub key: String,
    /// The query, decoded.
    pub query: Vec<(String, String)>,
    pub range: Option<String>,
    pub if_match: Option<String>,
    pub if_none_match: Option<String>,
    /// The `Authorization` of the request.
    pub signed: String,
}

impl Asked {
    pub fn is_listing(&self) -> bool {
        self.key.is_empty()
    }

    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// What the server does in place of an answer.
#[derive(Clone, Debug)]
pub enum Fault {
    /// An error of S3.
    Error(u16, &'static str),
    /// Half of the body, and the end of the connection.
    Cut,
    /// Half of the body, by its own account all of it.
    Short,
    /// The answer, later.
    Late(Duration),
    /// No range, but all of it.
    Whole,
    /// What is asked is done, and an error is the answer.
    Done(u16, &'static str),
}

type Faults = Box<dyn Fn(&Asked, usize) -> Option<Fault> + Send + Sync>;

struct Shared {
    root: PathBuf,
    page: usize,
    asked: Mutex<Vec<Asked>>,
    faults: Faults,
    is_over: AtomicBool,
    is_careless: AtomicBool,
    /// One who reads or writes files at a time.
    writing: Mutex<()>,
}

/// A server that ends when it is dropped.
pub struct Server {
    shared: Arc<Shared>,
    port: u16,
}

impl Server {
    /// Serves the files of a folder as the bucket `bucket`.
    pub fn over(root: &Path) -> Server {
        Server::with_faults(root, |_, _| None)
    }

    /// The same; `faults` is asked about each request, and how many came before it.
    pub fn with_faults(root: &Path, faults: impl Fn(&Asked, usize) -> Option<Fault> + Send + Sync + 'static) -> Server {
        let shared = Shared {
            root: root.to_path_buf(),
            // Listings of a few files have several pages, too.
            page: 3,
            asked: Mutex::default(),
            faults: Box::new(faults),
            is_over: AtomicBool::new(false),
            is_careless: AtomicBool::new(false),
            writing: Mutex::default(),
        };
        let shared = Arc::new(shared);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let of_server = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if of_server.is_over.load(Ordering::Relaxed) {
                    return;
                }
                let shared = Arc::clone(&of_server);
                std::thread::spawn(move || drop(serve(&shared, stream.unwrap())));
            }
        });
        Server { shared, port }
    }

    /// The same, that writes whatever the condition.
    pub fn without_conditions(self) -> Server {
        self.shared.is_careless.store(true, Ordering::Relaxed);
        self
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The keys of `[storage]` for it.
    pub fn keys(&self) -> String {
        format!(
            "\n[storage]\nendpoint = '{}'\nallow_http = true\nskip_signature = true\nretry_timeout = '20s'\n",
            self.url()
        )
    }

    /// What was asked up to now; begins anew.
    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.shared.asked.lock().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        // The listener waits for someone to come.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn serve(shared: &Shared, stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut lines = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    loop {
        let mut first = String::new();
        if lines.read_line(&mut first)? == 0 {
            return Ok(());
        }
        let mut asked = Asked::default();
        let mut length = 0;
        loop {
            let mut line = String::new();
            lines.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            match name.to_lowercase().as_str() {
                "range" => asked.range = Some(value.to_string()),
                "content-length" => length = value.parse().unwrap(),
                "if-none-match" => asked.if_none_match = Some(value.to_string()),
                "if-match" => asked.if_match = Some(value.to_string()),
                "authorization" => asked.signed = value.to_string(),
                _ => {}
            }
        }
        let mut sent = vec![0; length];
        lines.read_exact(&mut sent)?;
        let mut words = first.split_whitespace();
        asked.method = words.next().unwrap_or_default().to_string();
        let target = words.next().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        // In a query, a plus is a space.
        let of_query =
            |pair: &str| pair.split_once('=').map(|(key, value)| (decoded(key), decoded(&value.replace('+', "%20"))));
        asked.query = query.split('&').filter_map(of_query).collect();
        let path = decoded(path.trim_start_matches('/'));
        let (bucket, key) = path.split_once('/').unwrap_or((path.as_str(), ""));
        asked.key = key.to_string();
        if asked.method == "POST" && query == "delete" {
            // Objects are removed by a list, which here has one.
            let list = String::from_utf8(sent.clone()).unwrap();
            let (_, rest) = list.split_once("<Key>").unwrap();
            asked.key = rest.split_once("</Key>").unwrap().0.to_string();
            asked.method = "DELETE".to_string();
        }
        let before = {
            let mut all = shared.asked.lock().unwrap();
            all.push(asked.clone());
            all.len() - 1
        };
        let fault = (shared.faults)(&asked, before);
        if let Some(Fault::Late(pause)) = fault {
            std::thread::sleep(pause);
        }
        let mut answer = match (&fault, bucket) {
            (Some(Fault::Error(status, code)), _) => Answer::error(*status, code),
            (_, "bucket") if asked.method == "PUT" => put(shared, &asked, &sent),
            (_, "bucket") if asked.method == "DELETE" => delete(shared, &asked),
            (_, "bucket") if asked.is_listing() => listing(shared, &asked),
            (_, "bucket") => object(shared, &asked, matches!(fault, Some(Fault::Whole))),
            _ => Answer::error(404, "NoSuchBucket"),
        };
        if let Some(Fault::Done(status, code)) = fault {
            answer = Answer::error(status, code);
        }
        let length = match fault {
            Some(Fault::Short) => answer.body.len() / 2,
            _ => answer.body.len(),
        };
        let mut head = format!("HTTP/1.1 {} X\r\nContent-Length: {length}\r\n", answer.status);
        for (name, value) in &answer.headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        head += "Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\n";
        stream.write_all(head.as_bytes())?;
        if asked.method == "HEAD" {
            answer.body.clear();
        }
        match fault {
            Some(Fault::Cut) => {
                stream.write_all(&answer.body[..answer.body.len() / 2])?;
                return stream.shutdown(std::net::Shutdown::Both);
            }
            Some(Fault::Short) => stream.write_all(&answer.body[..length.min(answer.body.len())])?,
            _ => stream.write_all(&answer.body)?,
        }
    }
}

struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Answer {
    fn error(status: u16, code: &str) -> Answer {
        let body = format!("<Error><Code>{code}</Code><Message>As the test wants.</Message></Error>").into_bytes();
        Answer { status, headers: Vec::new(), body }
    }
}

fn etag(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
}

fn object(shared: &Shared, asked: &Asked, is_whole: bool) -> Answer {
    let _one = shared.writing.lock().unwrap();
    let path = shared.root.join(&asked.key);
    let Some(bytes) = path.is_file().then(|| std::fs::read(path).unwrap()) else {
        return Answer::error(404, "NoSuchKey");
    };
    let etag = etag(&bytes);
    if asked.if_match.as_ref().is_some_and(|wanted| *wanted != etag) {
        return Answer::error(412, "PreconditionFailed");
    }
    let headers = vec![("ETag", etag)];
    let Some(range) = asked.range.as_ref().filter(|_| !is_whole) else {
        return Answer { status: 200, headers, body: bytes };
    };
    let (first, last) = range.strip_prefix("bytes=").unwrap().split_once('-').unwrap();
    let all = bytes.len();
    let (start, end) = match first {
        "" => (all.saturating_sub(last.parse().unwrap()), all),
        first => (first.parse().unwrap(), last.parse::<usize>().map_or(all, |last| (last + 1).min(all))),
    };
    if start >= end {
        return Answer::error(416, "InvalidRange");
    }
    let of_all = ("Content-Range", format!("bytes {start}-{}/{all}", end - 1));
    Answer { status: 206, headers: [headers, vec![of_all]].concat(), body: bytes[start..end].to_vec() }
}

fn put(shared: &Shared, asked: &Asked, sent: &[u8]) -> Answer {
    let _one = shared.writing.lock().unwrap();
    let path = shared.root.join(&asked.key);
    let there = path.is_file().then(|| etag(&std::fs::read(&path).unwrap()));
    let is_meant = match (&asked.if_match, &asked.if_none_match) {
        (Some(wanted), _) => there.as_ref() == Some(wanted),
        (None, Some(_)) => there.is_none(),
        (None, None) => true,
    };
    if !is_meant && !shared.is_careless.load(Ordering::Relaxed) {
        return Answer::error(412, "PreconditionFailed");
    }
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    // Whoever looks at the files beside it sees whole ones.
    let beside = shared.root.with_extension("put");
    std::fs::write(&beside, sent).unwrap();
    std::fs::rename(&beside, &path).unwrap();
    Answer { status: 200, headers: vec![("ETag", etag(sent))], body: Vec::new() }
}

fn delete(shared: &Shared, asked: &Asked) -> Answer {
    let _one = shared.writing.lock().unwrap();
    let path = shared.root.join(&asked.key);
    let _ = std::fs::remove_file(&path);
    // A store has no folders.
    let folders = path.ancestors().skip(1).take_while(|folder| *folder != shared.root);
    let _ = folders.take_while(|folder| std::fs::remove_dir(folder).is_ok()).count();
    let body = format!("<DeleteResult><Deleted><Key>{}</Key></Deleted></DeleteResult>", asked.key);
    Answer { status: 200, headers: Vec::new(), body: body.into_bytes() }
}

fn listing(shared: &Shared, asked: &Asked) -> Answer {
    let _one = shared.writing.lock().unwrap();
    let prefix = asked.query("prefix").unwrap_or_default();
    let after = asked.query("continuation-token").or_else(|| asked.query("start-after")).unwrap_or_default();
    let mut keys = Vec::new();
    collect(&shared.root, "", &mut keys);
    keys.sort();
    let mut names: Vec<String> = Vec::new();
    for key in keys.iter().filter(|key| key.starts_with(prefix)) {
        let name = match (asked.query("delimiter"), key[prefix.len()..].find('/')) {
            (Some(_), Some(slash)) => key[..prefix.len() + slash + 1].to_string(),
            _ => key.clone(),
        };
        if name.as_str() > after && names.last() != Some(&name) {
            names.push(name);
        }
    }
    let page = &names[..names.len().min(shared.page)];
    let mut body = String::from("<?xml version=\"1.0\"?><ListBucketResult>");
    if page.len() < names.len() {
        let next = page.last().unwrap();
        write!(body, "<IsTruncated>true</IsTruncated><NextContinuationToken>{next}</NextContinuationToken>").unwrap();
    }
    for name in page {
        if name.ends_with('/') {
            write!(body, "<CommonPrefixes><Prefix>{name}</Prefix></CommonPrefixes>").unwrap();
            continue;
        }
        let bytes = std::fs::read(shared.root.join(name)).unwrap();
        let etag = etag(&bytes).replace('"', "&quot;");
        write!(
            body,
            "<Contents><Key>{name}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>{etag}</ETag>\
             <Size>{}</Size></Contents>",
            bytes.len()
        )
        .unwrap();
    }
    body += "</ListBucketResult>";
    Answer { status: 200, headers: vec![("Content-Type", "application/xml".to_string())], body: body.into_bytes() }
}

fn collect(folder: &Path, above: &str, keys: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        let name = format!("{above}{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            collect(&path, &format!("{name}/"), keys);
        } else {
            keys.push(name);
        }
    }
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = (*first == b'%').then(|| std::str::from_utf8(&after[..2]).unwrap());
        bytes.push(hex.map_or(*first, |hex| u8::from_str_radix(hex, 16).unwrap()));
        rest = if hex.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).unwrap()
}
