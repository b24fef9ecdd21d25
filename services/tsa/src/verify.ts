import { hash } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import type { VerifyRequest, VerifyResponse } from "@vcc-pki/proto/tsa";
import type { SuiteTrust } from "@vcc-pki/service";
import type { Clock } from "@vcc-pki/time";
import {
  DerReader,
  HASH_ALGORITHMS,
  type HashAlgorithm,
  parseCertificate,
  parseCertificateList,
  parseOcspResponse,
  parseTimeStampResp,
  serialToHex,
  TAG,
  type TimeStampQuestion,
  TrustMemory,
  trustAnchors,
  verifyTimeStampToken,
} from "@vcc-pki/x509";

/** Of each kind of thing a request may bring along. */
const MAX_BROUGHT = 32;

type Brought = Pick<VerifyRequest, "anchorsDer" | "crlsDer" | "ocspResponsesDer" | "requireRevocation">;

/** Says of a token, ours or another authority's, whether it is what it seems, and names every check. */
export class Verifier {
  readonly #trust: SuiteTrust;
  readonly #clock: Clock;
  readonly #memories = new Map<boolean, TrustMemory>();
  #generation = -1;

  constructor(trust: SuiteTrust, clock: Clock) {
    this.#trust = trust;
    this.#clock = clock;
  }

  /** A token that is none is an answer, too. Throws REQUEST_MALFORMED when it is not said what was stamped, ALGORITHM_NOT_ALLOWED for its
   *  hash, and the parser's refusal of what was brought along. */
  verify(request: VerifyRequest): VerifyResponse {
    const brought = [request.anchorsDer, request.certificatesDer, request.crlsDer, request.ocspResponsesDer];
    if (brought.some((list) => list.length > MAX_BROUGHT))
      throw new PkiError("REQUEST_MALFORMED", `at most ${MAX_BROUGHT} certificates, lists or responses`);
    const tokenDer = tokenIn(request.tokenDer);
    const { ok, checks, tstInfo, signer } = verifyTimeStampToken(tokenDer, {
      messageImprint: stampedOf(request),
      nonce: request.nonce.length === 0 ? undefined : request.nonce,
      policies: request.policyOids.length === 0 ? undefined : request.policyOids,
      certificates: request.certificatesDer.map(parseCertificate),
      trust: this.#trustOf(request),
    });
    return {
      ok,
      genTime: tstInfo?.genTime,
      serialHex: tstInfo === undefined ? "" : serialToHex(tstInfo.serial),
      policyOid: tstInfo?.policy ?? "",
      signerDer: signer?.der ?? new Uint8Array(),
      checks: checks.map(({ name, ok: holds, reason = "" }) => ({ name, ok: holds, reason })),
    };
  }

  /** The suite's own authorities, and whom the request trusts beside them. */
  #trustOf(request: VerifyRequest): TimeStampQuestion["trust"] {
    const { anchorsDer, crlsDer, ocspResponsesDer, requireRevocation } = request;
    const bringsNothing = anchorsDer.length + crlsDer.length + ocspResponsesDer.length === 0;
    return bringsNothing ? this.#remembered(requireRevocation).check : this.#trustNow(request);
  }

  /** Until the ca has something new to say. */
  #remembered(requireRevocation: boolean): TrustMemory {
    if (this.#generation !== this.#trust.generation) this.#memories.clear();
    this.#generation = this.#trust.generation;
    const known = this.#memories.get(requireRevocation);
    if (known !== undefined) return known;
    const nothing = { anchorsDer: [], crlsDer: [], ocspResponsesDer: [] };
    const memory = new TrustMemory((...about) => this.#trustNow({ ...nothing, requireRevocation })(...about));
    this.#memories.set(requireRevocation, memory);
    return memory;
  }

  #trustNow({ anchorsDer, crlsDer, ocspResponsesDer, requireRevocation }: Brought): TimeStampQuestion["trust"] {
    return trustAnchors({
      anchors: [...this.#trust.anchors, ...anchorsDer.map(parseCertificate)],
      intermediates: this.#trust.intermediates,
      revocation: {
        crls: [...this.#trust.crls, ...crlsDer.map(parseCertificateList)],
        ocspResponses: ocspResponsesDer.map(parseOcspResponse),
        now: this.#clock.now(),
      },
      requireRevocation,
    });
  }
}

/** Of a TimeStampResp, the token in it; octets of any other kind as they are. */
function tokenIn(der: Uint8Array): Uint8Array {
  try {
    const first = DerReader.over(der).enter(TAG.SEQUENCE).peekTag();
    return (first === TAG.SEQUENCE ? parseTimeStampResp(der).tokenDer : undefined) ?? der;
  } catch (error) {
    if (error instanceof PkiError) return der; // is found malformed when it is verified
    throw error;
  }
}

/** Data is hashed as the token says. */
function stampedOf({ stamped }: VerifyRequest): TimeStampQuestion["messageImprint"] {
  if (stamped?.$case === "data") return (algorithm) => hash(algorithm, stamped.value, "buffer");
  if (stamped?.$case !== "messageImprint") throw new PkiError("REQUEST_MALFORMED", "what was stamped is missing");
  const { hashAlgorithm, digest } = stamped.value;
  if (!Object.hasOwn(HASH_ALGORITHMS, hashAlgorithm))
    throw new PkiError("ALGORITHM_NOT_ALLOWED", "hash algorithm is not one we accept");
  return { hash: hashAlgorithm as HashAlgorithm, digest };
}
