//! Comparing what targets are made from with what is there now.

use std::collections::BTreeMap;

use temper_oci::Digest;
use temper_store::records::WatchedInput;

use super::may_run;
use crate::cause::Cause;
use crate::error::HubError;
use crate::hub::Hub;

/// Targets whose inputs are compared in one go.
const PAGE: u32 = 500;

impl Hub {
    /// Finds the targets whose base or artifact is not what their last build read, and lets them be looked at.
    ///
    /// Pushes tell of themselves; this finds those that nobody heard.
    pub async fn compare_inputs(&self) -> Result<(), HubError> {
        let watch = self.records().watch();
        let mut tags: BTreeMap<String, BTreeMap<String, Digest>> = BTreeMap::new();
        let mut after = String::new();
        loop {
            let inputs = watch.inputs(&after, PAGE).await?;
            let Some(last) = inputs.last() else { return Ok(()) };
            after.clone_from(&last.target_id);
            let mut noticed = Vec::new();
            for input in inputs {
                if !tags.contains_key(&input.name) {
                    let found = self.tags_of(&input.name).await?;
                    tags.insert(input.name.clone(), found);
                }
                let now = tags.get(&input.name).and_then(|tags| tags.get(&input.reference));
                // A digest stays what it is, and what is gone cannot be built from.
                let Some(now) = now else { continue };
                if !watch.has_read(&input.build_id, &now.to_string()).await? {
                    noticed.push(self.noticed(input.target_id.clone(), &cause(input, *now), self.now()));
                }
            }
            let now = self.now();
            watch.notice(&noticed, now, |settings| may_run(settings, now)).await?;
            self.queue().wake();
        }
    }
}

fn cause(input: WatchedInput, new: Digest) -> Cause {
    let (repository, tag, new) = (input.name, input.reference, Some(new));
    match input.kind.as_str() {
        "base" => Cause::Base { repository, tag, old: None, new },
        _ => Cause::Artifact { repository, tag, old: None, new },
    }
}
