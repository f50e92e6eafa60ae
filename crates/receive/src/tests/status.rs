//! What clients are told, read independently of the code that writes it.

/// A `google.rpc.Status`.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Status {
    pub(super) code: u64,
    pub(super) message: String,
    /// `BadRequest`'s description, if there is one.
    pub(super) bad_request: Option<String>,
    /// `RetryInfo`'s seconds, if there is one.
    pub(super) retry_seconds: Option<u64>,
}

impl Status {
    pub(super) fn from_json(body: &[u8]) -> Self {
        let json: serde_json::Value = serde_json::from_slice(body).unwrap();
        let detail = &json["details"][0];
        let is = |name: &str| detail["@type"] == format!("type.googleapis.com/google.rpc.{name}");
        let description = detail["fieldViolations"][0]["description"].as_str();
        let delay = detail["retryDelay"].as_str();
        Self {
            code: json["code"].as_u64().unwrap(),
            message: json["message"].as_str().unwrap().to_owned(),
            bad_request: is("BadRequest").then(|| description.unwrap().to_owned()),
            retry_seconds: is("RetryInfo")
                .then(|| delay.unwrap().strip_suffix('s').unwrap().parse().unwrap()),
        }
    }

    pub(super) fn from_protobuf(body: &[u8]) -> Self {
        let mut status = Self::default();
        for (number, value) in fields(body) {
            match (number, value) {
                (1, Field::Number(code)) => status.code = code,
                (2, Field::Bytes(text)) => status.message = utf8(text),
                (3, Field::Bytes(any)) => status.read_detail(any),
                other => panic!("a status has no {other:?}"),
            }
        }
        status
    }

    fn read_detail(&mut self, any: &[u8]) {
        let any = fields(any);
        let [(1, Field::Bytes(url)), (2, Field::Bytes(value))] = any[..] else {
            panic!("not an Any: {any:?}");
        };
        let inner = fields(value);
        let [(1, Field::Bytes(inner))] = inner[..] else {
            panic!("not a detail: {inner:?}");
        };
        match (utf8(url).as_str(), &fields(inner)[..]) {
            ("type.googleapis.com/google.rpc.BadRequest", [(2, Field::Bytes(text))]) => {
                self.bad_request = Some(utf8(text));
            }
            ("type.googleapis.com/google.rpc.RetryInfo", [(1, Field::Number(seconds))]) => {
                self.retry_seconds = Some(*seconds);
            }
            other => panic!("an unknown detail: {other:?}"),
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

pub(super) fn utf8(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The fields of a protobuf message that has only varints and bytes.
fn fields(mut message: &[u8]) -> Vec<(u64, Field<'_>)> {
    let mut found = Vec::new();
    while !message.is_empty() {
        let key = varint(&mut message);
        let value = varint(&mut message);
        let field = match key & 7 {
            0 => Field::Number(value),
            2 => {
                let (bytes, rest) = message.split_at(value as usize);
                message = rest;
                Field::Bytes(bytes)
            }
            other => panic!("wire type {other}"),
        };
        found.push((key >> 3, field));
    }
    found
}

fn varint(message: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let (byte, rest) = message.split_first().unwrap();
        *message = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    value
}

pub(super) fn unbase64(text: &[u8]) -> Vec<u8> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for character in text {
        let value = alphabet
            .iter()
            .position(|known| known == character)
            .unwrap();
        bits = bits << 6 | value as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}
