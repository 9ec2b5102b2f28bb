//! Image configs, edited in place: whatever Temper does not know stays where it was.
//!
//! Follows the [OCI image specification, "Image Configuration"](https://github.com/opencontainers/image-spec/blob/main/config.md).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Digest, Platform};

/// Longest config in bytes.
pub const CONFIG_BYTES_MAX: usize = 4 << 20;

/// Why bytes are no image config.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Longer than [`CONFIG_BYTES_MAX`].
    #[error("image config has {size_bytes} bytes, more than {max}")]
    Length {
        /// Its length.
        size_bytes: usize,
        /// The limit.
        max: usize,
    },
    /// Not a JSON object.
    #[error("image config is no JSON object")]
    Json(#[source] serde_json::Error),
    /// A field has another type than the specification says, or is missing.
    #[error("field `{field}` of the image config is not {expected}")]
    Field {
        /// Path of the field, as in `config.Env`.
        field: &'static str,
        /// What it should be.
        expected: &'static str,
    },
}

/// One entry of the history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// When, as RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// By which command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// What else is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Whether no layer belongs to it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub empty_layer: bool,
    /// Everything else, as it was.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A typed view of the raw JSON. What the view names has been checked; setters keep the order of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageConfig {
    root: Map<String, Value>,
    diff_ids: Vec<Digest>,
    history: Vec<HistoryEntry>,
}

impl ImageConfig {
    /// Makes the config of an image without layers.
    pub fn new(platform: &Platform) -> Self {
        let mut root = Map::new();
        root.insert("architecture".to_owned(), platform.architecture.clone().into());
        root.insert("os".to_owned(), platform.os.clone().into());
        if let Some(variant) = &platform.variant {
            root.insert("variant".to_owned(), variant.clone().into());
        }
        let mut config = Self { root, diff_ids: Vec::new(), history: Vec::new() };
        config.set_diff_ids(Vec::new());
        config
    }

    /// Parses a config and checks every field that this type reads.
    pub fn parse(bytes: &[u8]) -> Result<Self, ConfigError> {
        if bytes.len() > CONFIG_BYTES_MAX {
            return Err(ConfigError::Length { size_bytes: bytes.len(), max: CONFIG_BYTES_MAX });
        }
        let root: Map<String, Value> = serde_json::from_slice(bytes).map_err(ConfigError::Json)?;
        for (field, is_required) in
            [("architecture", true), ("os", true), ("variant", false), ("created", false)]
        {
            check(field, "a text", root.get(field), is_required, Value::is_string)?;
        }
        check("config", "an object", root.get("config"), false, Value::is_object)?;
        check_run_fields(root.get("config"))?;
        let rootfs: Option<RootFs> = root.get("rootfs").and_then(|value| RootFs::deserialize(value).ok());
        let expected = "an object with the digests of the layers";
        let rootfs = rootfs.ok_or(ConfigError::Field { field: "rootfs", expected })?;
        let history = Option::deserialize(root.get("history").unwrap_or(&Value::Null));
        let history =
            history.map_err(|_| ConfigError::Field { field: "history", expected: "a list of entries" })?;
        let diff_ids = rootfs.diff_ids.unwrap_or_default();
        Ok(Self { root, diff_ids, history: history.unwrap_or_default() })
    }

