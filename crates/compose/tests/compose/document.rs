//! Customization documents and definitions of the tests.

use temper_compose::Recipe;
use temper_spec::customization::TagLine;
use temper_spec::{Customization, Definition};

/// Completes a document with what the tests do not care about: name, suffix and target.
pub(crate) fn complete(body: &str) -> String {
    let mut text = String::new();
    if !body.starts_with("name:") {
        text += "name: test\n";
    }
    if !body.contains("targets:") {
        text += "targets: [{destination: acme/app, tag: \"1\"}]\n";
    }
    text + body
}

/// Reads a document that must be good.
pub(crate) fn parse(body: &str) -> Customization {
    let text = complete(body);
    Customization::parse(&text).unwrap_or_else(|problems| panic!("{problems}\n{text}")).value
}

/// The id of every definition.
pub(crate) const DEFINITION_ID: &str = "tool/debian-13/1";

/// Completes a definition with name, image and front end.
pub(crate) fn defined(body: &str) -> String {
    format!("# syntax=example/build:2-debian13\nname: Tool\nimage: acme/tool\ntags: [\"1\"]\n{body}")
}

/// Reads a definition that must be good and buildable; name, image and front end are given.
pub(crate) fn define(body: &str) -> Definition {
    let text = defined(body);
    let definition = Definition::parse(DEFINITION_ID, &text);
    let definition = definition.unwrap_or_else(|problems| panic!("{problems}\n{text}")).value;
    assert_eq!(definition.not_buildable(), [""; 0], "{text}");
    definition
}

/// Returns recipe, destination and tags of the only target.
pub(crate) fn recipe(document: &Customization) -> (Recipe, String, Vec<String>) {
    let target = &document.targets[0];
    let TagLine::Tags(tags) = target.line() else { panic!("tests name tags, not definitions") };
    let tags = tags.into_iter().map(|tag| document.tag_for(tag)).collect();
    (Recipe::from(document), target.destination.clone(), tags)
}
