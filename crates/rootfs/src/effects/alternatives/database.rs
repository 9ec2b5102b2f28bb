//! The file that `update-alternatives` keeps for one link group, `/var/lib/dpkg/alternatives/NAME`.
//!
//! Lines: `auto` or `manual`; the master link; for each slave, sorted by name, its name and its link; an empty line;
//! for each choice, sorted by path, its path, its priority and one line a slave (empty where it has none);
//! an empty line ([update-alternatives(1), "Files"](https://manpages.debian.org/update-alternatives.1)).

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A link group: one name, its links, and the files that they can lead to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alternative {
    /// Whether an administrator chose, so that new choices change no link.
    pub is_manual: bool,
    /// Absolute path of the master link.
    pub link: String,
    /// Slave links by slave name.
    pub slaves: BTreeMap<String, String>,
    /// In the order of the file, later additions at the end.
    pub choices: Vec<Choice>,
}

/// One file that a link group can lead to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// Absolute path.
    pub path: String,
    /// Priority.
    pub priority: i64,
    /// Absolute paths by slave name.
    pub slaves: BTreeMap<String, String>,
}

impl Alternative {
    /// Reads a file; `None` if it does not have the form.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let is_manual = match lines.next()? {
            "auto" => false,
            "manual" => true,
            _ => return None,
        };
        let mut alternative = Self { is_manual, link: lines.next()?.to_owned(), ..Self::default() };
        loop {
            match lines.next()? {
                "" => break,
                name => drop(alternative.slaves.insert(name.to_owned(), lines.next()?.to_owned())),
            }
        }
        loop {
            let path = match lines.next() {
                None | Some("") => return Some(alternative),
                Some(path) => path.to_owned(),
            };
            let priority = lines.next()?.trim().parse().ok()?;
            let mut slaves = BTreeMap::new();
            for name in alternative.slaves.keys() {
                match lines.next()? {
                    "" => {}
                    file => drop(slaves.insert(name.clone(), file.to_owned())),
                }
            }
            alternative.choices.push(Choice { path, priority, slaves });
        }
    }

    /// Returns the best choice: the highest priority, of equal ones the first in the list.
    pub fn best(&self) -> Option<&Choice> {
        self.choices.iter().reduce(|best, choice| if choice.priority > best.priority { choice } else { best })
    }

    /// Adds or replaces a choice; its links replace those of the same names.
    pub fn install(&mut self, link: &str, slave_links: BTreeMap<String, String>, choice: Choice) {
        link.clone_into(&mut self.link);
        self.slaves.extend(slave_links);
        match self.choices.iter_mut().find(|known| known.path == choice.path) {
            Some(known) => *known = choice,
            None => self.choices.push(choice),
        }
    }

    /// Brings the choices into the order of the file and drops slaves that no choice has.
    pub fn normalize(&mut self) {
        self.choices.sort_by(|left, right| left.path.cmp(&right.path));
        let Self { slaves, choices, .. } = self;
        slaves.retain(|name, _| choices.iter().any(|choice| choice.slaves.contains_key(name)));
    }
}

impl std::fmt::Display for Alternative {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}\n{}", if self.is_manual { "manual" } else { "auto" }, self.link)?;
        for (name, link) in &self.slaves {
            writeln!(f, "{name}\n{link}")?;
        }
        f.write_char('\n')?;
        for choice in &self.choices {
            writeln!(f, "{}\n{}", choice.path, choice.priority)?;
            for name in self.slaves.keys() {
                writeln!(f, "{}", choice.slaves.get(name).map_or("", String::as_str))?;
            }
        }
        f.write_char('\n')
    }
}
