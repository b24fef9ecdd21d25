-- Where the ca's log of changes has been applied to. One row.
CREATE TABLE ca_position (
  id         INTEGER PRIMARY KEY CHECK (id = 1),
  generation INTEGER NOT NULL,   -- of serial numbers, see ca.CertificateService.StreamStatus
  sequence   INTEGER NOT NULL
) STRICT;

-- Every certificate, and where it is in its life.
CREATE TABLE certificates (
  organisation      TEXT    NOT NULL,
  certificate_id    TEXT    NOT NULL,         -- "<authority_id>:<serial in hex>"
  serial_hex        TEXT    NOT NULL,
  identity          TEXT    NOT NULL,         -- who it is of and what for; the same for all that take over from each other
  predecessor_id    TEXT,                     -- of the same identity, the newest before it
  profile           TEXT    NOT NULL,
  profile_version   INTEGER NOT NULL,
  key_algorithm     TEXT    NOT NULL,
  spki_sha256       BLOB    NOT NULL CHECK (length(spki_sha256) = 32),
  subject           TEXT    NOT NULL,
  dns_names         TEXT    NOT NULL,         -- JSON array
  requester         TEXT    NOT NULL,         -- SPIFFE URI
  issued_at         INTEGER NOT NULL,         -- ms
  not_before        INTEGER NOT NULL,
  not_after         INTEGER NOT NULL,
  renew_at          INTEGER NOT NULL,
  state             TEXT    NOT NULL CHECK (state IN ('issued', 'active', 'expiring', 'renewing', 'renewed', 'revoked', 'expired', 'suspended')),
  resumes_as        TEXT,                     -- the state before it was suspended
  due_at            INTEGER,                  -- when time alone changes its state; NULL: never again
  revocation_reason TEXT,
  PRIMARY KEY (organisation, certificate_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX certificates_by_identity ON certificates (organisation, identity, issued_at);
CREATE INDEX certificates_by_subject ON certificates (organisation, subject, issued_at);
CREATE INDEX certificates_by_serial ON certificates (organisation, serial_hex);
CREATE INDEX certificates_by_end ON certificates (organisation, not_after, certificate_id);
CREATE INDEX certificates_due ON certificates (due_at) WHERE due_at IS NOT NULL;

-- What happened to them. Nothing is ever changed here.
CREATE TABLE changes (
  change_id      INTEGER PRIMARY KEY,
  organisation   TEXT    NOT NULL,
  certificate_id TEXT    NOT NULL,
  change         TEXT    NOT NULL,
  from_state     TEXT,
  to_state       TEXT    NOT NULL,
  reason         TEXT    NOT NULL,
  actor          TEXT    NOT NULL,            -- SPIFFE URI
  at             INTEGER NOT NULL,
  FOREIGN KEY (organisation, certificate_id) REFERENCES certificates
) STRICT;
CREATE INDEX changes_by_certificate ON changes (organisation, certificate_id, change_id);
CREATE INDEX changes_by_time ON changes (organisation, at);
CREATE TRIGGER changes_are_not_changed BEFORE UPDATE ON changes BEGIN
  SELECT raise(ABORT, 'history is not changed');
END;
CREATE TRIGGER changes_are_not_removed BEFORE DELETE ON changes BEGIN
  SELECT raise(ABORT, 'history is not removed');
END;
