//! Properties of the codec, over packets that the packet table makes.

use gearbench::protocol::packet::{Body, HEADER};
use gearbench::protocol::{Decoder, Frame, Magic, PACKETS, Packet, PacketInfo, PacketType, encode};
use gearbench::protocol::{Request, Response};
use proptest::collection::vec;
use proptest::prelude::*;
use std::ops::ControlFlow;

/// A row of the packet table.
fn row() -> impl Strategy<Value = &'static PacketInfo> {
    (0..PACKETS.len()).prop_map(|index| &PACKETS[index])
}

/// A packet of any type with arguments and body that it may have.
fn packet() -> impl Strategy<Value = (Vec<u8>, &'static PacketInfo, Vec<Vec<u8>>, Vec<u8>)> {
    let argument = vec(1..=255_u8, 0..40);
    let body = prop_oneof![vec(any::<u8>(), 0..100), vec(any::<u8>(), 16_000..20_000)];
    (row(), any::<bool>(), vec(argument, 7), body).prop_map(|(row, to_server, mut args, body)| {
        args.truncate(row.args.len());
        let magic = if to_server { Magic::Req } else { Magic::Res };
        let mut bytes = Vec::new();
        let slices: Vec<&[u8]> = args.iter().map(Vec::as_slice).collect();
        encode::packet(
            &mut bytes,
            magic,
            row.kind,
            &slices,
            row.body.then_some(&body),
        );
        (bytes, row, args, if row.body { body } else { Vec::new() })
    })
}

/// All frames of a stream, cut into chunks whose sizes are `cuts`, again and again.
fn frames(stream: &[u8], cuts: &[usize]) -> (Vec<String>, bool) {
    let mut decoder = Decoder::default();
    let mut seen = Vec::new();
    let mut rest = stream;
    for &cut in cuts.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (chunk, later) = rest.split_at(cut.clamp(1, rest.len()));
        rest = later;
        let fed = decoder.feed(chunk, |frame| {
            seen.push(format!("{frame:?}"));
            ControlFlow::Continue(())
        });
        if fed.is_err() {
            return (seen, true);
        }
    }
    (seen, false)
}

proptest! {
    #[test]
    fn a_packet_splits_into_what_it_was_made_of((bytes, row, args, body) in packet()) {
        let data = Body::new(&bytes[HEADER..]);
        let packet = Packet { magic: Magic::Req, kind: row.kind, data };
        let fields = packet.fields().expect("all arguments are there");
        prop_assert_eq!(fields.args().iter().map(|arg| arg.to_vec()).collect::<Vec<_>>(), args);
        prop_assert_eq!(fields.body.bytes(), &*body);
    }

    #[test]
    fn typed_packets_encode_to_the_bytes_they_were_read_from((bytes, row, ..) in packet()) {
        let data = Body::new(&bytes[HEADER..]);
        let mut again = Vec::new();
        if let Ok(request) = Request::parse(&Packet { magic: Magic::Req, kind: row.kind, data }) {
            request.encode(&mut again);
            let parsed = Request::parse(&Packet {
                magic: Magic::Req,
                kind: PacketType(u32::from_be_bytes(again[4..8].try_into().unwrap())),
                data: Body::new(&again[HEADER..]),
            });
            prop_assert_eq!(parsed, Ok(request));
        }
        if let Ok(response) = Response::parse(&Packet { magic: Magic::Res, kind: row.kind, data }) {
            again.clear();
            response.encode(&mut again);
            let parsed = Response::parse(&Packet {
                magic: Magic::Res,
                kind: row.kind,
                data: Body::new(&again[HEADER..]),
            });
            prop_assert_eq!(parsed, Ok(response));
        }
    }

    #[test]
    fn any_chunking_gives_the_same_frames(
        packets in vec(packet(), 1..6),
        line in "[a-z ]{0,20}",
        cuts in vec(1..5000_usize, 1..20),
    ) {
        let mut stream = Vec::new();
        for (bytes, ..) in &packets {
            stream.extend_from_slice(bytes);
            stream.extend_from_slice(line.as_bytes());
            stream.push(b'\n');
        }
        let whole = frames(&stream, &[stream.len()]);
        prop_assert_eq!(whole.0.len(), 2 * packets.len());
        prop_assert_eq!(frames(&stream, &cuts), whole);
    }

    #[test]
    fn garbage_is_refused_the_same_way_however_it_is_cut(
        garbage in vec(prop_oneof![Just(0_u8), any::<u8>(), Just(b'R'), Just(b'E'), Just(b'Q')], 0..300),
        cuts in vec(1..30_usize, 1..20),
    ) {
        prop_assert_eq!(frames(&garbage, &cuts), frames(&garbage, &[garbage.len().max(1)]));
    }

    #[test]
    fn data_of_any_kind_is_parsed_or_refused(number in 0..50_u32, data in vec(any::<u8>(), 0..200)) {
        let (kind, data) = (PacketType(number), Body::new(&data));
        let _ = Request::parse(&Packet { magic: Magic::Req, kind, data });
        let _ = Response::parse(&Packet { magic: Magic::Res, kind, data });
    }

    #[test]
    fn lines_are_parsed_or_refused(line in vec(any::<u8>(), 0..200)) {
        let _ = gearbench::protocol::admin::Command::parse(&line);
    }
}

/// A frame is what the type of the first byte says, whatever follows.
#[test]
fn the_first_byte_tells_text_from_packets() {
    let mut decoder = Decoder::default();
    let mut kinds = Vec::new();
    let stream = b"status\n\0REQ\0\0\0\x10\0\0\0\x01\nversion\n";
    let _ = decoder
        .feed(stream, |frame| {
            kinds.push(matches!(frame, Frame::Line(_)));
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(kinds, [true, false, true]);
}