    /// Returns the bytes to store: compact JSON, keys in their order.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(&self.root).expect("a JSON value has string keys only")
    }

    /// Returns the platform in its one form.
    pub fn platform(&self) -> Platform {
        Platform::new(self.os(), self.architecture(), self.variant())
    }

    /// Returns the architecture in Go's words.
    pub fn architecture(&self) -> &str {
        self.root.get("architecture").and_then(Value::as_str).unwrap_or_default()
    }

    /// Returns the operating system in Go's words.
    pub fn os(&self) -> &str {
        self.root.get("os").and_then(Value::as_str).unwrap_or_default()
    }

    /// Returns the architecture's variant as written.
    pub fn variant(&self) -> Option<&str> {
        self.root.get("variant").and_then(Value::as_str)
    }

    /// Returns when the image was made, as RFC 3339 text.
    pub fn created(&self) -> Option<&str> {
        self.root.get("created").and_then(Value::as_str)
    }

    /// Says when the image was made, as RFC 3339 text.
    pub fn set_created(&mut self, created: &str) {
        self.root.insert("created".to_owned(), created.into());
    }

    /// Returns the environment as `KEY=value` texts.
    pub fn env(&self) -> Vec<String> {
        self.list("Env").unwrap_or_default()
    }

    /// Replaces the environment.
    pub fn set_env(&mut self, env: &[String]) {
        self.set_list("Env", Some(env).filter(|env| !env.is_empty()));
    }

    /// Returns the entrypoint's words; an empty list is none.
    pub fn entrypoint(&self) -> Option<Vec<String>> {
        self.list("Entrypoint").filter(|words| !words.is_empty())
    }

    /// Replaces or removes the entrypoint.
    pub fn set_entrypoint(&mut self, words: Option<&[String]>) {
        self.set_list("Entrypoint", words);
    }

    /// Returns the default command's words; an empty list is none.
    pub fn cmd(&self) -> Option<Vec<String>> {
        self.list("Cmd").filter(|words| !words.is_empty())
    }

    /// Replaces or removes the default command.
    pub fn set_cmd(&mut self, words: Option<&[String]>) {
        self.set_list("Cmd", words);
    }

    /// Returns the user as written: `name`, `uid`, `uid:gid`; empty is none.
    pub fn user(&self) -> Option<&str> {
        self.text("User")
    }

    /// Replaces the user.
    pub fn set_user(&mut self, user: &str) {
        self.set("User", Some(user.into()));
    }

    /// Returns the working directory; empty is none.
    pub fn working_dir(&self) -> Option<&str> {
        self.text("WorkingDir")
    }

    /// Replaces the working directory.
    pub fn set_working_dir(&mut self, path: &str) {
        self.set("WorkingDir", Some(path.into()));
    }

    /// Returns the signal that stops the container.
    pub fn stop_signal(&self) -> Option<&str> {
        self.text("StopSignal")
    }

    /// Replaces the signal that stops the container.
    pub fn set_stop_signal(&mut self, signal: &str) {
        self.set("StopSignal", Some(signal.into()));
    }

    /// Returns the labels, sorted.
    pub fn labels(&self) -> BTreeMap<String, String> {
        let labels = self.run_field("Labels").and_then(Value::as_object);
        let text = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
        labels.into_iter().flatten().filter_map(text).collect()
    }

    /// Adds or replaces one label; the others keep their order.
    pub fn set_label(&mut self, key: &str, value: &str) {
        let mut labels = self.run_field("Labels").and_then(Value::as_object).cloned().unwrap_or_default();
        labels.insert(key.to_owned(), value.into());
        self.set("Labels", Some(labels.into()));
    }

    /// Removes one label.
    pub fn remove_label(&mut self, key: &str) {
        if let Some(mut labels) = self.run_field("Labels").and_then(Value::as_object).cloned() {
            labels.shift_remove(key);
            self.set("Labels", Some(labels.into()));
        }
    }

    /// Adds ports that the image declares (`8080/tcp`).
    pub fn add_exposed_ports(&mut self, ports: &[String]) {
        self.add_names("ExposedPorts", ports);
    }

    /// Adds directories that the image declares as volumes.
    pub fn add_volumes(&mut self, paths: &[String]) {
        self.add_names("Volumes", paths);
    }

    /// Returns the digests of the uncompressed layers, lowest first.
    pub fn diff_ids(&self) -> &[Digest] {
        &self.diff_ids
    }

    /// Replaces the digests of the uncompressed layers.
    pub fn set_diff_ids(&mut self, diff_ids: Vec<Digest>) {
        let texts: Vec<Value> = diff_ids.iter().map(|digest| digest.to_string().into()).collect();
        let rootfs = self.root.entry("rootfs").or_insert_with(|| Map::new().into());
        if let Some(rootfs) = rootfs.as_object_mut() {
            rootfs.entry("type").or_insert_with(|| "layers".into());
            rootfs.insert("diff_ids".to_owned(), texts.into());
        }
        self.diff_ids = diff_ids;
    }

    /// Returns the history, oldest first.
    pub fn history(&self) -> &[HistoryEntry] {
        &self.history
    }

    /// Replaces the history; an empty one is removed.
    pub fn set_history(&mut self, history: Vec<HistoryEntry>) {
        let entries = history.iter().map(|entry| serde_json::to_value(entry).expect("keys are strings"));
        match entries.collect::<Vec<Value>>() {
            entries if entries.is_empty() => drop(self.root.shift_remove("history")),
            entries => drop(self.root.insert("history".to_owned(), entries.into())),
        }
        self.history = history;
    }

    fn run_field(&self, field: &str) -> Option<&Value> {
        self.root.get("config")?.get(field)
    }

    fn text(&self, field: &str) -> Option<&str> {
        self.run_field(field)?.as_str().filter(|text| !text.is_empty())
    }

    fn list(&self, field: &str) -> Option<Vec<String>> {
        let values = self.run_field(field)?.as_array()?;
        Some(values.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    /// The specification writes a set as an object whose values are empty objects.
    fn add_names(&mut self, field: &str, names: &[String]) {
        if names.is_empty() {
            return;
        }
        let mut set = self.run_field(field).and_then(Value::as_object).cloned().unwrap_or_default();
        for name in names {
            set.entry(name.as_str()).or_insert_with(|| Map::new().into());
        }
        self.set(field, Some(set.into()));
    }

    fn set_list(&mut self, field: &str, words: Option<&[String]>) {
        self.set(field, words.map(|words| words.to_vec().into()));
    }

    fn set(&mut self, field: &str, value: Option<Value>) {
        let config = self.root.entry("config").or_insert(Value::Null);
        if !config.is_object() {
            *config = Map::new().into();
        }
        let Some(fields) = config.as_object_mut() else { return };
        match value {
            Some(value) => drop(fields.insert(field.to_owned(), value)),
            None => drop(fields.shift_remove(field)),
        }
    }
}

#[derive(Deserialize)]
struct RootFs {
    diff_ids: Option<Vec<Digest>>,
}

fn check_run_fields(config: Option<&Value>) -> Result<(), ConfigError> {
    let field = |name: &str| config.and_then(|config| config.get(name));
    let is_texts = |value: &Value| value.as_array().is_some_and(|values| values.iter().all(Value::is_string));
    let is_labels =
        |value: &Value| value.as_object().is_some_and(|labels| labels.values().all(Value::is_string));
    check("config.Env", "a list of texts", field("Env"), false, is_texts)?;
    check("config.Entrypoint", "a list of texts", field("Entrypoint"), false, is_texts)?;
    check("config.Cmd", "a list of texts", field("Cmd"), false, is_texts)?;
    check("config.User", "a text", field("User"), false, Value::is_string)?;
    check("config.WorkingDir", "a text", field("WorkingDir"), false, Value::is_string)?;
    check("config.StopSignal", "a text", field("StopSignal"), false, Value::is_string)?;
    check("config.Labels", "an object of texts", field("Labels"), false, is_labels)
}

/// Go programs write `null` where nothing is.
fn check(
    field: &'static str,
    expected: &'static str,
    value: Option<&Value>,
    is_required: bool,
    is_good: impl Fn(&Value) -> bool,
) -> Result<(), ConfigError> {
    let is_accepted = match value {
        None | Some(Value::Null) => !is_required,
        Some(value) => is_good(value),
    };
    if is_accepted { Ok(()) } else { Err(ConfigError::Field { field, expected }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setters_keep_order_and_what_is_unknown() {
        let text = r#"{"os":"linux","architecture":"arm64","variant":"v8","x":[1.50],"config":{"Volumes":{"/v":{}},"Env":["A=1"],"Cmd":null,"Labels":{"b":"1","a":"2"},"User":""},"rootfs":{"diff_ids":[],"type":"layers"},"history":[{"author":"me","empty_layer":true}]}"#;
        let mut config = ImageConfig::parse(text.as_bytes()).expect("parses");
        assert_eq!(config.to_bytes(), text.replace("1.50", "1.5").into_bytes());
        assert_eq!(config.platform().to_string(), "linux/arm64");
        assert_eq!((config.user(), config.cmd(), config.env()), (None, None, vec!["A=1".to_owned()]));
        config.set_env(&["A=2".to_owned()]);
        config.set_label("c", "3");
        config.remove_label("b");
        config.set_cmd(None);
        config.set_user("10001");
        config.set_diff_ids(vec![Digest::of("layer")]);
        let history = [config.history(), &[HistoryEntry::default()]].concat();
        config.set_history(history);
        let expected = text
            .replace("1.50", "1.5")
            .replace("A=1", "A=2")
            .replace(r#""b":"1","a":"2""#, r#""a":"2","c":"3""#)
            .replace(r#""Cmd":null,"#, "")
            .replace(r#""User":"""#, r#""User":"10001""#)
            .replace(r#""diff_ids":[]"#, &format!(r#""diff_ids":["{}"]"#, Digest::of("layer")))
            .replace(r#"{"author":"me","empty_layer":true}"#, r#"{"empty_layer":true,"author":"me"},{}"#);
        assert_eq!(String::from_utf8(config.to_bytes()).expect("is text"), expected);
        assert_eq!(ImageConfig::parse(&config.to_bytes()).expect("parses"), config);
    }

    #[test]
    fn wrong_types_name_their_field() {
        for (text, expected) in [
            (r#"{"os":"linux","rootfs":{}}"#, "architecture"),
            (r#"{"os":"linux","architecture":"amd64"}"#, "rootfs"),
            (r#"{"os":"linux","architecture":"amd64","rootfs":{"diff_ids":["x"]}}"#, "rootfs"),
            (r#"{"os":"linux","architecture":"amd64","rootfs":{},"config":{"Env":"A=1"}}"#, "config.Env"),
            (
                r#"{"os":"linux","architecture":"amd64","rootfs":{},"config":{"Labels":{"a":1}}}"#,
                "config.Labels",
            ),
            (r#"{"os":"linux","architecture":"amd64","rootfs":{},"history":{}}"#, "history"),
        ] {
            match ImageConfig::parse(text.as_bytes()) {
                Err(ConfigError::Field { field, .. }) => assert_eq!(field, expected, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}
