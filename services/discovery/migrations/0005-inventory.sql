-- What certificates are served out there: each endpoint as it was last seen, its changes, the certificates, and sweeps through networks.

CREATE TABLE inventory_endpoints (
  organisation  TEXT    NOT NULL,
  endpoint      TEXT    NOT NULL,                -- "host:port"
  service       TEXT    NOT NULL,                -- '': unknown
  source        TEXT    NOT NULL,
  verdict       TEXT    NOT NULL
                CHECK (verdict IN ('ours', 'foreign', 'expired', 'wrong_name', 'self_signed', 'revoked', 'invalid', 'plaintext', 'unreachable')),
  reason        TEXT    NOT NULL,
  detail        TEXT    NOT NULL,
  is_ours       INTEGER NOT NULL CHECK (is_ours IN (0, 1)),
  address       TEXT    NOT NULL,                -- '': connected to nowhere
  tls_version   TEXT    NOT NULL,
  cipher        TEXT    NOT NULL,
  stapled_ocsp  TEXT    NOT NULL,
  fingerprint   TEXT,                            -- of the server's certificate; NULL: without TLS
  chain         TEXT    NOT NULL,                -- fingerprints, the server's first
  not_after     INTEGER CHECK ((not_after IS NULL) = (fingerprint IS NULL)),
  health        TEXT    NOT NULL,                -- '': not asked
  health_reason TEXT    NOT NULL,
  failures      INTEGER NOT NULL,                -- probes in a row that reached nobody
  first_seen_at INTEGER NOT NULL,
  last_seen_at  INTEGER NOT NULL,
  probed_at     INTEGER NOT NULL,
  changed_at    INTEGER NOT NULL,
  PRIMARY KEY (organisation, endpoint)
) STRICT, WITHOUT ROWID;
CREATE INDEX endpoints_by_certificate ON inventory_endpoints (fingerprint) WHERE fingerprint IS NOT NULL;

CREATE TABLE inventory_certificates (
  fingerprint         TEXT    NOT NULL PRIMARY KEY, -- SHA-256 of the DER, in hex
  der                 BLOB    NOT NULL,
  subject             TEXT    NOT NULL,
  issuer              TEXT    NOT NULL,
  serial_hex          TEXT    NOT NULL,
  not_before          INTEGER NOT NULL,
  not_after           INTEGER NOT NULL,
  key_algorithm       TEXT    NOT NULL,
  signature_algorithm TEXT    NOT NULL,
  dns_names           TEXT    NOT NULL,
  ip_addresses        TEXT    NOT NULL,
  uris                TEXT    NOT NULL,
  first_seen_at       INTEGER NOT NULL,
  last_seen_at        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE inventory_changes (
  change_id    INTEGER NOT NULL PRIMARY KEY,
  organisation TEXT    NOT NULL,
  endpoint     TEXT    NOT NULL,
  from_verdict TEXT,                             -- NULL: it was not known before
  to_verdict   TEXT    NOT NULL,
  reason       TEXT    NOT NULL,
  fingerprint  TEXT,
  at           INTEGER NOT NULL
) STRICT;
CREATE INDEX changes_of_endpoint ON inventory_changes (organisation, endpoint, change_id);

CREATE TABLE sweeps (
  sweep_id     TEXT    NOT NULL PRIMARY KEY,
  organisation TEXT    NOT NULL,
  networks     TEXT    NOT NULL,
  ports        TEXT    NOT NULL,
  total        INTEGER NOT NULL,
  next         INTEGER NOT NULL,                 -- targets before this one are done
  found        INTEGER NOT NULL,
  refused      INTEGER NOT NULL,
  verdicts     TEXT    NOT NULL,
  started_at   INTEGER NOT NULL,
  ended_at     INTEGER
) STRICT, WITHOUT ROWID;
-- One at a time.
CREATE UNIQUE INDEX sweeps_under_way ON sweeps (organisation) WHERE ended_at IS NULL;
