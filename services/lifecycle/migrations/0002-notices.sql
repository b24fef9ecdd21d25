-- What somebody should know.
CREATE TABLE notices (
  notice_id       INTEGER PRIMARY KEY,
  organisation    TEXT    NOT NULL,
  topic           TEXT    NOT NULL,           -- what about, and how far: the same is told once
  kind            TEXT    NOT NULL,
  severity        TEXT    NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
  subject         TEXT    NOT NULL,
  text            TEXT    NOT NULL,
  raised_at       INTEGER NOT NULL,           -- ms
  acknowledged_at INTEGER,
  acknowledged_by TEXT,                       -- SPIFFE URI
  UNIQUE (organisation, topic)
) STRICT;
CREATE INDEX notices_open ON notices (organisation, notice_id) WHERE acknowledged_at IS NULL;

-- Where notices are sent to (Standard Webhooks).
CREATE TABLE webhooks (
  organisation TEXT    NOT NULL,
  webhook_id   TEXT    NOT NULL,
  url          TEXT    NOT NULL,
  kinds        TEXT    NOT NULL,              -- JSON array; empty: all
  secret       BLOB    NOT NULL CHECK (length(secret) = 32),
  old_secret   BLOB,                          -- signs, too, until old_until
  old_until    INTEGER,
  created_by   TEXT    NOT NULL,
  created_at   INTEGER NOT NULL,
  PRIMARY KEY (organisation, webhook_id)
) STRICT;

-- Each notice to each webhook that wants it.
CREATE TABLE deliveries (
  organisation TEXT    NOT NULL,
  webhook_id   TEXT    NOT NULL,
  notice_id    INTEGER NOT NULL REFERENCES notices,
  state        TEXT    NOT NULL CHECK (state IN ('waiting', 'delivered', 'dead')),
  attempts     INTEGER NOT NULL,
  due_at       INTEGER NOT NULL,
  outcome      TEXT    NOT NULL,              -- of the last attempt: "204", "timeout", "refused"
  PRIMARY KEY (organisation, webhook_id, notice_id),
  FOREIGN KEY (organisation, webhook_id) REFERENCES webhooks ON DELETE CASCADE
) STRICT;
CREATE INDEX deliveries_due ON deliveries (due_at) WHERE state = 'waiting';
