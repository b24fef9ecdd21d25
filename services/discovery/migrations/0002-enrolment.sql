-- Tokens with which a service enrols. Of a token itself only its SHA-256 is here.
CREATE TABLE enrolment_tokens (
  organisation  TEXT    NOT NULL,
  token_id      TEXT    NOT NULL UNIQUE,
  service       TEXT    NOT NULL,
  dns_names     TEXT    NOT NULL,
  ip_addresses  TEXT    NOT NULL,
  profile       TEXT    NOT NULL,
  network       TEXT    NOT NULL,               -- '': anywhere
  spki_sha256   BLOB,                           -- NULL: any key
  secret_sha256 BLOB    NOT NULL CHECK (length(secret_sha256) = 32),
  created_by    TEXT    NOT NULL,
  created_at    INTEGER NOT NULL,
  expires_at    INTEGER NOT NULL,
  revoked_at    INTEGER,
  used_at       INTEGER,
  PRIMARY KEY (organisation, token_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_of_service ON enrolment_tokens (organisation, service);

-- Services without token that ask for an identity. Anybody may ask; an administrator decides.
CREATE TABLE enrolment_requests (
  organisation         TEXT    NOT NULL,
  enrolment_request_id TEXT    NOT NULL UNIQUE,
  service              TEXT    NOT NULL,
  csr_der              BLOB    NOT NULL,
  secret_sha256        BLOB    NOT NULL CHECK (length(secret_sha256) = 32),
  peer_address         TEXT    NOT NULL,
  profile              TEXT    NOT NULL,        -- '' until it is approved
  decision             TEXT    CHECK (decision IN ('approved', 'refused')),
  decided_by           TEXT    CHECK ((decided_by IS NULL) = (decision IS NULL)),
  requested_at         INTEGER NOT NULL,
  expires_at           INTEGER NOT NULL,
  PRIMARY KEY (organisation, enrolment_request_id)
) STRICT, WITHOUT ROWID;

-- Certificates that were asked for at the ca, each before it was: a repeat under the same request id goes on where the first attempt was left.
CREATE TABLE enrolments (
  organisation   TEXT    NOT NULL,
  enrolment_id   TEXT    NOT NULL,              -- the request id at the ca
  service        TEXT    NOT NULL,
  attestor       TEXT    NOT NULL,              -- what vouched for it: 'token <id>', 'kubernetes <issuer> <subject>', 'request <id>', 'agent <SPIFFE URI>'
  request_id     TEXT    NOT NULL,
  content_sha256 BLOB    NOT NULL,
  profile        TEXT    NOT NULL,
  csr_der        BLOB    NOT NULL,
  begun_at       INTEGER NOT NULL,
  certificate_id TEXT,
  chain_der      BLOB    CHECK ((chain_der IS NULL) = (certificate_id IS NULL)),
  refused        TEXT,                          -- the ca's code: it does not come to a certificate any more
  PRIMARY KEY (organisation, enrolment_id),
  UNIQUE (attestor, request_id)
) STRICT, WITHOUT ROWID;
