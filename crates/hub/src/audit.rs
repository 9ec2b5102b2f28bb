//! Reading the audit log.

use temper_store::records::{AuditEvent, AuditFilter};

use crate::caller::Caller;
use crate::error::HubError;
use crate::hub::Hub;
use crate::page::Page;

impl Hub {
    /// Lists changes, newest first: those of an organization for its owners, all for administrators.
    ///
    /// `filter` has no organization; the page goes on behind an event's id.
    pub async fn list_audit_events(
        &self,
        caller: &Caller,
        organization: Option<&str>,
        filter: AuditFilter,
        page: &Page,
    ) -> Result<Vec<AuditEvent>, HubError> {
        let action = "reading the audit log";
        let organization_id = if let Some(name) = organization {
            Some(self.require_owner_reading(caller, name, action).await?.id)
        } else {
            self.require_admin(caller, action)?;
            None
        };
        let filter = AuditFilter { organization_id, ..filter };
        Ok(self.records().audit().list(&filter, page.after(), page.limit).await?)
    }
}
