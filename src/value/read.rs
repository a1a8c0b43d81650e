//! How JSON text is read: once over, within caps, and with the lone surrogates of JavaScript.

use super::again::Model;
use super::key_lists::KeyLists;
use super::{Array, Number, Text, Value, plain_len};
use crate::error::{JsonError, JsonProblem};
use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

/// How deep values may nest when nobody asks for less.
pub(crate) const DEFAULT_DEPTH: usize = 100;

/// So many digits always fit into 64 bits.
const MOST_DIGITS: usize = 19;

/// Reads JSON from the front of a text.
///
/// Half of a surrogate pair, which a JavaScript peer writes as an escape since UTF-8 has no form for
/// it, is read as U+FFFD: one UTF-16 unit as well, so offsets stay right.
pub(crate) struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    pub(super) key_lists: KeyLists,
    /// Where in the lists of keys the key is at which the next value stands.
    pub(super) around: Option<usize>,
    /// The last object at each place in the lists of keys, the first of those at none.
    pub(super) models: Vec<Model<'a>>,
    /// The values of all arrays and objects that are under way, so that each is allocated once, in its
    /// size.
    pub(super) values: Vec<Value>,
    /// The values of all objects that are under way that are not those of their models, each with the
    /// number of its member.
    pub(super) changes: Vec<(usize, Value)>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            key_lists: KeyLists::default(),
            around: None,
            models: Vec::new(),
            values: Vec::new(),
            changes: Vec::new(),
        }
    }

    /// Reads all of `text` with `read`.
    pub(crate) fn read<T, E: From<JsonError>>(
        text: &'a str,
        read: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut reader = Self::new(text);
        let value = read(&mut reader)?;
        match reader.token() {
            None => Ok(value),
            Some(_) => Err(reader.error(JsonProblem::Expected("the end")).into()),
        }
    }

    /// A value of at most so many nested levels.
    pub(crate) fn value(&mut self, levels: usize) -> Result<Value, JsonError> {
        match self.token() {
            Some(b'"') => Ok(Value::String(Text::from(&*self.string()?))),
            Some(b'{') => self.object(levels).map(Value::Object),
            Some(b'[') => self.array(levels).map(Value::Array),
            Some(b'-' | b'0'..=b'9') => self.number().map(Value::Number),
            Some(b't') => self.word("true").map(|()| Value::Bool(true)),
            Some(b'f') => self.word("false").map(|()| Value::Bool(false)),
            Some(b'n') => self.word("null").map(|()| Value::Null),
            Some(_) | None => Err(self.error(JsonProblem::Expected("a value"))),
        }
    }

    fn array(&mut self, levels: usize) -> Result<Array, JsonError> {
        let inner = self.inside(levels)?;
        let first = self.values.len();
        self.items(|reader| {
            let value = reader.value(inner)?;
            reader.values.push(value);
            Ok::<_, JsonError>(())
        })?;
        Ok(self.values.drain(first..).collect())
    }

    /// Passes over a value, however deep, and returns its text.
    pub(crate) fn skip(&mut self) -> Result<&'a str, JsonError> {
        self.token();
        let from = self.at;
        // What ends each object and array that is under way.
        let mut open = Vec::new();
        loop {
            match self.token() {
                Some(b'{') => {
                    self.at += 1;
                    if !self.take(b'}') {
                        self.key()?;
                        open.push(b'}');
                        continue;
                    }
                }
                Some(b'[') => {
                    self.at += 1;
                    if !self.take(b']') {
                        open.push(b']');
                        continue;
                    }
                }
                Some(b'"') => drop(self.string()?),
                Some(_) | None => drop(self.value(0)?),
            }
            loop {
                let Some(end) = open.last().copied() else {
                    return Ok(self.text.get(from..self.at).unwrap_or_default());
                };
                if self.take(b',') {
                    if end == b'}' {
                        self.key()?;
                    }
                    break;
                }
                self.expect(end, "a comma or the end of an object or array")?;
                open.pop();
            }
        }
    }

    /// How many levels may still stand inside of one of `levels`.
    pub(crate) fn inside(&self, levels: usize) -> Result<usize, JsonError> {
        levels.checked_sub(1).ok_or_else(|| self.error(JsonProblem::TooDeep))
    }

    /// An object, of which `member` reads the value at each key.
    pub(crate) fn members<E: From<JsonError>>(
        &mut self,
        mut member: impl FnMut(&mut Self, Cow<'a, str>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.expect(b'{', "an object")?;
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            let key = self.key()?;
            member(self, key)?;
            if !self.take(b',') {
                return Ok(self.expect(b'}', "a comma or a closing brace")?);
            }
        }
    }

    pub(super) fn key(&mut self) -> Result<Cow<'a, str>, JsonError> {
        let key = self.string()?;
        self.expect(b':', "a colon")?;
        Ok(key)
    }

    /// An array, of which `item` reads each.
    pub(crate) fn items<E: From<JsonError>>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.expect(b'[', "an array")?;
        if self.take(b']') {
            return Ok(());
        }
        loop {
            item(self)?;
            if !self.take(b',') {
                return Ok(self.expect(b']', "a comma or a closing bracket")?);
            }
        }
    }

    /// Whether `null` stood here, which is passed over then.
    pub(crate) fn take_null(&mut self) -> Result<bool, JsonError> {
        let is_null = self.token() == Some(b'n');
        if is_null {
            self.word("null")?;
        }
        Ok(is_null)
    }

    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>, JsonError> {
        self.expect(b'"', "a string")?;
        let from = self.at;
        self.at += plain_len(self.rest());
        let plain = self.text.get(from..self.at).unwrap_or_default();
        if self.peek() == Some(b'"') {
            self.at += 1;
            return Ok(Cow::Borrowed(plain));
        }
        self.escaped(String::from(plain)).map(Cow::Owned)
    }

    /// The rest of a string, of which `text` was read before its first escape.
    #[cold]
    fn escaped(&mut self, mut text: String) -> Result<String, JsonError> {
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => text.push(self.escape()?),
                Some(_) => return Err(self.error(JsonProblem::ControlCharacter)),
                None => return Err(self.error(JsonProblem::Expected("a closing quote"))),
            }
            let from = self.at;
            self.at += plain_len(self.rest());
            text.push_str(self.text.get(from..self.at).unwrap_or_default());
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        let character = match self.rest().get(1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{C}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            Some(_) | None => return Err(self.error(JsonProblem::BadEscape)),
        };
        self.at += 2;
        Ok(character)
    }

    /// A character by its number, or by those of its two surrogates.
    fn unicode_escape(&mut self) -> Result<char, JsonError> {
        let unit = self.unit_at(self.at).ok_or_else(|| self.error(JsonProblem::BadEscape))?;
        self.at += 6;
        if let Some(low) = self.unit_at(self.at)
            && let Some(Ok(character)) = char::decode_utf16([unit, low]).next()
            && character > '\u{FFFF}'
        {
            self.at += 6;
            return Ok(character);
        }
        Ok(char::from_u32(unit.into()).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    /// The UTF-16 unit that an escape at `at` stands for, if there is one.
    fn unit_at(&self, at: usize) -> Option<u16> {
        let digits = self.text.get(at..at + 6)?.strip_prefix("\\u")?;
        let all_digits = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        all_digits.then(|| u16::from_str_radix(digits, 16).ok())?
    }

    pub(crate) fn number(&mut self) -> Result<Number, JsonError> {
        self.token();
        let from = self.at;
        let is_negative = self.peek() == Some(b'-');
        self.at += usize::from(is_negative);
        // The digits before and after the point as one number, if they fit.
        let mut digits = 0;
        let begins_with_zero = self.peek() == Some(b'0');
        let whole = self.digits(&mut digits);
        let mut is_number = whole > 0 && !(begins_with_zero && whole > 1);
        let mut fraction = 0;
        if self.peek() == Some(b'.') {
            self.at += 1;
            fraction = self.digits(&mut digits);
            is_number &= fraction > 0;
        }
        let has_exponent = matches!(self.peek(), Some(b'e' | b'E'));
        if has_exponent {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            is_number &= self.digits(&mut 0) > 0;
        }
        if !is_number {
            return Err(self.error(JsonProblem::Expected("a digit")));
        }
        let fits = whole + fraction <= MOST_DIGITS && !has_exponent;
        if let Some(number) = fits.then(|| exactly(is_negative, digits, fraction)).flatten() {
            return Ok(number);
        }
        let text = self.text.get(from..self.at).unwrap_or_default();
        let number = text.parse().ok().and_then(Number::from_f64);
        number.ok_or_else(|| self.error(JsonProblem::NumberOutOfRange))
    }

    /// Passes over digits and appends them to `number`. Returns how many there were.
    fn digits(&mut self, number: &mut u64) -> usize {
        let is_digit = |byte: &&u8| byte.is_ascii_digit();
        let mut count = 0;
        for digit in self.rest().iter().take_while(is_digit) {
            *number = number.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            count += 1;
        }
        self.at += count;
        count
    }

    pub(crate) fn boolean(&mut self) -> Result<bool, JsonError> {
        let bool = self.value(0)?.as_bool();
        bool.ok_or_else(|| self.error(JsonProblem::Expected("a boolean")))
    }

    fn word(&mut self, word: &str) -> Result<(), JsonError> {
        if !self.rest().starts_with(word.as_bytes()) {
            return Err(self.error(JsonProblem::Expected("a value")));
        }
        self.at += word.len();
        Ok(())
    }

    #[inline]
    pub(crate) fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), JsonError> {
        if self.take(byte) { Ok(()) } else { Err(self.error(JsonProblem::Expected(what))) }
    }

    /// Whether `byte` stands next, which is passed over then.
    #[inline]
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let is_next = self.token() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// The next byte that is no white space. All before it is passed over.
    #[inline]
    pub(crate) fn token(&mut self) -> Option<u8> {
        loop {
            match self.peek() {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                other => return other,
            }
        }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline]
    pub(super) fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// A fault where the reader stands.
    pub(crate) const fn error(&self, problem: JsonProblem) -> JsonError {
        JsonError { problem, at: self.at }
    }
}

/// The number of these digits with so many of them after the point, where that takes no rounding
/// but of a last division.
fn exactly(is_negative: bool, digits: u64, fraction: usize) -> Option<Number> {
    /// The powers of ten that a double holds exactly.
    const POWERS: [f64; 23] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
        1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ];
    let signed =
        if is_negative { 0_i64.checked_sub_unsigned(digits) } else { digits.try_into().ok() }?;
    if fraction == 0 {
        return Some(Number::from(signed));
    }
    if digits > 1 << 53 {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "it is at most 2^53")]
    Number::from_f64(signed as f64 / POWERS.get(fraction)?)
}
