//! Tests whose result is known before a script runs: `[ … ]`, versions, files of the tree, existing accounts.

use temper_oci::EntryKind;

use super::Argument;
use crate::accounts::table::Table;
use crate::tree::{Node, Tree};

/// The result of a command, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Truth {
    /// It succeeds.
    Yes,
    /// It fails.
    No,
    /// Only a run could tell.
    Unknown,
}

impl Truth {
    /// Turns the result around, as `!` does.
    pub(crate) fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
        }
    }

    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, Self::Yes) => Self::Yes,
            _ => Self::Unknown,
        }
    }
}

impl From<bool> for Truth {
    fn from(value: bool) -> Self {
        if value { Self::Yes } else { Self::No }
    }
}

/// Evaluates the arguments of `[` (without the closing bracket) or `test`
/// ([POSIX, `test`](https://pubs.opengroup.org/onlinepubs/9799919799/utilities/test.html)).
pub(crate) fn test(tree: &Tree, arguments: &[Argument]) -> Truth {
    let mut expression = Expression { tree, arguments, position: 0 };
    let truth = if arguments.is_empty() { Truth::No } else { expression.any() };
    if expression.position == arguments.len() { truth } else { Truth::Unknown }
}

struct Expression<'a> {
    tree: &'a Tree,
    arguments: &'a [Argument],
    position: usize,
}

const UNARY: [&str; 17] =
    ["-n", "-z", "-e", "-f", "-d", "-L", "-h", "-x", "-r", "-w", "-s", "-b", "-c", "-p", "-S", "-t", "-u"];
const BINARY: [&str; 9] = ["=", "==", "!=", "-eq", "-ne", "-lt", "-le", "-gt", "-ge"];

impl<'a> Expression<'a> {
    fn word(&self, ahead: usize) -> Option<&'a str> {
        self.arguments.get(self.position + ahead).map(|argument| argument.known().unwrap_or("\0"))
    }

    fn any(&mut self) -> Truth {
        let mut truth = self.all();
        while self.word(0) == Some("-o") {
            self.position += 1;
            truth = truth.not().and(self.all().not()).not();
        }
        truth
    }

    fn all(&mut self) -> Truth {
        let mut truth = self.one();
        while self.word(0) == Some("-a") {
            self.position += 1;
            truth = truth.and(self.one());
        }
        truth
    }

    fn one(&mut self) -> Truth {
        let mut negated = false;
        while self.word(0) == Some("!") && self.position + 1 < self.arguments.len() {
            self.position += 1;
            negated = !negated;
        }
        let truth = self.primary();
        if negated { truth.not() } else { truth }
    }

    fn primary(&mut self) -> Truth {
        let Some(first) = self.arguments.get(self.position) else { return Truth::Unknown };
        if let (Some(operator), Some(second)) = (self.word(1), self.arguments.get(self.position + 2))
            && BINARY.contains(&operator)
        {
            self.position += 3;
            return compare(first.known(), operator, second.known());
        }
        if let (Some(operator), Some(operand)) = (first.known(), self.arguments.get(self.position + 1))
            && UNARY.contains(&operator)
        {
            self.position += 2;
            return operand.known().map_or(Truth::Unknown, |operand| unary(self.tree, operator, operand));
        }
        self.position += 1;
        first.known().map_or(Truth::Unknown, |text| (!text.is_empty()).into())
    }
}

fn compare(left: Option<&str>, operator: &str, right: Option<&str>) -> Truth {
    let (Some(left), Some(right)) = (left, right) else { return Truth::Unknown };
    match operator {
        "=" | "==" => return (left == right).into(),
        "!=" => return (left != right).into(),
        _ => {}
    }
    let (Ok(left), Ok(right)) = (left.parse::<i64>(), right.parse::<i64>()) else { return Truth::Unknown };
    let truth = match operator {
        "-eq" => left == right,
        "-ne" => left != right,
        "-lt" => left < right,
        "-le" => left <= right,
        "-gt" => left > right,
        _ => left >= right,
    };
    truth.into()
}

fn unary(tree: &Tree, operator: &str, operand: &str) -> Truth {
    match operator {
        "-n" => return (!operand.is_empty()).into(),
        "-z" => return operand.is_empty().into(),
        _ => {}
    }
    let path = operand.trim_matches('/');
    if !operand.starts_with('/')
        || ["proc", "sys", "dev"].iter().any(|top| path.split('/').next() == Some(top))
    {
        return Truth::Unknown;
    }
    let node = tree.lookup(path);
    let is = |test: fn(&Node) -> bool| node.is_some_and(test);
    let truth = match operator {
        "-e" => path.is_empty() || node.is_some(),
        "-f" => is(|node| matches!(node.entry.kind, EntryKind::File { .. })),
        "-d" => path.is_empty() || is(|node| node.entry.kind == EntryKind::Directory),
        "-x" => is(|node| node.entry.mode & 0o111 != 0),
        "-s" => is(|node| !matches!(node.entry.kind, EntryKind::File { size: 0, .. })),
        "-p" => is(|node| node.entry.kind == EntryKind::Fifo),
        "-u" => is(|node| node.entry.mode & 0o4000 != 0),
        "-L" | "-h" => {
            let here = tree.resolve_parent(path).ok();
            here.and_then(|path| tree.get(&path))
                .is_some_and(|node| matches!(node.entry.kind, EntryKind::Symlink { .. }))
        }
        _ => return Truth::Unknown,
    };
    truth.into()
}

/// Evaluates `dpkg --compare-versions left operator right`; an empty version is earlier than any,
/// and with the `-nl` operators later ([dpkg(1)](https://manpages.debian.org/dpkg.1)).
pub(crate) fn compare_versions(left: &str, operator: &str, right: &str) -> Truth {
    let (operator, is_empty_later) = match operator.strip_suffix("-nl") {
        Some(operator) => (operator, true),
        None => (operator, false),
    };
    let order = match (left.is_empty(), right.is_empty()) {
        (false, false) => temper_deb::compare_versions(left, right),
        (is_left_empty, is_right_empty) if is_empty_later => is_left_empty.cmp(&is_right_empty),
        (is_left_empty, is_right_empty) => is_right_empty.cmp(&is_left_empty),
    };
    let truth = match operator {
        "lt" | "<<" => order.is_lt(),
        // The single signs mean what they never should have, as dpkg says itself.
        "le" | "<=" | "<" => order.is_le(),
        "eq" | "=" => order.is_eq(),
        "ne" => order.is_ne(),
        "ge" | ">=" | ">" => order.is_ge(),
        "gt" | ">>" => order.is_gt(),
        _ => return Truth::Unknown,
    };
    truth.into()
}

/// Returns where a program of the default search path is.
pub(crate) fn program(tree: &Tree, name: &str) -> Option<String> {
    let directories: &[&str] = &["usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin", "sbin", "bin"];
    if name.is_empty() || name.contains('/') {
        return None;
    }
    directories.iter().map(|directory| format!("{directory}/{name}")).find_map(|path| {
        let node = tree.lookup(&path)?;
        (node.entry.mode & 0o111 != 0 && node.entry.kind != EntryKind::Directory).then(|| format!("/{path}"))
    })
}

/// Returns whether an account (`passwd`, `group`) stands in the tree, or in Debian's initial list where there is none.
pub(crate) fn has_account(tree: &Tree, database: &str, name: &str) -> Truth {
    let text = tree.read(&format!("etc/{database}"));
    let text = text.or_else(|| tree.read(&format!("usr/share/base-passwd/{database}.master")));
    Table::parse(text.unwrap_or_default()).find(name).is_some().into()
}
