//! How a value is read as what an application has, without going through text.

use super::{Array, Number, Object, Value, ValueError};
use crate::ids::Key;
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor,
};
use serde::{Deserialize, forward_to_deserialize_any};

/// Reads `value` as a `T`, as if from its JSON text. What `T` borrows it borrows from `value`.
///
/// ```
/// use roomsync::{Value, from_value};
///
/// #[derive(serde::Deserialize)]
/// struct Point { x: f64, y: f64 }
///
/// let value: Value = r#"[{"x":1,"y":2.5},{"x":"one","y":2}]"#.parse()?;
/// let Some([first, _]) = value.as_array().map(|array| &**array) else { panic!() };
/// let point: Point = from_value(first)?;
/// assert_eq!((point.x, point.y), (1.0, 2.5));
///
/// let error = from_value::<Vec<Point>>(&value).map(drop).unwrap_err();
/// assert_eq!(error.to_string(), "at `[1].x`: invalid type: string \"one\", expected f64");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// When `value` is none of type `T`.
pub fn from_value<'de, T: Deserialize<'de>>(value: &'de Value) -> Result<T, ValueError> {
    T::deserialize(value)
}

/// Reads an object as a struct that need not know of `field`.
pub(crate) struct PassingOver<'de> {
    pub(crate) object: &'de Object,
    pub(crate) field: &'static str,
}

impl<'de> Deserializer<'de> for PassingOver<'de> {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_map(Fields::of(self.object, None))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        let passed_over = (!fields.contains(&self.field)).then_some(self.field);
        visitor.visit_map(Fields::of(self.object, passed_over))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        option unit unit_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

impl<'de> Deserializer<'de> for &'de Value {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self {
            Value::Null => visitor.visit_unit(),
            Value::Bool(bool) => visitor.visit_bool(*bool),
            Value::Number(number) => read_number(*number, visitor),
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Array(array) => read_array(array, visitor),
            Value::Object(object) => visitor.visit_map(Fields::of(object, None)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self {
            Value::Null => visitor.visit_none(),
            Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_) => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        let refused = |unexpected| {
            Err(ValueError::invalid_type(unexpected, &"a variant's name, alone or as the only key"))
        };
        match self {
            Value::String(name) => visitor.visit_enum(Variant { name, content: None }),
            Value::Object(object) => {
                let mut fields = object.iter();
                match (fields.next(), fields.next()) {
                    (Some((name, content)), None) => {
                        visitor.visit_enum(Variant { name, content: Some(content) })
                    }
                    (None, _) | (Some(_), Some(_)) => refused(Unexpected::Map),
                }
            }
            Value::Null => refused(Unexpected::Unit),
            Value::Bool(bool) => refused(Unexpected::Bool(*bool)),
            Value::Number(number) => refused(Unexpected::Float(number.as_f64())),
            Value::Array(_) => refused(Unexpected::Seq),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map struct identifier
    }
}

fn read_number<'de, V: Visitor<'de>>(number: Number, visitor: V) -> Result<V::Value, ValueError> {
    match (number.as_i64(), number.as_u64()) {
        (Some(int), None) => visitor.visit_i64(int),
        (_, Some(int)) => visitor.visit_u64(int),
        (None, None) => visitor.visit_f64(number.as_f64()),
    }
}

fn read_array<'de, V: Visitor<'de>>(array: &'de Array, visitor: V) -> Result<V::Value, ValueError> {
    let mut items = Items { all: array, read: 0 };
    let read = visitor.visit_seq(&mut items)?;
    if items.read < array.len() {
        return Err(ValueError::invalid_length(array.len(), &"fewer items"));
    }
    Ok(read)
}

/// The items of an array that are still to be read.
struct Items<'de> {
    all: &'de [Value],
    read: usize,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = ValueError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ValueError> {
        let Some(item) = self.all.get(self.read) else { return Ok(None) };
        let item = seed.deserialize(item).map_err(|error| error.in_item(self.read))?;
        self.read += 1;
        Ok(Some(item))
    }

    fn size_hint(&self) -> Option<usize> {
        self.all.len().checked_sub(self.read)
    }
}

/// The fields of an object that are still to be read.
struct Fields<'de, I> {
    left: I,
    passed_over: Option<&'static str>,
    /// The field whose key was read and whose value was not.
    open: Option<(&'de Key, &'de Value)>,
}

impl<'de> Fields<'de, ()> {
    fn of(
        object: &'de Object,
        passed_over: Option<&'static str>,
    ) -> impl MapAccess<'de, Error = ValueError> {
        Fields { left: object.iter(), passed_over, open: None }
    }
}

impl<'de, I: Iterator<Item = (&'de Key, &'de Value)>> MapAccess<'de> for Fields<'de, I> {
    type Error = ValueError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ValueError> {
        let passed_over = self.passed_over;
        self.open = self.left.find(|(key, _)| passed_over != Some(key.as_str()));
        let Some((key, _)) = self.open else { return Ok(None) };
        seed.deserialize(FromKey(key)).map(Some).map_err(|error| error.in_field(key))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, ValueError> {
        let open = self.open.take();
        let (key, value) = open.ok_or_else(|| ValueError::new("a value without a key"))?;
        seed.deserialize(value).map_err(|error| error.in_field(key))
    }
}

/// Reads a key: as a string, or as what is written out in it.
struct FromKey<'de>(&'de str);

macro_rules! written_out {
    ($($method:ident $visit:ident $of:ty),*) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
            match self.0.parse::<$of>() {
                Ok(key) => visitor.$visit(key),
                Err(_) => visitor.visit_borrowed_str(self.0),
            }
        }
    )* };
}

impl<'de> Deserializer<'de> for FromKey<'de> {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_borrowed_str(self.0)
    }

    written_out! {
        deserialize_bool visit_bool bool,
        deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16, deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64, deserialize_i128 visit_i128 i128,
        deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16, deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64, deserialize_u128 visit_u128 u128
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        visitor.visit_enum(Variant { name: self.0, content: None })
    }

    forward_to_deserialize_any! {
        f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}

/// A variant of an enum, by its name, with what it holds.
struct Variant<'de> {
    name: &'de str,
    content: Option<&'de Value>,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = ValueError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Self), ValueError> {
        let name: StrDeserializer<'_, ValueError> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> Variant<'de> {
    fn read<T>(
        self,
        read: impl FnOnce(&'de Value) -> Result<T, ValueError>,
    ) -> Result<T, ValueError> {
        let held = self.content.ok_or_else(|| {
            ValueError::invalid_type(Unexpected::UnitVariant, &"a variant with data")
        })?;
        read(held).map_err(|error| error.in_field(self.name))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = ValueError;

    fn unit_variant(self) -> Result<(), ValueError> {
        match self.content {
            None => Ok(()),
            Some(_) => self.read(<()>::deserialize),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<T::Value, ValueError> {
        self.read(|content| seed.deserialize(content))
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        self.read(|content| content.deserialize_tuple(len, visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        self.read(|content| content.deserialize_struct("", fields, visitor))
    }
}
