-- The service's own keys, for the lists of what is recalled. A step that was begun is repeated under its request id until it is done.
CREATE TABLE list_keys (
  list_key    INTEGER NOT NULL PRIMARY KEY,
  request_id  TEXT    NOT NULL UNIQUE,
  key_id      TEXT,
  spki_der    BLOB    CHECK ((spki_der IS NULL) = (key_id IS NULL)),
  issuance_id TEXT,                             -- request id of the issuance that is under way
  chain_der   BLOB                              -- the certificate, then its issuers without the root
) STRICT;

-- The list of each shard that is published. Numbers only grow.
CREATE TABLE recall_lists (
  shard          INTEGER NOT NULL PRIMARY KEY,
  number         INTEGER NOT NULL,
  entries_sha256 BLOB    NOT NULL,              -- of what it lists, to see whether it is to be another one
  this_update    INTEGER NOT NULL,
  next_update    INTEGER NOT NULL,
  bundle         BLOB    NOT NULL
) STRICT;
