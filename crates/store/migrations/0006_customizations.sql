-- Customizations, their targets and builds. Documents, causes and lists are JSON; a boolean is 0 or 1. Names of
-- repositories are paths below the registry's host; there need be no row for them.

CREATE TABLE customizations (
    id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    name TEXT NOT NULL,
    suffix TEXT NOT NULL,
    -- Counts the edits, from 1.
    version BIGINT NOT NULL,
    -- The document in its canonical form, as JSON, with the id.
    document TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL
);

CREATE INDEX customizations_by_organization ON customizations (organization_id, id);

-- Every document that a customization ever had.
CREATE TABLE customization_versions (
    customization_id TEXT NOT NULL REFERENCES customizations (id) ON DELETE CASCADE,
    version BIGINT NOT NULL,
    document TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    -- The version that was restored, where this one is a copy.
    restored_from BIGINT,
    PRIMARY KEY (customization_id, version)
);

CREATE TABLE targets (
    id TEXT PRIMARY KEY,
    customization_id TEXT NOT NULL REFERENCES customizations (id) ON DELETE CASCADE,
    -- Place in the document, from 0.
    position BIGINT NOT NULL,
    destination TEXT NOT NULL,
    source TEXT,
    -- The line of tags by its definition, or the tags of the base as a list.
    tag_definition_id TEXT,
    base_tags TEXT NOT NULL,
    -- The last time that somebody looked whether an input changed: when, why, and what came of it
    -- (`queued`, `unchanged`, `held`, `failed`).
    checked_at BIGINT,
    check_causes TEXT,
    check_outcome TEXT,
    -- The build whose result the tags stay at until they are released.
    held_build_id TEXT
);

CREATE INDEX targets_by_customization ON targets (customization_id, position);
CREATE INDEX targets_by_destination ON targets (destination, tag_definition_id);

-- What a target is made from, by name: whoever sees one of them change finds who uses it.
CREATE TABLE target_inputs (
    target_id TEXT NOT NULL REFERENCES targets (id) ON DELETE CASCADE,
    -- `base`, `artifact` or `archive`.
    kind TEXT NOT NULL,
    -- A repository, or the address of an archive.
    name TEXT NOT NULL,
    -- A tag or digest, or the suite of an archive.
    reference TEXT NOT NULL,
    PRIMARY KEY (target_id, kind, name, reference)
);

CREATE INDEX target_inputs_by_name ON target_inputs (kind, name, reference);

-- The tags that builds write. Each has one owner; one without an owner was left behind and is free to be claimed.
CREATE TABLE target_tags (
    destination TEXT NOT NULL,
    tag TEXT NOT NULL,
    target_id TEXT REFERENCES targets (id) ON DELETE SET NULL,
    -- Where it points to, or is about to; nothing before the first build.
    digest TEXT,
    -- Whether it is to be removed from the repository.
    is_unwanted BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (destination, tag)
);

CREATE INDEX target_tags_by_target ON target_tags (target_id);

CREATE TABLE builds (
    id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL,
    -- What is built again and again: a target's id, or the name of what a mirror builds.
    subject TEXT NOT NULL,
    -- `customization` or `definition`.
    kind TEXT NOT NULL,
    target_id TEXT REFERENCES targets (id) ON DELETE CASCADE,
    customization_id TEXT,
    customization_version BIGINT,
    -- The definition that is built, with its text.
    definition_id TEXT,
    document TEXT,
    -- Counts the builds of the subject, from 1.
    number BIGINT NOT NULL,
    name TEXT NOT NULL,
    destination TEXT NOT NULL,
    causes TEXT NOT NULL,
    priority BIGINT NOT NULL,
    -- `queued`, `running`, `succeeded`, `failed`, `superseded`, `unchanged` or `cancelled`.
    state TEXT NOT NULL,
    step TEXT,
    attempts BIGINT NOT NULL,
    -- When a build that failed for a cause outside is tried again.
    retry_at BIGINT,
    -- Whether its tags are moving: nothing may get in between.
    is_publishing BIGINT NOT NULL,
    -- Whether somebody wants it to stop.
    is_cancelled BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT,
    previous_id TEXT,
    build_key TEXT,
    digest TEXT,
    tags TEXT NOT NULL,
    -- The plan; what the image is made of; what differs from the build before; why it failed.
    plan TEXT,
    content TEXT,
    changes TEXT,
    error TEXT,
    automatic_ids TEXT,
    -- Whether its image stays in the repository although no tag points to it.
    is_kept BIGINT NOT NULL
);

CREATE UNIQUE INDEX builds_by_number ON builds (subject, number);
CREATE INDEX builds_by_state ON builds (state, created_at);
CREATE INDEX builds_by_customization ON builds (customization_id, created_at);
CREATE INDEX builds_by_destination ON builds (destination, digest) WHERE digest IS NOT NULL;

CREATE TABLE build_events (
    build_id TEXT NOT NULL REFERENCES builds (id) ON DELETE CASCADE,
    -- From 1, without gaps.
    sequence BIGINT NOT NULL,
    at BIGINT NOT NULL,
    -- `info`, `warning` or `error`.
    level TEXT NOT NULL,
    step TEXT NOT NULL,
    platform TEXT,
    message TEXT NOT NULL,
    done BIGINT,
    total BIGINT,
    is_bytes BIGINT NOT NULL,
    PRIMARY KEY (build_id, sequence)
);

-- What a build read, with digests.
CREATE TABLE build_inputs (
    build_id TEXT NOT NULL REFERENCES builds (id) ON DELETE CASCADE,
    -- `base`, `artifact`, `package` or `archive`.
    role TEXT NOT NULL,
    name TEXT NOT NULL,
    -- Empty where it is the same for all platforms.
    platform TEXT NOT NULL,
    version TEXT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (build_id, role, name, platform, version, digest)
);
