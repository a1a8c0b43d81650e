//! How diffs become values, for whoever keeps them as JSON of another form than the wire's.

use crate::diff::{NetworkDiff, ObjectDiff, RecordOp, ValueOp};
use crate::value::{Object, Value};
use alloc::vec;

impl NetworkDiff {
    /// The diff as the value whose JSON the wire carries.
    pub(crate) fn to_value(&self) -> Value {
        let ops = self.iter().map(|(id, op)| (id.as_str(), op.to_value()));
        Value::from(ops.collect::<Object>())
    }

    /// Reads what [`Self::to_value`] gives.
    pub(crate) fn from_value(value: &Value) -> Option<Self> {
        alloc::format!("{value}").parse().ok()
    }
}

impl RecordOp {
    /// The op as the value whose JSON the wire carries.
    pub(crate) fn to_value(&self) -> Value {
        Value::from(match self {
            Self::Put(record) => vec!["put".into(), record.clone().into()],
            Self::Patch(diff) => vec!["patch".into(), diff.to_value()],
            Self::Remove => vec!["remove".into()],
        })
    }
}

impl ObjectDiff {
    fn to_value(&self) -> Value {
        Value::from(self.iter().map(|(key, op)| (key.clone(), op.to_value())).collect::<Object>())
    }
}

impl ValueOp {
    fn to_value(&self) -> Value {
        // An offset is the length of something that there is, so it fits.
        let offset = |offset: usize| Value::from(u64::try_from(offset).unwrap_or(u64::MAX));
        Value::from(match self {
            Self::Put(value) => vec!["put".into(), value.clone()],
            Self::Patch(diff) => vec!["patch".into(), diff.to_value()],
            Self::AppendText { suffix, offset: at } => {
                vec!["append".into(), suffix.clone().into(), offset(*at)]
            }
            Self::AppendItems { items, offset: at } => {
                vec!["append".into(), items.clone().into(), offset(*at)]
            }
            Self::Delete => vec!["delete".into()],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_diff_as_a_value_is_written_and_read_as_on_the_wire() {
        let text = r#"{"a":["put",{"id":"a"}],"b":["patch",{"d":["delete"],"i":["append",[1],2],"o":["patch",{"x":["put",null]}],"t":["append","é",3]}],"c":["remove"]}"#;
        let diff: NetworkDiff = text.parse().unwrap();
        assert_eq!(diff.to_value().to_string(), text);
        assert_eq!(NetworkDiff::from_value(&diff.to_value()), Some(diff));
        assert_eq!(NetworkDiff::from_value(&Value::Null), None);
    }
}
