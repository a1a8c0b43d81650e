//! What the host of random sessions decides, so that it can be seen to be obeyed.

use super::*;

/// Whether somebody who shows `viewer` sees `record`: those of one side see one another.
pub(super) fn sees(viewer: Option<&Object>, record: &Object) -> bool {
    let side = |record: &Object| {
        let x = record.get("x").and_then(crate::Value::as_number).and_then(crate::Number::as_i64);
        x.unwrap_or_default() % 2
    };
    viewer.map_or(0, side) == side(record)
}

/// Whether sessions may make `after` of `before` where the host is strict: they create nothing but
/// what is stamped, change nothing that is worn, and remove nothing that is new.
pub(super) fn is_allowed(before: Option<&Object>, after: Option<&Object>) -> bool {
    let x = |record: &Object| record.get("x").and_then(crate::Value::as_number);
    let is = |record: &Object, n: i32| x(record) == crate::Value::from(n).as_number();
    match (before, after) {
        (None, Some(after)) => after.get("stamp").is_some() && !is(after, 3),
        (Some(before), Some(_)) => !is(before, 3),
        (Some(before), None) => !is(before, 4),
        (None, None) => false,
    }
}

/// What a host that is strict decides of pages.
pub(super) fn strict() -> Authorizer {
    let allow = |is_allowed: bool| if is_allowed { Ok(()) } else { Err(Veto) };
    Authorizer::new()
        .on_create(move |session, mut record| {
            record.insert("stamp", session.session.as_str());
            allow(is_allowed(None, Some(&record))).map(|()| record)
        })
        .on_update(move |_, before, after| allow(is_allowed(Some(before), Some(after))))
        .on_remove(move |_, record| allow(is_allowed(Some(record), None)))
}
