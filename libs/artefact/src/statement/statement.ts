import {
  ARTEFACT_PREDICATE_TYPE,
  PUBLISH_PREDICATE_TYPE,
  type PublishedFile,
  readAttestation,
  readPublishAttestation,
  type SignedDigest,
} from "./attestation.ts";
import { malformedStatement, parseInTotoStatement, type ReadStatement } from "./in-toto.ts";
import { OMS_PREDICATE_TYPE, readOmsStatement, type SignedFiles, type SignedShards } from "./oms.ts";

/** What the payload of an envelope says: all files of an artefact, whole or in shards, or its digest. Facts are undefined when the signer says nothing of
 *  it. */
export type Statement = SignedFiles | SignedShards | SignedDigest | PublishedFile;

const READERS = new Map<string, (statement: ReadStatement) => Statement>([
  [OMS_PREDICATE_TYPE, readOmsStatement],
  [ARTEFACT_PREDICATE_TYPE, readAttestation],
  [PUBLISH_PREDICATE_TYPE, readPublishAttestation],
]);

/** Reads the payload of an envelope. One that has our facts has to be as we write it, octet by octet; those of other tools may be written otherwise, but
 *  have no name twice. Throws STATEMENT_MALFORMED, ARTEFACT_MALFORMED, NAME_MALFORMED, REQUEST_MALFORMED, REQUEST_TOO_LARGE. */
export function parseStatement(payload: Uint8Array): Statement {
  const statement = parseInTotoStatement(payload);
  const read = READERS.get(statement.predicateType);
  if (read === undefined) throw malformedStatement(`has the predicate ${JSON.stringify(statement.predicateType)}`);
  return read(statement);
}
