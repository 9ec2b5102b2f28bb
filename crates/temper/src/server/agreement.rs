//! What all servers over one database have alike.
//!
//! Records, blobs and the key for tokens they share anyway. The keys that sign stay out of the database, so the folder
//! with them has to be the same: a server that signs with a key that the others do not publish would make images that
//! nobody can verify.

use anyhow::anyhow;
use temper_store::records::{Database, Records};

use crate::failure::Failure;
use crate::storage::StorageChoice;
use crate::workspace::Workspace;

/// The name of the first key's id among the settings of the records.
const SETTING: &str = "first signing key";

/// Makes the first key where there is none, and fails where other servers have another one.
pub(super) fn on_first_key(workspace: &Workspace, records: &Records) -> Result<(), anyhow::Error> {
    if matches!(workspace.database, Database::File(_)) {
        workspace.keys.latest_or_first()?;
        return Ok(());
    }
    if matches!(workspace.storage, StorageChoice::DataFolder) {
        tracing::warn!(
            "blobs are in this data folder: other servers over the database need the same one, or `--storage`"
        );
    }
    let noted = workspace.runtime.block_on(records.find_setting(SETTING))?;
    if noted.is_some() && workspace.keys.find(1)?.is_none() {
        return Err(other_keys(workspace));
    }
    workspace.keys.latest_or_first()?;
    let own = workspace.keys.find(1)?.ok_or_else(|| anyhow!("key 1 is gone"))?.id().to_string();
    let noted = workspace.runtime.block_on(records.settle(SETTING, &own))?;
    if noted == own { Ok(()) } else { Err(other_keys(workspace)) }
}

fn other_keys(workspace: &Workspace) -> anyhow::Error {
    let folder = workspace.keys.folder().display();
    let error = anyhow!("the keys in `{folder}` are not those of the other servers over this database");
    let hint = "name the folder that all of them share with `--keys-dir DIR`; docs/operation.md says what to do where \
         the keys are lost";
    Failure::configuration(error).hint(hint).into()
}
