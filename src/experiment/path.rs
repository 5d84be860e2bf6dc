//! Dotted paths into a system: `apps.api.pool.pool_size`. A list's element goes by its name, a kind is passed through.

use serde_json::Value;

use super::diagnose::instead;

/// A path that leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Which of its steps, from 0.
    pub step: usize,
    /// What is wrong.
    pub why: String,
    /// What would be right; may be empty.
    pub help: String,
}

/// Puts `leaf` where `path` leads. A last step that is new to a structure is added to it: whether the structure has
/// such a field is for its reader to say.
pub fn set(system: &mut Value, path: &str, leaf: Value) -> Result<(), Lost> {
    if path.is_empty() {
        return Err(Lost { step: 0, why: "there is no path".into(), help: "write path=value, such as apps.api.workers=4".into() });
    }
    let steps: Vec<&str> = path.split('.').collect();
    let (last, way) = steps.split_last().expect("a split has at least one part");
    let mut at = system;
    for (index, step) in way.iter().enumerate() {
        if !can_enter(at, step) {
            return Err(lost(at, &steps, index));
        }
        at = enter(at, step).expect("it was just seen");
    }
    let known = can_enter(at, last);
    if known {
        *enter(at, last).expect("it was just seen") = leaf;
        return Ok(());
    }
    match through_kinds(at) {
        Value::Object(fields) if !last.is_empty() && !way.is_empty() => {
            fields.insert((*last).to_owned(), leaf);
            Ok(())
        }
        at => Err(lost(at, &steps, way.len())),
    }
}

/// The value at the end of `path`.
pub fn get<'a>(system: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(system, look)
}

fn look<'a>(at: &'a Value, step: &str) -> Option<&'a Value> {
    match at {
        Value::Object(fields) => fields.get(step).or_else(|| look(kind_of(at)?.1, step)),
        Value::Array(items) => match position(items, step) {
            Some(index) => items.get(index),
            None => None,
        },
        _ => None,
    }
}

fn can_enter(at: &Value, step: &str) -> bool {
    look(at, step).is_some()
}

fn enter<'a>(at: &'a mut Value, step: &str) -> Option<&'a mut Value> {
    match at {
        Value::Object(fields) => {
            if fields.contains_key(step) {
                return fields.get_mut(step);
            }
            enter(fields.values_mut().next()?, step)
        }
        Value::Array(items) => {
            let index = position(items, step)?;
            items.get_mut(index)
        }
        _ => None,
    }
}

fn position(items: &[Value], step: &str) -> Option<usize> {
    let named = items.iter().position(|item| name(item) == Some(step));
    named.or_else(|| step.parse().ok().filter(|index| *index < items.len()))
}

fn name(item: &Value) -> Option<&str> {
    item.get("name").and_then(Value::as_str)
}

/// A kind with parameters and the parameters: an object of one entry with a capital initial.
fn kind_of(value: &Value) -> Option<(&str, &Value)> {
    let fields = value.as_object().filter(|fields| fields.len() == 1)?;
    fields.iter().next().filter(|(name, _)| name.starts_with(|c: char| c.is_ascii_uppercase())).map(|(name, inner)| (name.as_str(), inner))
}

fn through_kinds(value: &mut Value) -> &mut Value {
    if kind_of(value).is_none() {
        return value;
    }
    let fields = value.as_object_mut().expect("a kind is an object");
    through_kinds(fields.values_mut().next().expect("it has one entry"))
}

fn lost(at: &Value, steps: &[&str], step: usize) -> Lost {
    let found = steps[step];
    let before = steps[..step].join(".");
    let owner = if before.is_empty() { "a system".to_owned() } else { format!("`{before}`") };
    let mut inner = at;
    let mut kind = None;
    while let Some((name, parameters)) = kind_of(inner) {
        (kind, inner) = (Some(name), parameters);
    }
    let owner = kind.map_or(owner.clone(), |kind| format!("{owner} ({kind})"));
    let (why, help) = match inner {
        Value::Object(fields) => {
            let known: Vec<&str> = fields.keys().map(String::as_str).collect();
            (format!("{owner} has no `{found}`"), instead(found, &known))
        }
        Value::Array(items) => {
            let known: Vec<&str> = items.iter().filter_map(name).collect();
            let help = if known.is_empty() {
                format!("its elements are counted from 0 (there are {})", items.len())
            } else {
                instead(found, &known)
            };
            (format!("{owner} has nothing named `{found}`"), help)
        }
        Value::Null => (format!("{owner} is not set, so there is no `{found}` in it"), format!("set `{before}` as a whole")),
        Value::String(word) => (format!("{owner} is {word}, which has no `{found}`"), format!("set `{before}` as a whole")),
        _ => (format!("{owner} is a single value and has no `{found}`"), format!("set `{before}` itself")),
    };
    Lost { step, why, help }
}
