-- What callers say they have done with what was signed, never changed. Counted when it is asked for.
CREATE TABLE usages (
  usage          INTEGER NOT NULL PRIMARY KEY,
  signature      INTEGER NOT NULL REFERENCES vcc_code_signatures,
  requester      TEXT    NOT NULL,
  request_id     TEXT    NOT NULL,
  content_sha256 BLOB    NOT NULL,
  action         TEXT    NOT NULL CHECK (action IN ('verified', 'loaded', 'refused')),
  context        TEXT    NOT NULL,
  used_at        INTEGER NOT NULL,
  UNIQUE (requester, request_id)
) STRICT;
CREATE INDEX usages_of_signature ON usages (signature, usage);
