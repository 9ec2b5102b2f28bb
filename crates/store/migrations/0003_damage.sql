-- Since when a blob's bytes are known to be missing or wrong. Nobody is shown such a blob, and the next push of the
-- same digest replaces its bytes.
ALTER TABLE blobs ADD COLUMN damaged_at BIGINT;

-- How much of an upload has arrived, as far as quotas need to know.
ALTER TABLE uploads ADD COLUMN size_bytes BIGINT NOT NULL DEFAULT 0;
