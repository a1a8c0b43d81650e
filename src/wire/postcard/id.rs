//! Ids: less what they share with the id before, and with the letters that random ids are made of at
//! six bits each.

use crate::error::Malformed;
use crate::value::bytes::{Input, write_varint};
use alloc::string::String;
use alloc::vec::Vec;

/// So many bytes of an id may be those of the id before it, so that one of a few bytes does not
/// become a long one.
const MOST_SHARED_BYTES: usize = 64;

/// Added to the number of shared bytes where the end of the id is packed.
const PACKED: usize = MOST_SHARED_BYTES + 1;

/// So many bytes stand at most before packed letters.
const MOST_PLAIN_BYTES: usize = 7;
/// So many letters are packed at most: a byte holds this number and the one above.
const MOST_LETTERS: usize = 31;
/// Fewer are no shorter packed.
const FEWEST_LETTERS: usize = 5;

/// The letters of URL-safe base 64, in its order.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const LETTER_BITS: u32 = 6;

pub(super) fn write_id(out: &mut Vec<u8>, before: &str, id: &str) {
    let pairs = before.bytes().zip(id.bytes()).take(MOST_SHARED_BYTES);
    let shared = pairs.take_while(|(a, b)| a == b).count();
    let rest = id.as_bytes().get(shared..).unwrap_or_default();
    let last_letters = rest.iter().rev().take(MOST_LETTERS);
    let count = last_letters.take_while(|byte| letter_code(**byte).is_some()).count();
    let (plain, letters) = rest.split_at(rest.len() - count);
    if letters.len() < FEWEST_LETTERS || plain.len() > MOST_PLAIN_BYTES {
        write_varint(out, shared as u64);
        write_varint(out, rest.len() as u64);
        out.extend_from_slice(rest);
    } else {
        write_varint(out, (PACKED + shared) as u64);
        let [lens, ..] = (plain.len() << 5 | letters.len()).to_le_bytes();
        out.push(lens);
        out.extend_from_slice(plain);
        write_letters(out, letters);
    }
}

fn write_letters(out: &mut Vec<u8>, letters: &[u8]) {
    let (mut bits, mut held) = (0, 0);
    for code in letters.iter().filter_map(|byte| letter_code(*byte)) {
        bits = bits << LETTER_BITS | u32::from(code);
        held += LETTER_BITS;
        if held >= u8::BITS {
            held -= u8::BITS;
            out.push((bits >> held & 0xFF) as u8);
        }
    }
    if held > 0 {
        out.push((bits << (u8::BITS - held) & 0xFF) as u8);
    }
}

pub(super) fn read_id(input: &mut Input<'_>, before: &str) -> Result<String, Malformed> {
    let shared = usize::try_from(input.varint()?).map_err(|_| Malformed)?;
    let packed = shared.checked_sub(PACKED);
    let shared = packed.unwrap_or(shared);
    if shared > MOST_SHARED_BYTES {
        return Err(Malformed);
    }
    let before = before.as_bytes().get(..shared).ok_or(Malformed)?;
    let (plain, letters) = if packed.is_some() {
        let lens = usize::from(input.byte()?);
        (lens >> 5, lens & MOST_LETTERS)
    } else {
        (input.count()?, 0)
    };
    let plain = input.bytes(plain)?;
    let mut id = Vec::with_capacity(shared + plain.len() + letters);
    id.extend_from_slice(before);
    id.extend_from_slice(plain);
    read_letters(input, letters, &mut id)?;
    String::from_utf8(id).map_err(|_| Malformed)
}

fn read_letters(input: &mut Input<'_>, count: usize, id: &mut Vec<u8>) -> Result<(), Malformed> {
    let packed = input.bytes((count * LETTER_BITS as usize).div_ceil(8))?;
    let end = id.len() + count;
    // Three bytes are four letters.
    for bytes in packed.chunks(3) {
        let [a, b, c] = [0, 1, 2].map(|at| bytes.get(at).copied().unwrap_or_default());
        let mut bits = u32::from_be_bytes([a, b, c, 0]);
        for _ in 0..4.min(end - id.len()) {
            let code = (bits >> (u32::BITS - LETTER_BITS)) as usize;
            id.push(*LETTERS.get(code).ok_or(Malformed)?);
            bits <<= LETTER_BITS;
        }
        // What is left over says nothing, so that packed letters have one form.
        if bits != 0 {
            return Err(Malformed);
        }
    }
    Ok(())
}

