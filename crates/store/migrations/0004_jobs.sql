-- Work that outlives a request. A job waits, runs under a lease that its owner renews, and is gone when it is done; what
-- failed for good stays a while, to be looked at.
CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    -- What is to be done, `build`.
    kind TEXT NOT NULL,
    -- What it is done to, the id of a target: of one subject, one job runs at a time.
    subject TEXT NOT NULL,
    -- What else the work needs to know, as JSON.
    payload TEXT NOT NULL,
    -- Higher ones come first.
    priority BIGINT NOT NULL,
    -- `waiting`, `running` or `failed`.
    state TEXT NOT NULL,
    -- Not taken before.
    run_at BIGINT NOT NULL,
    -- How often it was taken.
    attempts BIGINT NOT NULL DEFAULT 0,
    -- Who runs it, and until when that is believed without a sign of life.
    owner TEXT,
    lease_until BIGINT,
    -- Why the last attempt failed.
    error TEXT,
    created_at BIGINT NOT NULL,
    -- When it failed for good.
    ended_at BIGINT
);

CREATE INDEX jobs_by_turn ON jobs (state, priority, run_at);

CREATE INDEX jobs_by_subject ON jobs (subject, state);

-- Whatever the code does, the database lets no subject have two running jobs.
CREATE UNIQUE INDEX jobs_running ON jobs (subject) WHERE state = 'running';
