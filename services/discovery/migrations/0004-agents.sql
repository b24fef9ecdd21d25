-- What agents have been told to do, until it is done. The organisation's agent of the service `agent` is told about `service`.
CREATE TABLE notices (
  notice_id    INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,  -- agents resume after it: it never comes again
  organisation TEXT    NOT NULL,
  agent        TEXT    NOT NULL,
  service      TEXT    NOT NULL,
  reason       TEXT    NOT NULL,
  told_at      INTEGER NOT NULL,
  done_at      INTEGER
) STRICT;
CREATE UNIQUE INDEX open_notices ON notices (organisation, service) WHERE done_at IS NULL;
CREATE INDEX notices_of_agent ON notices (organisation, agent, notice_id) WHERE done_at IS NULL;

-- The trust anchors of the suite as they were seen, for agents to take over: the same for every organisation.
CREATE TABLE anchors (
  anchors_id     INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  anchors_sha256 BLOB    NOT NULL,              -- SHA-256 of each, sorted, in a row
  seen_at        INTEGER NOT NULL
) STRICT;
