//! Schemas accept the keys that the parser accepts, no more and no less.

use serde_json::{Map, Value, json};

use temper_spec::{Customization, Definition, Problem, schema};

fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    match schema.get("$ref").and_then(Value::as_str) {
        Some(reference) => root.pointer(reference.trim_start_matches('#')).expect(reference),
        None => schema,
    }
}

/// Finds all objects with known keys, by canonical keys from the root.
fn objects(
    root: &Value,
    schema: &Value,
    path: &str,
    place: &dyn Fn(Value) -> Value,
    found: &mut Vec<(String, Value, Map<String, Value>)>,
) {
    let schema = resolve(root, schema);
    if let Some(items) = schema.get("items") {
        objects(root, items, &format!("{path}[]"), &|value| place(json!([value])), found);
    }
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        found.push((path.to_owned(), place(json!("HERE")), properties.clone()));
        for (key, property) in properties {
            if property.get("deprecated").is_none() {
                let inside = format!("{path}.{key}");
                objects(root, property, &inside, &|value| place(json!({ key: value })), found);
            }
        }
    }
}

fn with(document: &Value, inner: &Value) -> Value {
    match document {
        Value::String(text) if text == "HERE" => inner.clone(),
        Value::Array(items) => items.iter().map(|item| with(item, inner)).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(key, value)| (key.clone(), with(value, inner))).collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

fn check(schema: &Value, problems: impl Fn(&str) -> Vec<Problem>, expected_objects: usize) {
    let mut found = Vec::new();
    objects(schema, schema, "", &|value| value, &mut found);
    assert_eq!(
        found.len(),
        expected_objects,
        "{:?}",
        found.iter().map(|(path, ..)| path).collect::<Vec<_>>()
    );
    for (path, document, properties) in found {
        for key in properties.keys() {
            let text = with(&document, &json!({ key: null })).to_string();
            let unknown: Vec<Problem> = problems(&text)
                .into_iter()
                .filter(|problem| problem.message.contains("unknown key"))
                .collect();
            assert_eq!(unknown, [], "{path}: {text}");
        }
        let text = with(&document, &json!({ "no-such-key": null })).to_string();
        let hint = problems(&text)
            .into_iter()
            .find(|problem| problem.message == "unknown key `no-such-key`")
            .and_then(|problem| problem.hint)
            .unwrap_or_else(|| panic!("{path}: {text}"));
        // Where no key is near, the hint lists the parser's canonical keys.
        if let Some(keys) = hint.strip_prefix("known keys: ") {
            let canonical: Vec<&str> = properties
                .iter()
                .filter(|(_, property)| property.get("deprecated").is_none())
                .map(|(key, _)| key.as_str())
                .collect();
            assert_eq!(keys.split(", ").collect::<Vec<_>>(), canonical, "{path}");
        }
    }
}

#[test]
fn customization_keys_are_equal() {
    let problems =
        |text: &str| Customization::parse(text).err().map(|problems| problems.0).unwrap_or_default();
    check(&schema::customization(), problems, 9);
}

#[test]
fn definition_keys_are_equal() {
    let problems =
        |text: &str| Definition::parse("a/b", text).err().map(|problems| problems.0).unwrap_or_default();
    check(&schema::definition(), problems, 30);
}

#[test]
fn keys_are_documented() {
    for schema in [schema::customization(), schema::definition()] {
        let mut found = Vec::new();
        objects(&schema, &schema, "", &|value| value, &mut found);
        for (path, _, properties) in found {
            for (key, property) in properties {
                let description = property.get("description").and_then(Value::as_str).unwrap_or_default();
                assert!(!description.is_empty(), "{path}.{key}");
            }
        }
    }
}
