//! How the key of an application's map becomes the key of an object.

use super::ValueError;
use crate::ids::Key;
use alloc::format;
use serde::ser::{Impossible, Serialize, Serializer};

/// Writes the key of a map.
pub(super) struct ToKey;

impl ToKey {
    fn refuse<T>(what: &str) -> Result<T, ValueError> {
        Err(ValueError::new(format!("a key of an object is a string, not {what}")))
    }
}

macro_rules! written_out {
    ($($method:ident $of:ty),*) => { $(
        fn $method(self, key: $of) -> Result<Key, ValueError> {
            Ok(Key::from(format!("{key}")))
        }
    )* };
}

impl Serializer for ToKey {
    type Ok = Key;
    type Error = ValueError;
    type SerializeSeq = Impossible<Key, ValueError>;
    type SerializeTuple = Impossible<Key, ValueError>;
    type SerializeTupleStruct = Impossible<Key, ValueError>;
    type SerializeTupleVariant = Impossible<Key, ValueError>;
    type SerializeMap = Impossible<Key, ValueError>;
    type SerializeStruct = Impossible<Key, ValueError>;
    type SerializeStructVariant = Impossible<Key, ValueError>;

    written_out! {
        serialize_bool bool, serialize_char char,
        serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64,
        serialize_i128 i128,
        serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64,
        serialize_u128 u128
    }

    fn serialize_str(self, key: &str) -> Result<Key, ValueError> {
        Ok(Key::from(key))
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Key, ValueError> {
        Ok(Key::from(variant))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        key: &T,
    ) -> Result<Key, ValueError> {
        key.serialize(self)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, key: &T) -> Result<Key, ValueError> {
        key.serialize(self)
    }

    fn serialize_f32(self, _: f32) -> Result<Key, ValueError> {
        Self::refuse("a float")
    }

    fn serialize_f64(self, _: f64) -> Result<Key, ValueError> {
        Self::refuse("a float")
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<Key, ValueError> {
        Self::refuse("bytes")
    }

    fn serialize_none(self) -> Result<Key, ValueError> {
        Self::refuse("nothing")
    }

    fn serialize_unit(self) -> Result<Key, ValueError> {
        Self::refuse("nothing")
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Key, ValueError> {
        Self::refuse("nothing")
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<Key, ValueError> {
        Self::refuse("a variant with data")
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, ValueError> {
        Self::refuse("a sequence")
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, ValueError> {
        Self::refuse("a tuple")
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, ValueError> {
        Self::refuse("a tuple")
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, ValueError> {
        Self::refuse("a variant with data")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, ValueError> {
        Self::refuse("a map")
    }

    fn serialize_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStruct, ValueError> {
        Self::refuse("a struct")
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, ValueError> {
        Self::refuse("a variant with data")
    }
}
