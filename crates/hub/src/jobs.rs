//! All jobs that a hub does.

use std::sync::Arc;

use crate::check_target::CheckHandler;
use crate::hub::Hub;
use crate::mirrors::MirrorHandler;
use crate::runner::BuildHandler;
use crate::tags::TagsHandler;
use crate::webhooks::DeliveryHandler;
use crate::worker::{Handler, Worker, WorkerOptions};

impl Hub {
    /// Returns workers for all jobs of this hub.
    pub fn worker(&self, options: WorkerOptions) -> Worker {
        let hub = || self.clone();
        let handlers: Vec<Arc<dyn Handler>> = vec![
            Arc::new(CheckHandler::new(hub())),
            Arc::new(BuildHandler::new(hub())),
            Arc::new(TagsHandler::new(hub())),
            Arc::new(MirrorHandler::new(hub())),
            Arc::new(DeliveryHandler::new(hub())),
        ];
        Worker::new(self.queue().clone(), handlers, options)
    }
}
