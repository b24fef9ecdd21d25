-- The state of one replica of the tsa: its units' keys, every token it has answered, and what its clock was proven by. Times are UTC in
-- milliseconds since 1970.

-- Keys of units and their certificates. A key has one certificate in its life. A step that was begun is repeated under the request id
-- until it is done.
CREATE TABLE unit_keys (
  unit_key        INTEGER NOT NULL PRIMARY KEY,
  unit            TEXT    NOT NULL,
  organisation    TEXT    NOT NULL,
  request_id      TEXT    NOT NULL UNIQUE,
  key_algorithm   TEXT    NOT NULL,
  signature_algorithm TEXT NOT NULL,
  test            INTEGER NOT NULL CHECK (test IN (0, 1)),
  key_id          TEXT,
  spki_der        BLOB    CHECK ((spki_der IS NULL) = (key_id IS NULL)),
  issuance_id     TEXT,                         -- request id of the issuance that is under way
  chain_der       BLOB,                         -- the certificate, then its issuers without the root
  signs_from      INTEGER CHECK ((signs_from IS NULL) = (chain_der IS NULL)),
  signs_until     INTEGER CHECK ((signs_until IS NULL) = (chain_der IS NULL)),
  retired_at      INTEGER,                      -- signs nothing any more
  destroyed_at    INTEGER,                      -- the key is gone from the token
  created_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX unit_keys_of_unit ON unit_keys (unit);

-- What the clock was proven by, stored before any token rests on it.
CREATE TABLE evidence (
  evidence_id TEXT    NOT NULL PRIMARY KEY,
  taken_at    INTEGER NOT NULL,
  body        TEXT    NOT NULL                  -- JSON: what each source said
) STRICT;
CREATE INDEX evidence_by_time ON evidence (taken_at);

-- Every token that was answered, stored before it was. The token is put together from its parts, with or without the certificates of its key.
CREATE TABLE tokens (
  token             INTEGER NOT NULL PRIMARY KEY,
  organisation      TEXT    NOT NULL,
  -- Content octets of the INTEGER. Time-ordered, so that the index grows at one end.
  serial            BLOB    NOT NULL UNIQUE CHECK (length(serial) BETWEEN 16 AND 20),
  hash_algorithm    TEXT    NOT NULL,
  digest            BLOB    NOT NULL,
  policy_oid        TEXT    NOT NULL,
  unit_key          INTEGER NOT NULL REFERENCES unit_keys,
  gen_time          INTEGER NOT NULL,
  evidence_id       TEXT    NOT NULL,
  tst_info          BLOB    NOT NULL,
  signed_attributes BLOB    NOT NULL,
  signature         BLOB    NOT NULL,
  certificates      INTEGER NOT NULL CHECK (certificates IN (0, 1, 2)) -- in the token: none, the unit's, its issuers' as well
) STRICT;
-- Digests are random: one index over all would have each token change a page of its own. Among the 4096 of a block they share a few.
CREATE INDEX tokens_by_digest ON tokens (token >> 12, digest);

-- Request ids of callers within the suite, so that a repeat is answered with the same token.
CREATE TABLE requests (
  caller         TEXT    NOT NULL,
  request_id     TEXT    NOT NULL,
  content_sha256 BLOB    NOT NULL,
  token          INTEGER NOT NULL,
  PRIMARY KEY (caller, request_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX requests_of_token ON requests (token);

-- The last token that an event has told of. One row.
CREATE TABLE summary (
  id    INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  token INTEGER NOT NULL
) STRICT;
INSERT INTO summary (id, token) VALUES (1, 0);
