//! How what an application has becomes a value, without going through text.

use super::read::DEFAULT_DEPTH;
use super::to_key::ToKey;
use super::{Array, Number, Object, Text, Value, ValueError};
use crate::ids::Key;
use alloc::format;
use alloc::vec::Vec;
use serde::ser::{self, Serialize, Serializer};

/// The value that JSON text of `data` would have.
///
/// Keys of maps are strings, as in JSON: integers, booleans, characters and variants without data are
/// written out. What is `None` becomes `null`; leave it out with serde's `skip_serializing_if`.
///
/// ```
/// use roomsync::{Value, to_value};
///
/// #[derive(serde::Serialize)]
/// struct Point { x: f64, label: Option<&'static str> }
///
/// let value = to_value(&[Point { x: 0.5, label: None }])?;
/// assert_eq!(value.to_string(), r#"[{"label":null,"x":0.5}]"#);
/// assert_eq!(to_value(&[f64::NAN]).unwrap_err().path(), "[0]");
/// # Ok::<(), roomsync::ValueError>(())
/// ```
///
/// # Errors
///
/// When it holds what no value can: a number that is not finite, an integer that a value cannot hold
/// exactly, a key that is no string or is `__proto__`, or more than 100 arrays and objects inside
/// one another. Whatever the type itself finds wrong is an error too.
pub fn to_value<T: Serialize + ?Sized>(data: &T) -> Result<Value, ValueError> {
    data.serialize(ToValue { levels: DEFAULT_DEPTH })
}

/// Writes a value of at most so many nested arrays and objects.
#[derive(Clone, Copy)]
struct ToValue {
    levels: usize,
}

impl ToValue {
    fn inner(self) -> Result<Self, ValueError> {
        let levels = self.levels.checked_sub(1);
        levels.map(|levels| Self { levels }).ok_or_else(|| ValueError::new("nested too deeply"))
    }

    /// What writes the content of a variant, which stands in an object under the variant's name.
    fn content(self, variant: &'static str) -> Result<(Self, Option<&'static str>), ValueError> {
        Ok((self.inner()?, Some(variant)))
    }

    fn items(self, variant: Option<&'static str>, capacity: usize) -> Result<Items, ValueError> {
        // A length is only a hint, and may come from anywhere.
        let items = Vec::with_capacity(capacity.min(1024));
        Ok(Items { items, variant, inner: self.inner()? })
    }

    fn fields(self, variant: Option<&'static str>) -> Result<Fields, ValueError> {
        Ok(Fields { fields: Vec::new(), key: None, variant, inner: self.inner()? })
    }
}

/// `value`, or an object with it under the variant's name.
fn in_variant(variant: Option<&'static str>, value: Value) -> Value {
    match variant {
        Some(variant) => Value::Object([(variant, value)].into_iter().collect()),
        None => value,
    }
}

/// The error, seen from outside of the variant.
fn error_in_variant(variant: Option<&'static str>, error: ValueError) -> ValueError {
    match variant {
        Some(variant) => error.in_field(variant),
        None => error,
    }
}

/// An array that is being written.
struct Items {
    items: Vec<Value>,
    variant: Option<&'static str>,
    inner: ToValue,
}

impl Items {
    fn push<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), ValueError> {
        let item = item.serialize(self.inner);
        self.items.push(
            item.map_err(|error| error_in_variant(self.variant, error.in_item(self.items.len())))?,
        );
        Ok(())
    }

    fn finish(self) -> Value {
        in_variant(self.variant, Value::Array(Array::from(self.items)))
    }
}

/// An object that is being written.
struct Fields {
    fields: Vec<(Key, Value)>,
    /// A key whose value is still to come.
    key: Option<Key>,
    variant: Option<&'static str>,
    inner: ToValue,
}

impl Fields {
    fn push<T: Serialize + ?Sized>(&mut self, key: Key, value: &T) -> Result<(), ValueError> {
        if !Object::stores(&key) {
            return Err(ValueError::new(format!("the key `{key}` cannot be stored")));
        }
        let value = value
            .serialize(self.inner)
            .map_err(|error| error_in_variant(self.variant, error.in_field(&key)))?;
        self.fields.push((key, value));
        Ok(())
    }

    fn finish(self) -> Value {
        in_variant(self.variant, Value::Object(self.fields.into_iter().collect()))
    }
}

fn inexact(int: impl core::fmt::Display) -> ValueError {
    ValueError::new(format!("the integer {int} has no exact number"))
}

