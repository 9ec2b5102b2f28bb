//! Ctrl-C while something is made: what was interrupted is told, and that nothing is lost.

use std::sync::Arc;

use anyhow::anyhow;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

use crate::failure::{self, Failure};
use crate::workspace::Workspace;

/// Ends the process at Ctrl-C for as long as it lives.
pub(crate) struct Interrupt(JoinHandle<()>);

impl Interrupt {
    /// Waits for Ctrl-C while `command` runs.
    pub(crate) fn watch(workspace: &Workspace, command: &'static str, json: bool) -> Self {
        let progress = Arc::clone(&workspace.progress);
        let _entered = workspace.runtime.enter();
        // The system is asked at once; where it refuses, Ctrl-C ends the process as it does by itself.
        let interrupts = signal(SignalKind::interrupt());
        Self(workspace.runtime.spawn(async move {
            let Ok(mut interrupts) = interrupts else { return };
            interrupts.recv().await;
            progress.finish();
            let step = progress.step().map(|step| format!(" at: {step}")).unwrap_or_default();
            let hint = "run the same command again: it continues with what is complete";
            let error =
                Failure::interrupted(anyhow!("`temper {command}` was interrupted{step}")).hint(hint).into();
            failure::report(&error, json);
            // The threads that work cannot be asked to end; what they write is temporary.
            std::process::exit(i32::from(failure::exit_code(&error)));
        }))
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        self.0.abort();
    }
}
