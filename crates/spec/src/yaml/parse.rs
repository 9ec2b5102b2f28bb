//! Text to tree: the only place that knows the YAML library.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, Span, Tag, options};

use crate::problem::{Problem, Problems};

use super::print::is_plain;
use super::{Entry, Limits, Node, Position, Style, Value};

/// Reads one document.
///
/// A text that breaks YAML's syntax or a limit gives one problem, since nothing after it can be trusted;
/// duplicate keys and foreign tags are all reported.
pub fn parse(text: &str, limits: &Limits) -> Result<Node, Problems> {
    if text.len() > limits.bytes_max {
        let message =
            format!("document has {} bytes, more than the limit of {}", text.len(), limits.bytes_max);
        return Err(Problem::new("", None, message).into());
    }
    let mut builder = Builder::new(*limits);
    for next in Parser::new_from_str_with_options(text, options! { emit_comments: false }) {
        let outcome = match next {
            Ok((event, span)) => builder.event(event, &span),
            Err(error) => {
                let marker = error.marker();
                let position = Position { line: marker.line().max(1), column: marker.col() + 1 };
                Err(Problem::new("", Some(position), format!("invalid YAML: {}", error.info())))
            }
        };
        if let Err(problem) = outcome {
            builder.problems.push(problem);
            break;
        }
    }
    builder.finish()
}

/// A list or mapping whose end has not come yet.
struct Open {
    node: Node,
    /// The key whose value comes next.
    key: Option<(String, Position)>,
    /// The keys so far with their lines.
    lines: BTreeMap<String, usize>,
    anchor: usize,
}

/// What an anchor names, with what it costs to repeat it.
struct Anchored {
    node: Node,
    nodes: usize,
    depth: usize,
}

struct Builder {
    limits: Limits,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Anchored>,
    nodes: usize,
    root: Option<Node>,
    problems: Vec<Problem>,
}

impl Builder {
    fn new(limits: Limits) -> Self {
        Self {
            limits,
            open: Vec::new(),
            anchors: BTreeMap::new(),
            nodes: 0,
            root: None,
            problems: Vec::new(),
        }
    }

    fn event(&mut self, event: Event<'_>, span: &Span) -> Result<(), Problem> {
        let start = span.tag_start().unwrap_or(span.start);
        let position = Position { line: start.line().max(1), column: start.col() + 1 };
        match event {
            Event::DocumentStart(..) if self.root.is_some() => {
                Err(Problem::new("", Some(position), "a second document begins here, only one is read"))
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.scalar(text, style, anchor, tag.as_deref(), position)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.begin(Value::Sequence(Vec::new()), anchor, tag.as_deref(), position)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.begin(Value::Mapping(Vec::new()), anchor, tag.as_deref(), position)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => self.alias(anchor, position),
            _ => Ok(()),
        }
    }

    fn scalar(
        &mut self,
        text: Cow<'_, str>,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        position: Position,
    ) -> Result<(), Problem> {
        if let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema()) {
            let problem = Problem::new(
                "",
                Some(position),
                format!("`{}` without quotes is a YAML tag, which has no meaning here", tag.original()),
            );
            self.problems
                .push(problem.with_hint(format!("write it in quotes: \"{}{text}\"", tag.original())));
        }
        // Over several lines, or with a tab inside, a plain scalar can be nothing but text.
        let plain = style == ScalarStyle::Plain && tag.is_none() && is_plain(&text);
        let style = if plain { Style::Plain } else { Style::Quoted };
        self.count(1, position)?;
        self.complete(Node { position, value: Value::Scalar(text.into_owned(), style) }, anchor)
    }

