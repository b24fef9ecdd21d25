-- Calls between services, as far as decisions on them were asked for: counted by who calls whom.
CREATE TABLE observed_calls (
  organisation        TEXT    NOT NULL,         -- of who calls
  source              TEXT    NOT NULL,
  target_organisation TEXT    NOT NULL,
  target              TEXT    NOT NULL,
  allowed             INTEGER NOT NULL,
  denied              INTEGER NOT NULL,
  observed_at         INTEGER NOT NULL,
  PRIMARY KEY (organisation, source, target_organisation, target)
) STRICT, WITHOUT ROWID;
