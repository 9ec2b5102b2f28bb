-- Mirrors: repositories of organizations that follow an upstream. A mirror's row outlives the mirroring, so that it is
-- known later which tags it wrote.
CREATE TABLE mirrors (
    id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    -- The repository that is kept equal, `acme/python`.
    repository TEXT NOT NULL,
    -- `registry`, or `definitions` for those that are built here.
    kind TEXT NOT NULL,
    -- The upstream repository with its registry, or the beginning of the definitions' ids.
    source TEXT NOT NULL,
    -- Patterns of tags as JSON lists: those that come in, all where empty, and those of them that stay out.
    allow_patterns TEXT NOT NULL,
    deny_patterns TEXT NOT NULL,
    -- Public keys as a JSON list of PEM texts; where there are any, only what one of them signed comes in.
    verify_keys TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    stopped_at BIGINT,
    -- How often the upstream is looked at, and when next.
    interval_micros BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    -- The last look: when it began, when it ended, how far it came (JSON), and why it failed.
    started_at BIGINT,
    finished_at BIGINT,
    succeeded_at BIGINT,
    progress TEXT,
    failure TEXT
);

-- A repository has one upstream at a time.
CREATE UNIQUE INDEX mirrors_by_repository ON mirrors (repository) WHERE stopped_at IS NULL;
CREATE INDEX mirrors_by_organization ON mirrors (organization_id, repository);
CREATE INDEX mirrors_by_source ON mirrors (source) WHERE stopped_at IS NULL;

-- The tags that a mirror wrote, with where they pointed upstream: these alone it moves and removes.
CREATE TABLE upstream_tags (
    mirror_id TEXT NOT NULL REFERENCES mirrors (id) ON DELETE CASCADE,
    tag TEXT NOT NULL,
    digest TEXT NOT NULL,
    -- The definition that the image says it was made of.
    tag_definition_id TEXT,
    -- When the mirror saw it there first.
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (mirror_id, tag)
);

-- The tags that a mirror leaves out, although they are wanted, and why.
CREATE TABLE refused_tags (
    mirror_id TEXT NOT NULL REFERENCES mirrors (id) ON DELETE CASCADE,
    tag TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (mirror_id, tag)
);

-- The tags of a repository that move together, where that is known.
CREATE TABLE repository_tag_lines (
    repository TEXT NOT NULL,
    tag_definition_id TEXT NOT NULL,
    -- A JSON list.
    tags TEXT NOT NULL,
    PRIMARY KEY (repository, tag_definition_id)
);

-- The signed state of package archives that was acted on last, by what was asked for.
CREATE TABLE archives_seen (
    -- Sources and architecture as JSON.
    archive TEXT PRIMARY KEY,
    snapshot TEXT NOT NULL,
    seen_at BIGINT NOT NULL
);

-- What a target's choice of packages depends on: equal fingerprints choose equal packages.
CREATE TABLE package_watches (
    target_id TEXT NOT NULL,
    -- As in `archives_seen`.
    archive TEXT NOT NULL,
    -- A JSON list of package names.
    names TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    PRIMARY KEY (target_id, archive)
);

CREATE INDEX package_watches_by_archive ON package_watches (archive);

-- Changes that a target answers to, for how long that takes.
CREATE TABLE freshness (
    id TEXT PRIMARY KEY,
    -- The repository whose tags are to move.
    repository TEXT NOT NULL,
    -- The target, or the subject of a definition's builds.
    subject TEXT NOT NULL,
    -- `base`, `artifact` or `package`.
    cause TEXT NOT NULL,
    -- When it was published, as far as is known, when that was noticed, when a pause or a window let the rebuild go,
    -- and when the tags moved.
    event_at BIGINT NOT NULL,
    noticed_at BIGINT NOT NULL,
    released_at BIGINT,
    moved_at BIGINT,
    -- When the organization was told that it is late.
    told_at BIGINT
);

CREATE INDEX freshness_by_subject ON freshness (subject) WHERE moved_at IS NULL;
CREATE INDEX freshness_by_repository ON freshness (repository, event_at);

-- When an organization lets rebuilds run that nobody asked for.
CREATE TABLE rebuild_settings (
    organization_id TEXT PRIMARY KEY REFERENCES organizations (id) ON DELETE CASCADE,
    paused_at BIGINT,
    -- A JSON list of weekly windows; none means always.
    windows TEXT NOT NULL
);

-- What waits for a pause to end or a window to open.
CREATE TABLE held_checks (
    target_id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    -- The causes as a JSON list.
    causes TEXT NOT NULL,
    held_at BIGINT NOT NULL
);

CREATE INDEX held_checks_by_organization ON held_checks (organization_id);
