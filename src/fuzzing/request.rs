//! Packets to typed requests and responses, and back.

use crate::protocol::packet::HEADER;
use crate::protocol::request::{MAX_DIGITS, MAX_FUNCTION, MAX_REDUCER, MAX_UNIQUE};
use crate::protocol::{
    Body, Decoder, Frame, Magic, Packet, PacketType, Request, Response, Submit, Work, encode,
};
use std::ops::ControlFlow;

/// One packet: the first byte is its type and its magic, the rest its data.
pub(super) fn request(data: &[u8]) {
    let Some((&first, data)) = data.split_first() else {
        return;
    };
    let number = u32::from(first & 0x3f);
    let kind = PacketType(match first & 0x80 {
        0 => number,
        _ => number | 1 << 31,
    });
    let magic = match first & 0x40 {
        0 => Magic::Req,
        _ => Magic::Res,
    };
    let data = Body::new(data);
    let packet = Packet { magic, kind, data };
    fields(&packet);
    if let Ok(request) = Request::parse(&packet) {
        assert_eq!(magic, Magic::Req);
        bounded(&request);
        let mut bytes = Vec::new();
        request.encode(&mut bytes);
        only(&bytes, |packet| {
            assert_eq!(Request::parse(packet).as_ref(), Ok(&request));
        });
    }
    if let Ok(response) = Response::parse(&packet) {
        assert_eq!(magic, Magic::Res);
        // gearmand ends the handle of a WORK_FAIL with a NUL, which is not taken for a part of it.
        if kind == PacketType::WORK_FAIL && data.ends_with(b"\0\0") {
            return;
        }
        let mut bytes = Vec::new();
        response.encode(&mut bytes);
        only(&bytes, |packet| {
            assert_eq!(Response::parse(packet).as_ref(), Ok(&response));
        });
    }
}

/// The arguments of a packet put together again are its data.
fn fields(packet: &Packet<'_>) {
    let Some(row) = packet.kind.info() else {
        let fields = packet.fields().map(|fields| fields.body);
        assert_eq!(fields, Ok(packet.data));
        return;
    };
    let nuls = packet.data.iter().filter(|&&byte| byte == 0).count();
    let fields = packet.fields();
    assert_eq!(fields.is_ok(), nuls >= row.separators(), "{}", row.name);
    let Ok(fields) = fields else { return };
    assert_eq!(fields.args().len(), row.args.len());
    let mut again = Vec::new();
    let body = row.body.then_some(fields.body.bytes());
    encode::packet(&mut again, packet.magic, packet.kind, fields.args(), body);
    // What has neither arguments nor a body is nothing, whatever came.
    if row.body || !row.args.is_empty() {
        assert_eq!(again[HEADER..], *packet.data);
    }
}

/// What is too long does not get past the parser.
fn bounded(request: &Request<'_>) {
    match *request {
        Request::Submit(Submit {
            function,
            unique,
            reducer,
            ..
        }) => {
            assert!(!function.is_empty() && function.len() <= MAX_FUNCTION);
            assert!(unique.len() <= MAX_UNIQUE);
            assert!(reducer.is_none_or(|reducer| reducer.len() <= MAX_REDUCER));
        }
        Request::CanDo { function, .. } => {
            assert!(!function.is_empty() && function.len() <= MAX_FUNCTION);
        }
        Request::Work {
            work:
                Work::Status {
                    numerator,
                    denominator,
                },
            ..
        } => assert!(numerator.len().max(denominator.len()) <= MAX_DIGITS),
        _ => {}
    }
}

/// Hands over the one packet that `bytes` are.
fn only(bytes: &[u8], mut check: impl FnMut(&Packet<'_>)) {
    let mut packets = 0;
    let fed = Decoder::default().feed(bytes, |frame| {
        let Frame::Packet(packet) = frame else {
            panic!("a packet was written, a line is read");
        };
        packets += 1;
        check(&packet);
        ControlFlow::Continue(())
    });
    assert_eq!((fed, packets), (Ok(bytes.len()), 1));
}
