//! One connection to the HTTP port: bytes to responses.

use crate::conformance::trace::HttpResponse;
use httparse::{EMPTY_HEADER, Error, Response, Status};

/// Headers of one response at the most.
const MAX_HEADERS: usize = 64;

/// What a connection to the HTTP port has received.
#[derive(Debug, Default)]
pub(super) struct HttpStream {
    /// What belongs to no response yet.
    pub(super) left: Vec<u8>,
    /// Why the rest is no response.
    pub(super) error: Option<Error>,
    /// Whether the last request was a HEAD, whose answer has no body.
    to_head: bool,
}

impl HttpStream {
    /// Notes a write: a request begins one.
    pub(super) fn note_sent(&mut self, bytes: &[u8]) {
        let method = bytes.split(|&b| b == b' ').next().unwrap_or_default();
        if !method.is_empty() && method.iter().all(u8::is_ascii_uppercase) {
            self.to_head = method == b"HEAD";
        }
    }

    /// Takes bytes in, and gives the responses that are whole now; `ended` where nothing follows.
    pub(super) fn feed(&mut self, bytes: &[u8], ended: bool) -> Vec<HttpResponse> {
        self.left.extend_from_slice(bytes);
        let mut responses = Vec::new();
        while self.error.is_none() && !self.left.is_empty() {
            match self.first(ended) {
                Ok(Some((response, size))) => {
                    self.left.drain(..size);
                    responses.push(response);
                }
                Ok(None) => break,
                Err(error) => self.error = Some(error),
            }
        }
        responses
    }

    /// The first response, and its size.
    fn first(&self, ended: bool) -> Result<Option<(HttpResponse, usize)>, Error> {
        let mut headers = [EMPTY_HEADER; MAX_HEADERS];
        let mut response = Response::new(&mut headers);
        let Status::Complete(size) = response.parse(&self.left)? else {
            return Ok(None);
        };
        let (head, rest) = self.left.split_at(size);
        let status = response.code.unwrap_or_default();
        let headers = response.headers.iter();
        let headers: Vec<(String, Vec<u8>)> = headers
            .map(|header| (header.name.to_owned(), header.value.to_vec()))
            .collect();
        let bodiless = self.to_head || matches!(status, 100..=199 | 204 | 304);
        let length = match (bodiless, content_length(&headers)) {
            (true, _) => Some(0),
            (false, None) if ended => Some(rest.len()),
            (false, length) => length,
        };
        let body = length.and_then(|length| rest.get(..length));
        Ok(body.map(|body| {
            let response = HttpResponse {
                status,
                headers,
                body: body.to_vec(),
                head: head.to_vec(),
            };
            (response, size + body.len())
        }))
    }
}

fn content_length(headers: &[(String, Vec<u8>)]) -> Option<usize> {
    let mut headers = headers.iter();
    let (_, value) = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?;
    std::str::from_utf8(value).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bodies(stream: &mut HttpStream, bytes: &[u8], ended: bool) -> Vec<String> {
        let responses = stream.feed(bytes, ended).into_iter();
        responses
            .map(|one| format!("{} {}", one.status, one.body.escape_ascii()))
            .collect()
    }

    #[test]
    fn bodies_are_as_long_as_announced() {
        let mut stream = HttpStream::default();
        let none: [&str; 0] = [];
        assert_eq!(
            bodies(&mut stream, b"HTTP/1.1 200 OK\r\ncontent-le", false),
            none
        );
        assert_eq!(bodies(&mut stream, b"ngth: 5\r\n\r\nhel", false), none);
        let next = b"loHTTP/1.0 404\r\nContent-Length: 0\r\n\r\nHTTP";
        assert_eq!(bodies(&mut stream, next, false), ["200 hello", "404 "]);
        assert_eq!(stream.left, b"HTTP");
        assert_eq!(bodies(&mut stream, b"", true), none);
        assert_eq!((stream.left.len(), stream.error), (4, None));
    }

    #[test]
    fn a_body_without_length_ends_with_the_connection() {
        let mut stream = HttpStream::default();
        let none: [&str; 0] = [];
        assert_eq!(
            bodies(&mut stream, b"HTTP/1.0 200 OK\r\n\r\nhel", false),
            none
        );
        assert_eq!(bodies(&mut stream, b"lo", false), none);
        assert_eq!(bodies(&mut stream, b"", true), ["200 hello"]);
    }

    #[test]
    fn some_responses_have_no_body() {
        let mut stream = HttpStream::default();
        stream.note_sent(b"HEAD / HTTP/1.0\r\n");
        stream.note_sent(b"\r\n");
        let head = b"HTTP/1.0 200 OK\r\nContent-Length: 7\r\n\r\n";
        assert_eq!(bodies(&mut stream, head, false), ["200 "]);
        stream.note_sent(b"GET / HTTP/1.0\r\n\r\n");
        assert_eq!(
            bodies(&mut stream, b"HTTP/1.0 204 No\r\n\r\n", false),
            ["204 "]
        );
    }

    #[test]
    fn what_is_no_response_is_an_error() {
        let mut stream = HttpStream::default();
        assert!(stream.feed(b"\0RES\0\0", false).is_empty());
        assert!(stream.error.is_some());
    }
}
