//! Options of `backup` and `restore`.

use std::path::PathBuf;

use clap::Args;

/// Options of `backup`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  temper backup temper-backup.tar --data-dir /srv/temper
  temper backup temper-backup.tar --database postgres://temper@db/temper

The file holds keys and is for its owner alone. Blobs are not in it: copy the storage after the backup.")]
pub(crate) struct Backup {
    /// The file to make; it must not be there
    pub(crate) file: PathBuf,
}

/// Options of `restore`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  temper restore temper-backup.tar --data-dir /srv/temper
  temper restore temper-backup.tar --data-dir /srv/temper --database postgres://temper@db/temper

A backup of one kind of database fills the other too.")]
pub(crate) struct Restore {
    /// A file that `temper backup` made
    pub(crate) file: PathBuf,
}
