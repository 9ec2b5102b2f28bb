//! Trees: raw texts, positions, limits, and print as the inverse of parse.

use proptest::prelude::*;

use temper_spec::yaml::{Limits, Node, Position, Style, Value, parse, print};

fn read(text: &str) -> Node {
    parse(text, &Limits::DEFAULT).unwrap_or_else(|problems| panic!("{text:?}: {problems}"))
}

fn refused(text: &str, limits: &Limits) -> String {
    parse(text, limits).expect_err(text).to_string()
}

#[test]
fn scalars_keep_their_characters() {
    for (text, expected, style) in [
        ("1.20", "1.20", Style::Plain),
        ("0755", "0755", Style::Plain),
        ("1_000", "1_000", Style::Plain),
        ("0x1F", "0x1F", Style::Plain),
        ("on", "on", Style::Plain),
        ("2024-10-07", "2024-10-07", Style::Plain),
        ("\"1.20\"", "1.20", Style::Quoted),
        ("'it''s'", "it's", Style::Quoted),
        ("!!str 5", "5", Style::Quoted),
        ("|\n    a\n     b\n", "a\n b\n", Style::Quoted),
        (">-\n    a\n    b\n", "a b", Style::Quoted),
        ("a\n\n  b", "a\nb", Style::Quoted),
    ] {
        let tree = read(&format!("key: {text}"));
        assert_eq!(tree.get("key"), Some(&Node::scalar(expected, style)), "{text:?}");
    }
}

#[test]
fn positions_count_from_one() {
    let tree = read("# comment\nfirst: [a, {deep: b}]\n\"zweité\": c\n");
    let Value::Mapping(entries) = &tree.value else { panic!("a mapping") };
    assert_eq!(entries[0].position, Position { line: 2, column: 1 });
    let Value::Sequence(items) = &entries[0].value.value else { panic!("a list") };
    assert_eq!(items[0].position, Position { line: 2, column: 9 });
    assert_eq!(items[1].get("deep").map(|node| node.position), Some(Position { line: 2, column: 19 }));
    assert_eq!(entries[1].value.position, Position { line: 3, column: 11 });
}

#[test]
fn anchors_are_replaced_by_what_they_name() {
    assert_eq!(read("a: &x [1, 2]\nb: *x\n"), read("{a: [1, 2], b: [1, 2]}"));
}

#[test]
fn what_cannot_be_trusted_is_refused() {
    let small = Limits { bytes_max: 200, depth_max: 4, nodes_max: 20, key_bytes_max: 10 };
    let bomb = "a: &a [1, 2, 3]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n";
    for (text, expected) in [
        ("", "document is empty"),
        ("# only a comment\n", "document is empty"),
        ("a: 1\nb: 2\na: 3\n", "3:1: key `a` is given twice, first in line 1"),
        ("a: 1\n---\nb: 2\n", "2:1: a second document begins here, only one is read"),
        ("[git, !perl]", "1:7: `!perl` without quotes is a YAML tag, which has no meaning here"),
        ("a: !secret {}", "1:4: YAML tag `!secret` has no meaning here"),
        ("{[a, b]: c}", "1:2: key is a list or mapping, it must be text"),
        ("[[[[[1]]]]]", "1:5: lists and mappings are nested deeper than 4"),
        ("a-long-long-key: 1", "1:1: key has 15 bytes, more than the limit of 10"),
        (bomb, "3:8: document has more than 20 values, aliases included"),
        ("&a [*a]", "1:5: alias names a value that contains it"),
    ] {
        assert_eq!(refused(text, &small), expected, "{text:?}");
    }
    let long = format!("- {}", "x".repeat(200));
    assert_eq!(refused(&long, &small), "document has 202 bytes, more than the limit of 200");
    assert!(refused("a: [1", &small).contains("invalid YAML"));
    assert!(refused("a: *nothing", &small).contains("invalid YAML"));
}

#[test]
fn printing_is_plain_where_it_can_be() {
    let tree = Node::from_json(&serde_json::json!({
        "name": "golang with git",
        "version": "1.20",
        "release": "3.13.15",
        "mode": "0755",
        "flags": ["--port", "8080", "-", "!perl", "yes", ""],
        "script": "#!/bin/sh\n\texec \"$@\"\n",
        "open": "a\nb",
        "space": " a\n",
        "nested": [{"a": [["b"]], "c": {}}, []],
        "key: odd": true,
        "number": 5,
        "none": null
    }));
    let text = "name: golang with git\nversion: \"1.20\"\nrelease: 3.13.15\nmode: \"0755\"\nflags:\n  - --port\n  - \
                \"8080\"\n  - \"-\"\n  - \"!perl\"\n  - \"yes\"\n  - \"\"\nscript: |\n  #!/bin/sh\n  \texec \
                \"$@\"\nopen: |-\n  a\n  b\nspace: \" a\\n\"\nnested:\n  - a:\n      - - b\n    c: {}\n  - []\n\
                \"key: odd\": true\nnumber: 5\nnone: null\n";
    assert_eq!(print(&tree), text);
    assert_eq!(read(text), tree);
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z0-9.=/-]{0,12}", "[ -~]{0,20}", "(#!|- |[a-z ]{0,8}\n|\t|\n){0,6}", any::<String>(),]
}

fn any_tree() -> impl Strategy<Value = Node> {
    any_text().prop_map(Node::text).prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Node::sequence),
            prop::collection::btree_map(any_text(), inner, 0..5).prop_map(Node::mapping),
        ]
    })
}

proptest! {
    #[test]
    fn parse_gives_back_what_print_wrote(tree in any_tree()) {
        let text = print(&tree);
        let back = parse(&text, &Limits::DEFAULT);
        prop_assert_eq!(back.map_err(|problems| format!("{problems}\n{text}")), Ok(tree));
    }

    #[test]
    fn parse_never_panics_and_prints_what_it_read(text in "[ \\-\\[\\]{}:,&*!|>'\"%@#?a-c0-1\n\t]{0,60}") {
        if let Ok(tree) = parse(&text, &Limits::DEFAULT) {
            let printed = print(&tree);
            let back = parse(&printed, &Limits::DEFAULT);
            prop_assert_eq!(back.map_err(|problems| format!("{problems}\n{printed}")), Ok(tree));
        }
    }

    #[test]
    fn parse_never_panics_on_anything(text in any::<String>()) {
        let _ = parse(&text, &Limits::DEFAULT);
    }
}
