-- Who signs, what was signed, and with which time stamp. Times are UTC in milliseconds since 1970.

-- Keys of signers and their certificates. A step that was begun is repeated under the request id until it is done.
CREATE TABLE signer_keys (
  signer_key      INTEGER NOT NULL PRIMARY KEY,
  signer_key_id   TEXT    NOT NULL UNIQUE,
  organisation    TEXT    NOT NULL,
  signer          TEXT    NOT NULL,
  requester       TEXT    NOT NULL,
  request_id      TEXT    NOT NULL,
  content_sha256  BLOB    NOT NULL,
  key_algorithm   TEXT    NOT NULL,
  profile         TEXT    NOT NULL,
  key_id          TEXT,
  spki_der        BLOB    CHECK ((spki_der IS NULL) = (key_id IS NULL)),
  csr_der         BLOB,
  chain_der       BLOB,                         -- the certificate, then its issuers without the root
  retired_at      INTEGER,                      -- signs nothing any more
  disabled_at     INTEGER,                      -- the token does not sign with it any more, either
  created_at      INTEGER NOT NULL,
  UNIQUE (requester, request_id)
) STRICT;
CREATE INDEX signer_keys_of_signer ON signer_keys (organisation, signer);

-- Signatures that were begun: a repeat under the same request id goes on with the same key, the same time and the same ids at the peers.
CREATE TABLE intents (
  requester      TEXT    NOT NULL,
  request_id     TEXT    NOT NULL,
  content_sha256 BLOB    NOT NULL,
  signature_id   TEXT    NOT NULL,
  signer_key     INTEGER NOT NULL REFERENCES signer_keys,
  signing_time   INTEGER NOT NULL,
  PRIMARY KEY (requester, request_id)
) STRICT, WITHOUT ROWID;

-- Every signature that was answered, stored before it was, none without time stamp. The message is put together from its parts.
CREATE TABLE vcc_code_signatures (
  signature         INTEGER NOT NULL PRIMARY KEY,
  signature_id      TEXT    NOT NULL UNIQUE,
  organisation      TEXT    NOT NULL,
  signer_key        INTEGER NOT NULL REFERENCES signer_keys,
  requester         TEXT    NOT NULL,
  format            TEXT    NOT NULL CHECK (format IN ('manifest', 'digest')),
  artefact_digest   TEXT    NOT NULL,
  artefact_type     TEXT    CHECK ((artefact_type IS NULL) = (format = 'digest')),
  name              TEXT    CHECK ((name IS NULL) = (format = 'digest')),
  version           TEXT,
  vcc_metadata      TEXT,                       -- canonical JSON
  manifest          BLOB    CHECK ((manifest IS NULL) = (format = 'digest')),
  signed_attributes BLOB    NOT NULL,
  signature_value   BLOB    NOT NULL,
  timestamp_token   BLOB    NOT NULL,
  gen_time          INTEGER NOT NULL
) STRICT;
CREATE INDEX signatures_by_digest ON vcc_code_signatures (organisation, artefact_digest);
