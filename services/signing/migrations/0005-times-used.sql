-- Who verifies a thousand times tells of it once.
ALTER TABLE usages ADD COLUMN times INTEGER NOT NULL DEFAULT 1 CHECK (times > 0);