impl Serializer for ToValue {
    type Ok = Value;
    type Error = ValueError;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Items;
    type SerializeMap = Fields;
    type SerializeStruct = Fields;
    type SerializeStructVariant = Fields;

    fn serialize_bool(self, bool: bool) -> Result<Value, ValueError> {
        Ok(Value::Bool(bool))
    }

    fn serialize_i8(self, int: i8) -> Result<Value, ValueError> {
        self.serialize_i64(int.into())
    }

    fn serialize_i16(self, int: i16) -> Result<Value, ValueError> {
        self.serialize_i64(int.into())
    }

    fn serialize_i32(self, int: i32) -> Result<Value, ValueError> {
        self.serialize_i64(int.into())
    }

    fn serialize_i64(self, int: i64) -> Result<Value, ValueError> {
        Ok(Value::from(int))
    }

    fn serialize_i128(self, int: i128) -> Result<Value, ValueError> {
        match (i64::try_from(int), u64::try_from(int)) {
            (Ok(int), _) => self.serialize_i64(int),
            (Err(_), Ok(int)) => self.serialize_u64(int),
            (Err(_), Err(_)) => Err(inexact(int)),
        }
    }

    fn serialize_u8(self, int: u8) -> Result<Value, ValueError> {
        self.serialize_i64(int.into())
    }

    fn serialize_u16(self, int: u16) -> Result<Value, ValueError> {
        self.serialize_i64(int.into())
    }

    fn serialize_u32(self, int: u32) -> Result<Value, ValueError> {
        self.serialize_i64(int.into())
    }

    fn serialize_u64(self, int: u64) -> Result<Value, ValueError> {
        let number = Number::from(int);
        if number.as_u64() == Some(int) { Ok(Value::Number(number)) } else { Err(inexact(int)) }
    }

    fn serialize_u128(self, int: u128) -> Result<Value, ValueError> {
        u64::try_from(int).map_err(|_| inexact(int)).and_then(|int| self.serialize_u64(int))
    }

    fn serialize_f32(self, float: f32) -> Result<Value, ValueError> {
        self.serialize_f64(float.into())
    }

    fn serialize_f64(self, float: f64) -> Result<Value, ValueError> {
        let number = Number::from_f64(float);
        number.map(Value::Number).ok_or_else(|| ValueError::new(format!("{float} is no number")))
    }

    fn serialize_char(self, char: char) -> Result<Value, ValueError> {
        self.serialize_str(char.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, text: &str) -> Result<Value, ValueError> {
        Ok(Value::String(Text::from(text)))
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<Value, ValueError> {
        self.inner()?;
        Ok(Value::Array(bytes.iter().map(|&byte| Value::from(u32::from(byte))).collect()))
    }

    fn serialize_none(self) -> Result<Value, ValueError> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, ValueError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value, ValueError> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, ValueError> {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Value, ValueError> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Value, ValueError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, ValueError> {
        let value = value.serialize(self.inner()?).map_err(|error| error.in_field(variant))?;
        Ok(in_variant(Some(variant), value))
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Items, ValueError> {
        self.items(None, len.unwrap_or(0))
    }

    fn serialize_tuple(self, len: usize) -> Result<Items, ValueError> {
        self.items(None, len)
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Items, ValueError> {
        self.items(None, len)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Items, ValueError> {
        let (content, variant) = self.content(variant)?;
        content.items(variant, len)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Fields, ValueError> {
        self.fields(None)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Fields, ValueError> {
        self.fields(None)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Fields, ValueError> {
        let (content, variant) = self.content(variant)?;
        content.fields(variant)
    }
}

macro_rules! items {
    ($($compound:ident $method:ident),*) => { $(
        impl ser::$compound for Items {
            type Ok = Value;
            type Error = ValueError;

            fn $method<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), ValueError> {
                self.push(item)
            }

            fn end(self) -> Result<Value, ValueError> {
                Ok(self.finish())
            }
        }
    )* };
}

items! {
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field
}

macro_rules! fields {
    ($($compound:ident),*) => { $(
        impl ser::$compound for Fields {
            type Ok = Value;
            type Error = ValueError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), ValueError> {
                self.push(Key::from(key), value)
            }

            fn end(self) -> Result<Value, ValueError> {
                Ok(self.finish())
            }
        }
    )* };
}

fields!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for Fields {
    type Ok = Value;
    type Error = ValueError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), ValueError> {
        self.key = Some(key.serialize(ToKey)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
        let key = self.key.take().ok_or_else(|| ValueError::new("a value without a key"))?;
        self.push(key, value)
    }

    fn end(self) -> Result<Value, ValueError> {
        Ok(self.finish())
    }
}
