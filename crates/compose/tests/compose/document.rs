//! Customization documents of the tests.

use temper_compose::Recipe;
use temper_spec::Customization;
use temper_spec::customization::TagLine;

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

/// Returns recipe, destination and tags of the only target.
pub(crate) fn recipe(document: &Customization) -> (Recipe, String, Vec<String>) {
    let target = &document.targets[0];
    let TagLine::Tags(tags) = target.line() else { panic!("tests name tags, not definitions") };
    let tags = tags.into_iter().map(|tag| document.tag_for(tag)).collect();
    (Recipe::from(document), target.destination.clone(), tags)
}
