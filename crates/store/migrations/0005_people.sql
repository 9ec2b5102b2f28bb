-- People, what belongs to them, and what they may. Ids are text given by the caller. Times are microseconds since 1970
-- in UTC, given by the caller. What is true or false is 1 or 0. Lists are JSON.

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    -- Users and organizations share one space of names: whoever logs in is found by it.
    name TEXT NOT NULL UNIQUE,
    email TEXT,
    -- Absent where only access tokens and identity providers let in.
    password_hash TEXT,
    is_admin BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    -- Since when nothing lets the user in.
    disabled_at BIGINT
);

-- Who a user is at an identity provider.
CREATE TABLE identities (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject)
);

CREATE TABLE organizations (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL,
    -- What every member may do in every repository: `read`, `write`, or absent where teams say it.
    member_right TEXT,
    -- What a member needs in a repository to create customizations into it: `read` or `write`.
    customization_right TEXT NOT NULL,
    quota_bytes BIGINT,
    -- Counts the changes, so that nobody writes over one that they have not seen.
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE memberships (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- `owner` or `member`.
    role TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, user_id)
);

CREATE INDEX memberships_by_user ON memberships (user_id);

CREATE TABLE teams (
    id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (organization_id, name)
);

CREATE TABLE team_members (
    team_id TEXT NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (team_id, user_id)
);

CREATE INDEX team_members_by_user ON team_members (user_id);

CREATE TABLE team_rights (
    team_id TEXT NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
    -- A repository, or a pattern of several: `acme/dhi-*`.
    repository TEXT NOT NULL,
    -- `read`, `write` or `admin`.
    granted TEXT NOT NULL,
    PRIMARY KEY (team_id, repository)
);

-- What holds in a repository, from the moment that somebody sets it: with or without images in it.
CREATE TABLE repository_settings (
    repository TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    description TEXT NOT NULL,
    is_public BIGINT NOT NULL,
    -- The string `none` or `all`, or the list of patterns, as JSON.
    immutable_tags TEXT NOT NULL,
    quota_bytes BIGINT,
    -- What is kept that no tag holds; absent where the server's default holds.
    retention_newest BIGINT,
    retention_days BIGINT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- Of a user or of an organization. Only the digest of a token is kept.
CREATE TABLE access_tokens (
    id TEXT PRIMARY KEY,
    user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
    organization_id TEXT REFERENCES organizations (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    digest TEXT NOT NULL UNIQUE,
    may_write BIGINT NOT NULL,
    -- The patterns of the repositories that it is for, as JSON; all where the list is empty.
    repositories TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    -- To the hour, so that a pull is no write.
    used_at BIGINT
);

CREATE UNIQUE INDEX access_tokens_of_user ON access_tokens (user_id, name) WHERE user_id IS NOT NULL;

CREATE UNIQUE INDEX access_tokens_of_organization ON access_tokens (organization_id, name)
WHERE organization_id IS NOT NULL;

-- Who is logged in with a browser or the command line. Only the digest of what they show is kept.
CREATE TABLE sessions (
    digest TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- What logged in, in its own words.
    client TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX sessions_by_user ON sessions (user_id);

-- Every change: nothing is ever changed here. Names stay readable when what they name is gone, so nothing refers.
CREATE TABLE audit_events (
    -- Ids grow with time.
    id TEXT PRIMARY KEY,
    at BIGINT NOT NULL,
    -- Absent for what concerns the whole server.
    organization_id TEXT,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    -- What it was and what it became, as JSON.
    before TEXT,
    after TEXT
);

CREATE INDEX audit_events_by_organization ON audit_events (organization_id, id);
