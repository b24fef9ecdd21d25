-- Whom services may call. Times are UTC in milliseconds since 1970.

-- Every matrix that came into force; the newest of an organisation is in force. Under '' stand the shipped ones, for organisations that have put none.
CREATE TABLE matrices (
  organisation TEXT    NOT NULL,
  version      INTEGER NOT NULL CHECK (version > 0),
  yaml         TEXT    NOT NULL,                -- as it was put
  sha256       BLOB    NOT NULL CHECK (length(sha256) = 32),
  document     TEXT    NOT NULL,                -- as it was understood (vcc-matrix-1), so that it holds whatever becomes of the grammar
  findings     TEXT    NOT NULL,                -- warnings, JSON
  put_by       TEXT    NOT NULL,
  put_at       INTEGER NOT NULL,
  PRIMARY KEY (organisation, version)
) STRICT, WITHOUT ROWID;

-- Calls from one organisation to another, as each side says. In force when both do.
CREATE TABLE cross_grants (
  cross_grant_id      TEXT    NOT NULL PRIMARY KEY,
  source_organisation TEXT    NOT NULL,
  source_service      TEXT    NOT NULL,         -- a name, or with '*'
  source_isolation    TEXT    NOT NULL CHECK (source_isolation IN ('collaborative', 'federated')),
  target_organisation TEXT    NOT NULL CHECK (target_organisation <> source_organisation),
  target_service      TEXT    NOT NULL,
  target_isolation    TEXT    NOT NULL CHECK (target_isolation IN ('collaborative', 'federated')),
  granted_by_source   TEXT,
  granted_by_target   TEXT    CHECK (granted_by_source IS NOT NULL OR granted_by_target IS NOT NULL),
  expires_at          INTEGER NOT NULL,
  withdrawn_at        INTEGER
) STRICT;
CREATE UNIQUE INDEX cross_grants_said ON cross_grants
  (source_organisation, source_service, target_organisation, target_service, expires_at) WHERE withdrawn_at IS NULL;
CREATE INDEX cross_grants_of_target ON cross_grants (target_organisation);
