//! Protobuf's wire format, written and read by hand.

use testkit::Problem;

/// The value of one field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Field<'a> {
    /// Wire type 0.
    Varint(u64),
    /// Wire type 1, little-endian.
    Eight(u64),
    /// Wire type 2.
    Bytes(&'a [u8]),
    /// Wire type 5, little-endian.
    Four(u32),
}

/// A base-128 varint.
pub fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

/// A field of wire type 2.
pub fn bytes(number: u64, content: &[u8]) -> Vec<u8> {
    let mut out = varint(number << 3 | 2);
    out.extend(varint(content.len() as u64));
    out.extend_from_slice(content);
    out
}

/// A field of wire type 0.
pub fn number(number: u64, value: u64) -> Vec<u8> {
    [varint(number << 3), varint(value)].concat()
}

/// A field of wire type 1.
pub fn eight(number: u64, value: u64) -> Vec<u8> {
    [&varint(number << 3 | 1)[..], &value.to_le_bytes()].concat()
}

/// The fields of a message.
///
/// # Errors
///
/// When it is none, or has groups.
pub fn fields(mut message: &[u8]) -> Result<Vec<(u64, Field<'_>)>, Problem> {
    let mut found = Vec::new();
    while !message.is_empty() {
        let key = take_varint(&mut message)?;
        let field = match key & 7 {
            0 => Field::Varint(take_varint(&mut message)?),
            1 => Field::Eight(u64::from_le_bytes(take(&mut message)?)),
            2 => {
                let length = take_varint(&mut message)?;
                let parts = usize::try_from(length)
                    .ok()
                    .and_then(|length| message.split_at_checked(length));
                let (bytes, rest) = parts.ok_or_else(cut)?;
                message = rest;
                Field::Bytes(bytes)
            }
            5 => Field::Four(u32::from_le_bytes(take(&mut message)?)),
            other => return Err(Problem::new(format!("a field of wire type {other}"))),
        };
        found.push((key >> 3, field));
    }
    Ok(found)
}

fn take_varint(message: &mut &[u8]) -> Result<u64, Problem> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let [byte] = take(message)?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Problem::new("a varint of more than 64 bits"))
}

fn take<const N: usize>(message: &mut &[u8]) -> Result<[u8; N], Problem> {
    let (bytes, rest) = message.split_first_chunk().ok_or_else(cut)?;
    *message = rest;
    Ok(*bytes)
}

fn cut() -> Problem {
    Problem::new("a protobuf message that ends inside a field")
}
