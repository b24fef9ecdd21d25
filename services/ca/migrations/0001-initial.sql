-- The state of the ca service. Times are UTC in milliseconds since 1970, JSON is text, serial numbers are the content
-- octets of the INTEGER. Keys start with the organisation; the exceptions say why.

-- Tenants.
CREATE TABLE organisations (
  organisation     TEXT    NOT NULL PRIMARY KEY CHECK (organisation GLOB '[a-z]*'),
  name             TEXT    NOT NULL,
  isolation_level  TEXT    NOT NULL CHECK (isolation_level IN ('strict', 'collaborative', 'federated')),
  allowed_names    TEXT    NOT NULL CHECK (json_valid(allowed_names)),     -- ["argus.example", "*.vcc.internal"]
  allowed_networks TEXT    NOT NULL CHECK (json_valid(allowed_networks)),  -- ["10.0.0.0/8"]
  admin_contact    TEXT    NOT NULL,
  created_at       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tenant_isolation_policies (
  organisation          TEXT    NOT NULL PRIMARY KEY REFERENCES organisations,
  service_access_matrix TEXT    NOT NULL CHECK (json_valid(service_access_matrix)),
  data_sharing_level    TEXT    NOT NULL CHECK (data_sharing_level IN ('none', 'metadata_only', 'full')),
  cross_tenant_auth     INTEGER NOT NULL CHECK (cross_tenant_auth IN (0, 1))
) STRICT, WITHOUT ROWID;

-- People of other organisations who may administer this one.
CREATE TABLE memberships (
  organisation TEXT    NOT NULL REFERENCES organisations,
  identity     TEXT    NOT NULL,          -- SPIFFE URI
  granted_by   TEXT    NOT NULL,
  granted_at   INTEGER NOT NULL,
  expires_at   INTEGER,                   -- NULL: until revoked
  PRIMARY KEY (organisation, identity)
) STRICT, WITHOUT ROWID;

-- Certificate authorities. While an authority is pending, tbs_der is what waits to be signed.
CREATE TABLE authorities (
  organisation     TEXT    NOT NULL REFERENCES organisations,
  authority_id     TEXT    NOT NULL UNIQUE,  -- unique in the suite: it is part of URLs and certificate ids
  parent_id        TEXT    REFERENCES authorities (authority_id),  -- NULL: a root
  state            TEXT    NOT NULL CHECK (state IN ('pending', 'active', 'revoked', 'refused')),
  request_id       TEXT    NOT NULL,
  attempt_id       TEXT    NOT NULL,         -- names this attempt towards the hsm-gateway
  caller           TEXT    NOT NULL,
  requester        TEXT    NOT NULL,
  common_name      TEXT    NOT NULL,
  key_algorithm    TEXT    NOT NULL,
  validity_days    INTEGER NOT NULL,
  profiles         TEXT    NOT NULL CHECK (json_valid(profiles)),
  path_length      INTEGER,                  -- NULL: unlimited
  name_constraints TEXT    CHECK (json_valid(name_constraints)),
  quorum_threshold INTEGER NOT NULL,
  key_id           TEXT,
  spki_der         BLOB,
  token            TEXT,
  serial           BLOB,
  tbs_der          BLOB,
  approval_id      TEXT,
  refusal_code     TEXT,
  certificate_der  BLOB,
  not_before       INTEGER,
  not_after        INTEGER,
  created_at       INTEGER NOT NULL,
  PRIMARY KEY (organisation, authority_id),
  CHECK (state NOT IN ('active', 'revoked') OR (certificate_der IS NOT NULL AND key_id IS NOT NULL))
) STRICT;

-- Organisations that may obtain certificates from an authority of another one.
CREATE TABLE authority_users (
  organisation TEXT    NOT NULL REFERENCES organisations,  -- who may use it
  authority_id TEXT    NOT NULL REFERENCES authorities (authority_id),
  granted_by   TEXT    NOT NULL,
  granted_at   INTEGER NOT NULL,
  PRIMARY KEY (organisation, authority_id)
) STRICT, WITHOUT ROWID;

-- Every version of every profile that has been in force. The operator's organisation owns them.
CREATE TABLE profiles (
  organisation TEXT    NOT NULL REFERENCES organisations,
  profile      TEXT    NOT NULL,
  version      INTEGER NOT NULL CHECK (version >= 1),
  sha256       BLOB    NOT NULL CHECK (length(sha256) = 32),  -- of the YAML
  yaml         TEXT    NOT NULL,
  recorded_at  INTEGER NOT NULL,
  PRIMARY KEY (organisation, profile, version)
) STRICT, WITHOUT ROWID;

-- What was asked under which request id, so that a repeat gets the first answer. Time-ordered request ids (UUIDv7) keep
-- this table fast; others work.
CREATE TABLE requests (
  organisation   TEXT    NOT NULL,
  requester      TEXT    NOT NULL,
  request_id     TEXT    NOT NULL,
  content_sha256 BLOB    NOT NULL CHECK (length(content_sha256) = 32),
  target         TEXT    NOT NULL,          -- what came of it: certificate id, authority id, ...
  recorded_at    INTEGER NOT NULL,
  PRIMARY KEY (organisation, requester, request_id)
) STRICT, WITHOUT ROWID;

-- What will be signed, stored before it is. A row that outlives its issuance says what may exist.
CREATE TABLE issuance_intents (
  organisation    TEXT    NOT NULL REFERENCES organisations,
  authority_id    TEXT    NOT NULL REFERENCES authorities (authority_id),
  serial          BLOB    NOT NULL CHECK (length(serial) BETWEEN 16 AND 20),
  caller          TEXT    NOT NULL,
  requester       TEXT    NOT NULL,
  request_id      TEXT    NOT NULL,
  profile         TEXT    NOT NULL,
  profile_version INTEGER NOT NULL,
  tbs_der         BLOB    NOT NULL,
  created_at      INTEGER NOT NULL,
  abandoned_at    INTEGER,                  -- given up: why is in code
  code            TEXT,
  PRIMARY KEY (organisation, authority_id, serial)
) STRICT, WITHOUT ROWID;

-- Every certificate of every authority, its own included. Serial numbers grow with time, so each index below grows at
-- one end per group: an insert stays cheap among millions. Subject, names and dates are read from the certificate.
CREATE TABLE certificates (
  organisation    TEXT    NOT NULL REFERENCES organisations,
  authority_id    TEXT    NOT NULL REFERENCES authorities (authority_id),
  serial          BLOB    NOT NULL CHECK (length(serial) BETWEEN 16 AND 20),
  profile         TEXT    NOT NULL,         -- "authority" for certificates of authorities
  profile_version INTEGER NOT NULL,
  requester       TEXT    NOT NULL,
  issued_at       INTEGER NOT NULL,
  not_after       INTEGER NOT NULL,
  crl_shard       INTEGER NOT NULL DEFAULT 0,
  notice_due_at   INTEGER,                  -- when the next expiry notice is due; NULL: none
  certificate_der BLOB    NOT NULL,
  PRIMARY KEY (organisation, serial, authority_id),
  UNIQUE (authority_id, serial)
) STRICT;
CREATE INDEX certificates_by_profile ON certificates (organisation, profile, serial);
CREATE INDEX certificates_by_expiry ON certificates (organisation, not_after, serial);
CREATE INDEX certificates_due ON certificates (notice_due_at) WHERE notice_due_at IS NOT NULL;

-- Search by name. A term is a name as it stands, or a DNS name with its labels reversed ("internal.vcc.argus") after "<".
CREATE TABLE certificate_names (
  organisation TEXT NOT NULL,
  term         TEXT NOT NULL,
  serial       BLOB NOT NULL,
  PRIMARY KEY (organisation, term, serial DESC)
) STRICT, WITHOUT ROWID;

-- Whose each certified key is: no key serves two organisations or two purposes. A log, read into memory at start: looking keys
-- up in an index of hashes would cost more than all other writes of an issuance.
CREATE TABLE key_holders (
  holder_id    INTEGER PRIMARY KEY,
  organisation TEXT NOT NULL REFERENCES organisations,
  purpose      TEXT NOT NULL,
  UNIQUE (organisation, purpose)
) STRICT;
CREATE TABLE certified_keys (
  id             INTEGER PRIMARY KEY,
  holder_id      INTEGER NOT NULL REFERENCES key_holders,
  spki_sha256_64 BLOB    NOT NULL CHECK (length(spki_sha256_64) = 8)  -- first eight octets of the SHA-256
) STRICT;

-- One row per revoked certificate.
CREATE TABLE revocations (
  organisation    TEXT    NOT NULL REFERENCES organisations,
  authority_id    TEXT    NOT NULL,
  serial          BLOB    NOT NULL,
  crl_shard       INTEGER NOT NULL,
  revoked_at      INTEGER NOT NULL,
  reason          INTEGER NOT NULL CHECK (reason IN (0, 1, 2, 3, 4, 5, 6, 9, 10)),  -- RFC 5280 section 5.3.1
  invalidity_date INTEGER,
  listed_until    INTEGER,                  -- notAfter; NULL: stays on the list forever
  requester       TEXT    NOT NULL,
  PRIMARY KEY (organisation, serial, authority_id),
  FOREIGN KEY (authority_id, serial) REFERENCES certificates (authority_id, serial)
) STRICT, WITHOUT ROWID;
CREATE INDEX revocations_by_list ON revocations (authority_id, crl_shard, serial);

-- Where each certificate revocation list stands.
CREATE TABLE crl_state (
  organisation TEXT    NOT NULL REFERENCES organisations,
  authority_id TEXT    NOT NULL REFERENCES authorities (authority_id),
  crl_shard    INTEGER NOT NULL,
  last_number  INTEGER NOT NULL,            -- greatest number ever given out; shared by full and delta lists
  dirty_since  INTEGER,                     -- a revocation is not on the list yet
  due_at       INTEGER NOT NULL,            -- when to sign the next one regardless
  PRIMARY KEY (organisation, authority_id, crl_shard)
) STRICT, WITHOUT ROWID;

-- Lists, signed or about to be. The number is taken and the bytes are stored before they are signed.
CREATE TABLE crls (
  organisation TEXT    NOT NULL REFERENCES organisations,
  authority_id TEXT    NOT NULL REFERENCES authorities (authority_id),
  crl_shard    INTEGER NOT NULL,
  crl_number   INTEGER NOT NULL,
  kind         TEXT    NOT NULL CHECK (kind IN ('full', 'delta')),
  state        TEXT    NOT NULL CHECK (state IN ('pending', 'published', 'abandoned')),
  this_update  INTEGER NOT NULL,
  next_update  INTEGER NOT NULL,
  tbs_der      BLOB,
  approval_id  TEXT,
  crl_der      BLOB,
  PRIMARY KEY (organisation, authority_id, crl_shard, crl_number),
  CHECK (state <> 'published' OR crl_der IS NOT NULL)
) STRICT;

-- The first octet of every serial number. Raised after a restore, so that what was issued since the backup cannot be
-- issued again. One row; not a tenant's.
CREATE TABLE serial_generation (
  id         INTEGER PRIMARY KEY CHECK (id = 1),
  generation INTEGER NOT NULL CHECK (generation BETWEEN 1 AND 127),
  since      INTEGER NOT NULL
) STRICT;
INSERT INTO serial_generation (id, generation, since) VALUES (1, 1, 0);