/// Its place among the letters.
const fn letter_code(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'-' => Some(62),
        b'_' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::borrow::ToOwned;

    fn written(before: &str, id: &str) -> Vec<u8> {
        let mut out = Vec::new();
        write_id(&mut out, before, id);
        let mut input = Input::new(&out);
        assert_eq!(read_id(&mut input, before).as_deref(), Ok(id));
        assert!(input.is_at_end());
        out
    }

    #[test]
    fn letters_are_what_their_codes_say() {
        for (code, letter) in (0..).zip(LETTERS) {
            assert_eq!(letter_code(*letter), Some(code));
        }
        let others = (0..=u8::MAX).filter(|byte| !LETTERS.contains(byte));
        assert_eq!(others.filter_map(letter_code).count(), 0);
    }

    #[test]
    fn a_random_id_takes_six_bits_a_letter() {
        let random = "V1StGXR8_Z5jdHi6B-myT";
        let id = alloc::format!("shape:{random}");
        let packed = written("", &id);
        assert_eq!(packed[..8], *b"\x41\xD5shape:");
        assert_eq!(packed.len(), 8 + 16);
        // After another of its kind, too.
        assert_eq!(written("shape:V1St", &id)[..2], [0x41 + 10, 17]);
        assert_eq!(written("shape:V1St", &id).len(), 2 + 13);
    }

    #[test]
    fn what_is_no_shorter_packed_stands_as_it_is() {
        assert_eq!(written("", "abcd"), *b"\x00\x04abcd");
        assert_eq!(written("", "aAz9-"), [0x41, 5, 0x68, 0x0C, 0xFD, 0xF8]);
        assert_eq!(written("", "page:page"), *b"\x00\x09page:page");
        assert_eq!(written("", ""), *b"\x00\x00");
        assert_eq!(written("same", "same"), *b"\x04\x00");
        // Of all that stands before letters three bits tell the length, and five that of the letters.
        assert_eq!(written("", "binding:abcdefgh")[..2], [0, 16]);
        assert_eq!(written("", "bindin:abcdefgh")[..2], [0x41, 7 << 5 | 8]);
        let letters = "abcdefghijklmnopqrstuvwxyz0123456789";
        for (len, begin) in [(31, [0x41, 31]), (32, [0x41, 1 << 5 | 31]), (38, [0x41, 7 << 5 | 31])]
        {
            assert_eq!(written("", &letters.repeat(2)[..len])[..2], begin, "{len}");
        }
        assert_eq!(written("", &letters.repeat(2)[..39])[..2], [0, 39]);
        // Umlauts are no letters here.
        written("", "ä:abcdefgh");
        written("ä:abcdefgh", "ö:abcdefgh");
    }

    #[test]
    fn ids_of_every_length_are_read_back() {
        let text = "ä:a-Z_09:b/cdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        for from in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
            for to in from..=text.len() {
                let Some(id) = text.get(from..to) else { continue };
                for shared in 0..=id.len() {
                    written(id.get(..shared).unwrap_or_default(), id);
                }
            }
        }
    }

    #[test]
    fn packed_letters_have_one_form() {
        let read = |bytes: &[u8]| read_id(&mut Input::new(bytes), "");
        assert_eq!(read(b"\x41\x01\x04").as_deref(), Ok("B"));
        assert_eq!(read(b"\x41\x01\x05"), Err(Malformed));
        assert_eq!(read(b"\x41\x04\x00\x10\x83").as_deref(), Ok("ABCD"));
        assert_eq!(read(b"\x41\x04\x00\x10"), Err(Malformed));
        assert_eq!(read(b"\x41\x20"), Err(Malformed));
        assert_eq!(read(b"\x41"), Err(Malformed));
        // They follow no more shared bytes than anything.
        let before = "a".repeat(65);
        let after = |bytes: &[u8]| read_id(&mut Input::new(bytes), &before);
        assert_eq!(after(b"\x81\x01\x01\x04"), Ok(before[..64].to_owned() + "B"));
        assert_eq!(after(b"\x82\x01\x01\x04"), Err(Malformed));
    }
}
