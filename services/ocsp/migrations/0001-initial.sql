-- The state of the ocsp service: a copy of what the ca says about certificates, and the answers signed about it. All of it could be
-- made again, at the price of an hour's work. Times are UTC in milliseconds since 1970, serial numbers are the content octets of the
-- INTEGER. Keys do not start with the organisation: relying parties ask by issuer, and what is stored here is public.

-- Authorities whose certificates are asked about, under a small number of our own. Known by its id alone (certificate_der NULL) until
-- the ca has listed it.
CREATE TABLE issuers (
  issuer            INTEGER NOT NULL PRIMARY KEY,
  authority_id      TEXT    NOT NULL UNIQUE,
  organisation      TEXT    NOT NULL,
  parent_id         TEXT,                       -- NULL: a root
  state             TEXT    NOT NULL CHECK (state IN ('active', 'revoked')),
  certificate_der   BLOB,
  issues_responders INTEGER NOT NULL CHECK (issues_responders IN (0, 1)),
  archives          INTEGER NOT NULL CHECK (archives IN (0, 1)),
  crl_shards        INTEGER NOT NULL
) STRICT;

-- Every certificate the ca has told of, expired ones included: a serial number that was issued once is never "not issued".
CREATE TABLE certificates (
  certificate INTEGER NOT NULL PRIMARY KEY,
  issuer      INTEGER NOT NULL REFERENCES issuers,
  serial      BLOB    NOT NULL CHECK (length(serial) BETWEEN 1 AND 20),
  not_after   INTEGER NOT NULL,
  revoked_at  INTEGER,                          -- NULL: good
  reason      INTEGER CHECK ((reason IS NULL) = (revoked_at IS NULL)),
  epoch       INTEGER NOT NULL,                 -- of the position under which the ca told of it last
  UNIQUE (issuer, serial)
) STRICT;
CREATE INDEX certificates_revoked ON certificates (not_after) WHERE revoked_at IS NOT NULL;

-- How far we have followed the ca's changes of status. One row. An epoch begins each time the ca makes us start from its first change;
-- until `complete`, what an earlier epoch knew is kept.
CREATE TABLE position (
  id         INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  generation INTEGER NOT NULL,
  sequence   INTEGER NOT NULL,
  epoch      INTEGER NOT NULL,
  complete   INTEGER NOT NULL CHECK (complete IN (0, 1))
) STRICT;
INSERT INTO position (id, generation, sequence, epoch, complete) VALUES (1, 0, 0, 0, 1);

-- Our delegated keys and their certificates. A step that was begun is repeated under the request id until it is done. While a renewal
-- is under way `renewal_id` names it, and the certificate before serves on.
CREATE TABLE responders (
  responder       INTEGER NOT NULL PRIMARY KEY,
  issuer          INTEGER NOT NULL REFERENCES issuers,
  organisation    TEXT    NOT NULL,
  request_id      TEXT    NOT NULL UNIQUE,
  key_id          TEXT,
  spki_der        BLOB,
  renewal_id      TEXT,
  certificate_der BLOB,
  renew_at        INTEGER,
  not_after       INTEGER,
  retired_at      INTEGER,                      -- signs nothing any more
  destroyed_at    INTEGER,                      -- the key is gone from the token
  created_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX responders_of_issuer ON responders (issuer);

-- Signatures over the answers, from which the answers are put together again octet by octet. Deleted with any change of status.
CREATE TABLE answers (
  certificate INTEGER NOT NULL REFERENCES certificates ON DELETE CASCADE,
  hash        INTEGER NOT NULL CHECK (hash IN (0, 1)),  -- of the CertID: SHA-1, SHA-256
  responder   INTEGER NOT NULL REFERENCES responders,
  this_update INTEGER NOT NULL,                 -- in seconds, as in the answer
  next_update INTEGER NOT NULL,
  signature   BLOB    NOT NULL CHECK (length(signature) <= 72),
  PRIMARY KEY (certificate, hash)
) STRICT, WITHOUT ROWID;

-- Certificate revocation lists in force.
CREATE TABLE lists (
  authority_id TEXT    NOT NULL,
  shard        INTEGER NOT NULL,
  delta        INTEGER NOT NULL CHECK (delta IN (0, 1)),
  crl_number   INTEGER NOT NULL,
  this_update  INTEGER NOT NULL,
  next_update  INTEGER NOT NULL,
  crl_der      BLOB    NOT NULL,
  PRIMARY KEY (authority_id, shard, delta)
) STRICT;
