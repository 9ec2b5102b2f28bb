-- Outgoing webhooks: what an organization is told of, and where.
CREATE TABLE webhooks (
    id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    url TEXT NOT NULL,
    -- What payloads are signed with; it is needed in clear for that.
    secret TEXT NOT NULL,
    -- JSON lists: names of events, and patterns of repositories; all where empty.
    events TEXT NOT NULL,
    repositories TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL
);

CREATE INDEX webhooks_by_organization ON webhooks (organization_id, id);

-- What was sent or is to be sent.
CREATE TABLE webhook_deliveries (
    id TEXT PRIMARY KEY,
    webhook_id TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    event TEXT NOT NULL,
    payload TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    -- When it was tried last, and what came of it: the answer's status, or why there was none.
    tried_at BIGINT,
    status BIGINT,
    failure TEXT,
    -- When it arrived, or was given up.
    delivered_at BIGINT,
    given_up_at BIGINT
);

CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries (webhook_id, id);

-- Incoming webhooks: addresses at which registries tell of pushes.
CREATE TABLE incoming_webhooks (
    id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    -- `docker-hub`, `harbor` or `generic`.
    kind TEXT NOT NULL,
    secret TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    -- The last call that was believed, and how many there were.
    called_at BIGINT,
    calls BIGINT NOT NULL
);

CREATE INDEX incoming_webhooks_by_organization ON incoming_webhooks (organization_id, id);
