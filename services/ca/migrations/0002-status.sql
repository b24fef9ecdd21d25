-- Revocation status as others follow it: a log of every change, holds and their release, delta lists, lists signed ahead.

-- Every change of every certificate's status, numbered without gaps: who keeps a copy knows by the number whether it missed one. Never
-- changed, never shortened.
CREATE TABLE status_log (
  sequence     INTEGER PRIMARY KEY,
  change       INTEGER NOT NULL CHECK (change IN (0, 1, 2, 3)),  -- issued, revoked, put on hold, released
  authority_id TEXT    NOT NULL,
  serial       BLOB    NOT NULL
) STRICT;

-- What happened before there was a log, in the order in which it happened.
ALTER TABLE revocations ADD COLUMN sequence INTEGER NOT NULL DEFAULT 0;  -- of the change that led to the row as it is
INSERT INTO status_log (change, authority_id, serial)
  SELECT 0, authority_id, serial FROM certificates ORDER BY issued_at, serial;
UPDATE revocations SET sequence = numbered.sequence FROM (
    SELECT authority_id, serial,
      (SELECT count(*) FROM status_log) + row_number() OVER (ORDER BY revoked_at, serial) AS sequence
    FROM revocations
  ) AS numbered
  WHERE numbered.authority_id = revocations.authority_id AND numbered.serial = revocations.serial;
INSERT INTO status_log (sequence, change, authority_id, serial)
  SELECT sequence, 1, authority_id, serial FROM revocations ORDER BY sequence;

CREATE TRIGGER status_log_is_not_changed BEFORE UPDATE ON status_log BEGIN
  SELECT RAISE(ABORT, 'the status log only grows');
END;
CREATE TRIGGER status_log_is_not_shortened BEFORE DELETE ON status_log BEGIN
  SELECT RAISE(ABORT, 'the status log only grows');
END;

-- All that a list says stands in the index that gives its order: a long one is read without looking up each row.
DROP INDEX revocations_by_list;
CREATE INDEX revocations_by_list
  ON revocations (authority_id, crl_shard, serial, revoked_at, reason, invalidity_date, listed_until, sequence);
CREATE INDEX revocations_by_change
  ON revocations (authority_id, crl_shard, sequence, revoked_at, reason, invalidity_date, listed_until);

-- Certificates whose hold has ended, for as long as a delta list has to say so (reason removeFromCRL).
CREATE TABLE releases (
  organisation TEXT    NOT NULL REFERENCES organisations,
  authority_id TEXT    NOT NULL,
  crl_shard    INTEGER NOT NULL,
  serial       BLOB    NOT NULL,
  released_at  INTEGER NOT NULL,
  sequence     INTEGER NOT NULL,          -- in the status log
  PRIMARY KEY (organisation, authority_id, crl_shard, serial),
  FOREIGN KEY (authority_id, serial) REFERENCES certificates (authority_id, serial)
) STRICT, WITHOUT ROWID;
CREATE INDEX releases_by_change ON releases (authority_id, crl_shard, sequence);

ALTER TABLE crl_state ADD COLUMN delta_due_at INTEGER NOT NULL DEFAULT 0;  -- when to sign the next delta list regardless
ALTER TABLE crl_state ADD COLUMN scheduled_at INTEGER NOT NULL DEFAULT 0;  -- thisUpdate of the last full list that came by schedule
-- Lists of before say nothing of their scope, so no delta list can go with them: new ones are due where nobody has to be asked.
UPDATE crl_state SET due_at = 0
  WHERE authority_id IN (SELECT authority_id FROM authorities WHERE quorum_threshold = 0);

-- Full lists that delta lists may be about: one of each interval, for as long as somebody may still use it.
CREATE TABLE crl_bases (
  organisation TEXT    NOT NULL REFERENCES organisations,
  authority_id TEXT    NOT NULL REFERENCES authorities (authority_id),
  crl_shard    INTEGER NOT NULL,
  crl_number   INTEGER NOT NULL,
  this_update  INTEGER NOT NULL,
  log_sequence INTEGER NOT NULL,
  PRIMARY KEY (organisation, authority_id, crl_shard, crl_number)
) STRICT, WITHOUT ROWID;

-- The same with what delta lists need. A full and a delta list that say the same have the same number (RFC 5280 section 5.2.4).
CREATE TABLE crls_with_deltas (
  organisation TEXT    NOT NULL REFERENCES organisations,
  authority_id TEXT    NOT NULL REFERENCES authorities (authority_id),
  crl_shard    INTEGER NOT NULL,
  kind         TEXT    NOT NULL CHECK (kind IN ('full', 'delta')),
  crl_number   INTEGER NOT NULL,
  base_number  INTEGER,                   -- of a delta list: the full list whose changes it tells
  log_sequence INTEGER,                   -- up to where in the status log it says everything; NULL: signed before there was one
  entries      INTEGER NOT NULL DEFAULT 0,
  state        TEXT    NOT NULL CHECK (state IN ('pending', 'published', 'abandoned')),
  this_update  INTEGER NOT NULL,          -- may lie ahead: a list is in force from then on
  next_update  INTEGER NOT NULL,
  tbs_der      BLOB,
  approval_id  TEXT,
  crl_der      BLOB,
  PRIMARY KEY (organisation, authority_id, crl_shard, kind, crl_number),
  CHECK (state <> 'published' OR crl_der IS NOT NULL),
  CHECK ((kind = 'delta') = (base_number IS NOT NULL))
) STRICT;
INSERT INTO crls_with_deltas
    (organisation, authority_id, crl_shard, kind, crl_number, state, this_update, next_update, tbs_der, approval_id, crl_der)
  SELECT organisation, authority_id, crl_shard, kind, crl_number, state, this_update, next_update, tbs_der, approval_id, crl_der
  FROM crls WHERE kind = 'full';
DROP TABLE crls;
ALTER TABLE crls_with_deltas RENAME TO crls;
