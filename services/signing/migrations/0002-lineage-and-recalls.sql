-- What artefacts were made from, as their signatures say, and what is not to be used any more.

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
