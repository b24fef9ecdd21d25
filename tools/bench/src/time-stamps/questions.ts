import { randomBytes } from "node:crypto";
import { TimestampServiceDefinition } from "@vcc-pki/proto/tsa";
import type { Remote } from "@vcc-pki/rpc";
import type { Suite } from "@vcc-pki/suite-tool";
import {
  buildTimeStampReq,
  faultsText,
  type MessageImprint,
  messageImprintOf,
  parseTimeStampResp,
} from "@vcc-pki/x509";
import { HttpConnection, postRequest } from "../http-connection.ts";
import type { Place, WrkQuestions } from "../wrk.ts";

const PATH = "/tsa";
const REQUEST_TYPE = "application/timestamp-query";
const DIGEST_OCTETS = 32;
const NONCE_OCTETS = 8;
/** Before the random octets of a nonce, so that any of them make the shortest form of a positive INTEGER. */
const NONCE_LEAD = 0x40;
/** PKIStatusInfo of status granted (RFC 3161 section 2.4.2), behind the tag and the three octets of length of a TimeStampResp. */
const GRANTED = { offset: 4, octets: Uint8Array.of(0x30, 3, 2, 1, 0) };

/** A TimeStampReq as clients send it: a SHA-256 digest, a nonce, the certificates wanted. */
export const questionAbout = (messageImprint: MessageImprint, nonce: Uint8Array = newNonce()): Uint8Array =>
  buildTimeStampReq({ messageImprint, nonce, certReq: true });

export const newDigest = (): Uint8Array => randomBytes(DIGEST_OCTETS);

const newNonce = (): Uint8Array => Uint8Array.of(NONCE_LEAD, ...randomBytes(NONCE_OCTETS));

export interface QuestionPattern {
  readonly pattern: Uint8Array;
  /** Digest and nonce. */
  readonly random: readonly Place[];
}

/** A question of which whatever stands at the random places makes another. */
export function questionPattern(): QuestionPattern {
  const digest = new Uint8Array(DIGEST_OCTETS).fill(0xdd);
  const nonce = Uint8Array.of(NONCE_LEAD, ...new Uint8Array(NONCE_OCTETS).fill(0xee));
  const pattern = Buffer.from(questionAbout(messageImprintOf("sha256", digest), nonce));
  const random = [
    { offset: pattern.indexOf(digest), length: DIGEST_OCTETS },
    { offset: pattern.indexOf(nonce) + 1, length: NONCE_OCTETS },
  ];
  return { pattern, random };
}

/** For `wrk`: every question with a digest and a nonce of its own, every answer a token. */
export const wrkQuestions = (): WrkQuestions => ({
  ...{ method: "PATTERN", path: PATH, type: REQUEST_TYPE, answer: GRANTED },
  ...questionPattern(),
});

/** Stamps a new digest over HTTP and has the tsa verify the token. Resolves with the digest; rejects unless every check holds. */
export async function requireGoodToken(suite: Suite): Promise<Uint8Array> {
  const imprint = messageImprintOf("sha256", newDigest());
  const nonce = newNonce();
  const connection = await HttpConnection.open(suite.tsaHttpPort);
  try {
    const request = postRequest(PATH, REQUEST_TYPE, questionAbout(imprint, nonce));
    const { status, tokenDer } = parseTimeStampResp(await connection.send(request));
    if (tokenDer === undefined) throw new Error(`the tsa answers ${status}`);
    const verdict = await timestampService(suite).verify({ ...verifyRequest(tokenDer, imprint.digest), nonce });
    if (!verdict.ok) throw new Error(`the token is not good: ${faultsText(verdict.checks)}`);
    return imprint.digest;
  } finally {
    connection.close();
  }
}

export type TimestampService = Remote<typeof TimestampServiceDefinition>;

/** As the gateway reaches it, over a connection of its own. */
export const timestampService = (suite: Suite): TimestampService =>
  suite.connect(TimestampServiceDefinition, "tsa", "gateway");

/** What is asked of Verify about a token over a SHA-256 digest, when nothing but these two are at hand. */
export const verifyRequest = (tokenDer: Uint8Array, digest: Uint8Array, anchorsDer: Uint8Array[] = []) => ({
  ...{ tokenDer, anchorsDer, nonce: new Uint8Array(), policyOids: [], certificatesDer: [], crlsDer: [] },
  ...{ ocspResponsesDer: [], requireRevocation: false },
  stamped: { $case: "messageImprint", value: { hashAlgorithm: "sha256", digest } } as const,
});
