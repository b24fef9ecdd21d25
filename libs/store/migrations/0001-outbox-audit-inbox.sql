-- Facts on their way to NATS, written in the transaction of what they tell. `id` gives the order; AUTOINCREMENT never reuses one.
CREATE TABLE outbox (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  message_id  TEXT    NOT NULL,                     -- UUIDv7; the event's id and JetStream's Nats-Msg-Id
  subject     TEXT    NOT NULL,
  type        TEXT    NOT NULL,
  time        INTEGER NOT NULL,                     -- milliseconds since 1970, UTC
  traceparent TEXT,
  body        TEXT    NOT NULL                      -- the fact's data, JSON
) STRICT;

-- The one row says up to which outbox id everything has reached the bus.
CREATE TABLE outbox_cursor (
  only         INTEGER PRIMARY KEY CHECK (only = 1),
  published_id INTEGER NOT NULL
) STRICT;
INSERT INTO outbox_cursor (only, published_id) VALUES (1, 0);

-- Who asked for what, gap free. Each row's hash covers the row and the hash before it.
CREATE TABLE audit (
  sequence     INTEGER PRIMARY KEY,
  at           INTEGER NOT NULL,                    -- milliseconds since 1970, UTC
  action       TEXT    NOT NULL,
  outcome      TEXT    NOT NULL CHECK (outcome IN ('requested', 'done', 'refused', 'failed')),
  caller       TEXT    NOT NULL,
  requester    TEXT    NOT NULL,
  organisation TEXT    NOT NULL,
  target       TEXT,
  request_id   TEXT,
  code         TEXT,
  details      TEXT,                                -- JSON
  hash         BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
CREATE TRIGGER audit_is_never_cut BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;

-- Messages a subscriber has worked on, so that a redelivery changes nothing.
CREATE TABLE inbox (
  subscriber  TEXT    NOT NULL,
  message_id  TEXT    NOT NULL,
  received_at INTEGER NOT NULL,                     -- milliseconds since 1970, UTC
  PRIMARY KEY (subscriber, message_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX inbox_by_age ON inbox (received_at);