    fn begin(
        &mut self,
        value: Value,
        anchor: usize,
        tag: Option<&Tag>,
        position: Position,
    ) -> Result<(), Problem> {
        if let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema()) {
            let message = format!("YAML tag `{}` has no meaning here", tag.original());
            self.problems.push(Problem::new("", Some(position), message));
        }
        self.count(1, position)?;
        self.check_depth(1, position)?;
        if let Some(Open { node: Node { value: Value::Mapping(_), .. }, key: None, .. }) = self.open.last() {
            return Err(Problem::new("", Some(position), "key is a list or mapping, it must be text"));
        }
        self.open.push(Open { node: Node { position, value }, key: None, lines: BTreeMap::new(), anchor });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Problem> {
        match self.open.pop() {
            Some(Open { node, anchor, .. }) => self.complete(node, anchor),
            None => Ok(()),
        }
    }

    fn alias(&mut self, anchor: usize, position: Position) -> Result<(), Problem> {
        let Some(anchored) = self.anchors.get(&anchor) else {
            return Err(Problem::new("", Some(position), "alias names a value that contains it"));
        };
        let (nodes, depth) = (anchored.nodes, anchored.depth);
        self.count(nodes, position)?;
        self.check_depth(depth, position)?;
        let node = Node { position, value: self.anchors[&anchor].node.value.clone() };
        self.complete(node, 0)
    }

    /// Puts a finished value where it belongs: under its key, into its list, or at the root.
    fn complete(&mut self, node: Node, anchor: usize) -> Result<(), Problem> {
        if anchor != 0 {
            let (nodes, depth) = measure(&node);
            self.anchors.insert(anchor, Anchored { node: node.clone(), nodes, depth });
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut open.node.value {
            Value::Sequence(items) => items.push(node),
            Value::Mapping(entries) => match open.key.take() {
                Some((key, position)) => {
                    if let Some(line) = open.lines.get(&key) {
                        let message = format!("key `{key}` is given twice, first in line {line}");
                        self.problems.push(Problem::new("", Some(position), message));
                    } else {
                        open.lines.insert(key.clone(), position.line);
                        entries.push(Entry { position, key, value: node });
                    }
                }
                None => open.key = Some(self.limits.key(node)?),
            },
            Value::Scalar(..) => {}
        }
        Ok(())
    }

    fn count(&mut self, nodes: usize, position: Position) -> Result<(), Problem> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes <= self.limits.nodes_max {
            return Ok(());
        }
        let message = format!("document has more than {} values, aliases included", self.limits.nodes_max);
        Err(Problem::new("", Some(position), message))
    }

    fn check_depth(&self, more: usize, position: Position) -> Result<(), Problem> {
        if self.open.len() + more <= self.limits.depth_max {
            return Ok(());
        }
        let message = format!("lists and mappings are nested deeper than {}", self.limits.depth_max);
        Err(Problem::new("", Some(position), message))
    }

    fn finish(self) -> Result<Node, Problems> {
        match self.root {
            Some(root) if self.problems.is_empty() => Ok(root),
            None if self.problems.is_empty() => Err(Problem::new("", None, "document is empty").into()),
            _ => Err(Problems(self.problems).sorted()),
        }
    }
}

impl Limits {
    fn key(&self, node: Node) -> Result<(String, Position), Problem> {
        let position = node.position;
        match node.value {
            Value::Scalar(text, _) if text.len() <= self.key_bytes_max => Ok((text, position)),
            Value::Scalar(text, _) => {
                let message =
                    format!("key has {} bytes, more than the limit of {}", text.len(), self.key_bytes_max);
                Err(Problem::new("", Some(position), message))
            }
            _ => Err(Problem::new("", Some(position), "key is a list or mapping, it must be text")),
        }
    }
}

/// Counts the values of a tree, itself included, and the nesting of its lists and mappings.
fn measure(node: &Node) -> (usize, usize) {
    fn inside<'a>(children: impl Iterator<Item = &'a Node>) -> (usize, usize) {
        children
            .map(measure)
            .fold((1, 1), |(nodes, depth), (more, below)| (nodes.saturating_add(more), depth.max(below + 1)))
    }
    match &node.value {
        Value::Scalar(..) => (1, 0),
        Value::Sequence(items) => inside(items.iter()),
        Value::Mapping(entries) => inside(entries.iter().map(|entry| &entry.value)),
    }
}
