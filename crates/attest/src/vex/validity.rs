//! What a statement must say beside its status.
//!
//! Follows [OpenVEX 0.2, on the fields of statements](https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md#statement-fields)
//! and [the section on justifications](https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md#status-justifications).

use serde_json::Value;

use crate::vex::{Status, VexDocument, VexStatement};

/// The reasons that OpenVEX knows why a product is not affected.
pub const JUSTIFICATIONS: [&str; 5] = [
    "component_not_present",
    "vulnerable_code_not_present",
    "vulnerable_code_not_in_execute_path",
    "vulnerable_code_cannot_be_controlled_by_adversary",
    "inline_mitigations_already_exist",
];

/// What a statement lacks, or says in words that nobody reads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Defect {
    /// It names no vulnerability.
    #[error("it names no vulnerability")]
    Vulnerability,
    /// Nobody is told why the product is not affected.
    #[error("status `not_affected` needs a `justification` or an `impact_statement`")]
    Unjustified,
    /// The justification is none of [`JUSTIFICATIONS`].
    #[error("`{0}` is no justification")]
    Justification(String),
    /// Nobody is told what to do.
    #[error("status `affected` needs an `action_statement`")]
    Action,
}

impl Defect {
    /// The field of the statement that is to be mended.
    pub fn field(&self) -> &'static str {
        match self {
            Self::Vulnerability => "vulnerability.name",
            Self::Unjustified | Self::Justification(_) => "justification",
            Self::Action => "action_statement",
        }
    }

    /// Returns what the reader of the message can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unjustified | Self::Justification(_) => {
                Some(format!("the justifications are {}", JUSTIFICATIONS.join(", ")))
            }
            Self::Vulnerability | Self::Action => None,
        }
    }

    /// Says whether the statement reassures without a reason: nobody may repeat that.
    pub fn is_unfounded(&self) -> bool {
        matches!(self, Self::Unjustified | Self::Justification(_))
    }
}

impl VexStatement {
    /// Lists what is wrong with the statement by itself, whatever it is about.
    pub fn defects(&self) -> Vec<Defect> {
        let text =
            |field: &str| self.other.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
        let mut defects = Vec::new();
        if self.vulnerability.name.is_empty() {
            defects.push(Defect::Vulnerability);
        }
        match (self.status, text("justification")) {
            (Status::NotAffected, None) if text("impact_statement").is_none() => {
                defects.push(Defect::Unjustified);
            }
            (Status::NotAffected, Some(justification)) if !JUSTIFICATIONS.contains(&justification) => {
                defects.push(Defect::Justification(justification.to_owned()));
            }
            (Status::Affected, _) if text("action_statement").is_none() => defects.push(Defect::Action),
            _ => {}
        }
        defects
    }
}

impl VexDocument {
    /// Lists what is wrong with its statements by themselves, by their positions.
    pub fn defects(&self) -> Vec<(usize, Defect)> {
        let defects = |(position, statement): (usize, &VexStatement)| {
            statement.defects().into_iter().map(move |defect| (position, defect))
        };
        self.statements.iter().enumerate().flat_map(defects).collect()
    }
}
