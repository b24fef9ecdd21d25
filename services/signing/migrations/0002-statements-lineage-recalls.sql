-- Signatures of in-toto statements in envelopes beside those in CMS; what artefacts were made from, as their signatures say; and what is not to
-- be used any more.

CREATE TABLE signatures_of_all_formats (
  signature         INTEGER NOT NULL PRIMARY KEY,
  signature_id      TEXT    NOT NULL UNIQUE,
  organisation      TEXT    NOT NULL,
  signer_key        INTEGER NOT NULL REFERENCES signer_keys,
  requester         TEXT    NOT NULL,
  format            TEXT    NOT NULL CHECK (format IN ('manifest', 'digest', 'oms', 'sigstore', 'attestation')),
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
INSERT INTO signatures_of_all_formats
  (signature, signature_id, organisation, signer_key, requester, format, artefact_digest, artefact_type, name, version, vcc_metadata, content,
   signed_attributes, signature_value, timestamp_token, gen_time)
  SELECT signature, signature_id, organisation, signer_key, requester, format, artefact_digest, artefact_type, name, version, vcc_metadata,
    manifest, signed_attributes, signature_value, timestamp_token, gen_time FROM vcc_code_signatures;
DROP TABLE vcc_code_signatures;
ALTER TABLE signatures_of_all_formats RENAME TO vcc_code_signatures;
CREATE INDEX signatures_by_digest ON vcc_code_signatures (organisation, artefact_digest);


CREATE TABLE lineage (
  signature       INTEGER NOT NULL REFERENCES vcc_code_signatures,
  organisation    TEXT    NOT NULL,
  artefact_digest TEXT    NOT NULL,
  relation        TEXT    NOT NULL CHECK (relation IN ('base-model', 'dataset')),
  source_name     TEXT,
  source_digest   TEXT
) STRICT;
CREATE INDEX lineage_by_artefact ON lineage (organisation, artefact_digest);
CREATE INDEX lineage_by_source ON lineage (organisation, source_digest) WHERE source_digest IS NOT NULL;
CREATE INDEX lineage_by_dataset ON lineage (organisation, source_name) WHERE relation = 'dataset';

-- What signatures said before there was a graph.
INSERT INTO lineage (signature, organisation, artefact_digest, relation, source_name, source_digest)
  SELECT signature, organisation, artefact_digest, 'base-model', vcc_metadata ->> '$.baseModel.name', vcc_metadata ->> '$.baseModel.digest'
  FROM vcc_code_signatures WHERE vcc_metadata -> '$.baseModel' IS NOT NULL;
INSERT INTO lineage (signature, organisation, artefact_digest, relation, source_name, source_digest)
  SELECT signature, organisation, artefact_digest, 'dataset', dataset.value ->> '$.name', dataset.value ->> '$.digest'
  FROM vcc_code_signatures, json_each(vcc_metadata, '$.datasets') AS dataset;

CREATE TABLE recalls (
  recall         INTEGER NOT NULL PRIMARY KEY,
  recall_id      TEXT    NOT NULL UNIQUE,
  organisation   TEXT    NOT NULL,
  requester      TEXT    NOT NULL,
  request_id     TEXT    NOT NULL,
  content_sha256 BLOB    NOT NULL,
  target         TEXT    NOT NULL,              -- JSON: what was asked for
  reason         TEXT    NOT NULL,
  recalled_at    INTEGER NOT NULL,
  UNIQUE (requester, request_id)
) STRICT;

-- Artefacts of an organisation that are recalled, each under the recall that came first.
CREATE TABLE recalled_artefacts (
  organisation    TEXT    NOT NULL,
  artefact_digest TEXT    NOT NULL,
  recall          INTEGER NOT NULL REFERENCES recalls,
  PRIMARY KEY (organisation, artefact_digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX recalled_artefacts_of_recall ON recalled_artefacts (recall);
