-- How a signature is written is for src/forms.ts to say: the list of formats goes out of the table, and what refers to it is made anew with it.

CREATE TABLE kept_lineage AS SELECT signature, organisation, artefact_digest, relation, source_name, source_digest FROM lineage ORDER BY rowid;
CREATE TABLE kept_usages AS SELECT usage, signature, requester, request_id, content_sha256, action, context, times, used_at FROM usages;
DROP TABLE lineage;
DROP TABLE usages;

CREATE TABLE signatures_of_any_format (
  signature         INTEGER NOT NULL PRIMARY KEY,
  signature_id      TEXT    NOT NULL UNIQUE,
  organisation      TEXT    NOT NULL,
  signer_key        INTEGER NOT NULL REFERENCES signer_keys,
  requester         TEXT    NOT NULL,
  format            TEXT    NOT NULL,
  artefact_digest   TEXT    NOT NULL,
  artefact_type     TEXT    CHECK ((artefact_type IS NULL) = (format = 'digest')),
  name              TEXT    CHECK ((name IS NULL) = (format = 'digest')),
  version           TEXT,
  vcc_metadata      TEXT,                       -- canonical JSON
  content           BLOB    CHECK ((content IS NULL) = (format = 'digest')), -- SHA256SUMS, or an in-toto statement
  signed_attributes BLOB    CHECK ((signed_attributes IS NULL) = (format NOT IN ('manifest', 'digest'))),
  signature_value   BLOB    NOT NULL,
  timestamp_token   BLOB    NOT NULL,
  gen_time          INTEGER NOT NULL
) STRICT;
INSERT INTO signatures_of_any_format
  (signature, signature_id, organisation, signer_key, requester, format, artefact_digest, artefact_type, name, version, vcc_metadata, content,
   signed_attributes, signature_value, timestamp_token, gen_time)
  SELECT signature, signature_id, organisation, signer_key, requester, format, artefact_digest, artefact_type, name, version, vcc_metadata,
    content, signed_attributes, signature_value, timestamp_token, gen_time FROM vcc_code_signatures;
DROP TABLE vcc_code_signatures;
ALTER TABLE signatures_of_any_format RENAME TO vcc_code_signatures;
CREATE INDEX signatures_by_digest ON vcc_code_signatures (organisation, artefact_digest);

CREATE TABLE lineage (
  signature       INTEGER NOT NULL REFERENCES vcc_code_signatures,
  organisation    TEXT    NOT NULL,
  artefact_digest TEXT    NOT NULL,
  relation        TEXT    NOT NULL CHECK (relation IN ('base-model', 'dataset')),
  source_name     TEXT,
  source_digest   TEXT
) STRICT;
INSERT INTO lineage (signature, organisation, artefact_digest, relation, source_name, source_digest)
  SELECT signature, organisation, artefact_digest, relation, source_name, source_digest FROM kept_lineage ORDER BY rowid;
CREATE INDEX lineage_by_artefact ON lineage (organisation, artefact_digest);
CREATE INDEX lineage_by_source ON lineage (organisation, source_digest) WHERE source_digest IS NOT NULL;
CREATE INDEX lineage_by_dataset ON lineage (organisation, source_name) WHERE relation = 'dataset';

CREATE TABLE usages (
  usage          INTEGER NOT NULL PRIMARY KEY,
  signature      INTEGER NOT NULL REFERENCES vcc_code_signatures,
  requester      TEXT    NOT NULL,
  request_id     TEXT    NOT NULL,
  content_sha256 BLOB    NOT NULL,
  action         TEXT    NOT NULL CHECK (action IN ('verified', 'loaded', 'refused')),
  context        TEXT    NOT NULL,
  times          INTEGER NOT NULL CHECK (times > 0),
  used_at        INTEGER NOT NULL,
  UNIQUE (requester, request_id)
) STRICT;
INSERT INTO usages (usage, signature, requester, request_id, content_sha256, action, context, times, used_at)
  SELECT usage, signature, requester, request_id, content_sha256, action, context, times, used_at FROM kept_usages;
CREATE INDEX usages_of_signature ON usages (signature, usage);

DROP TABLE kept_lineage;
DROP TABLE kept_usages;
