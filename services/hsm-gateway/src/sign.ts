import { PkiError, toPkiError } from "@vcc-pki/errors";
import type { SignRequest } from "@vcc-pki/proto/hsm";
import type { Store } from "@vcc-pki/store";
import { type Logger, type Telemetry, withSpan } from "@vcc-pki/telemetry";
import { equalBytes, isSignatureAlgorithmId, type SignatureAlgorithmId } from "@vcc-pki/x509";
import { admit } from "./admit.ts";
import type { ApprovalRecord, Operation } from "./approval-store.ts";
import type { FastSigning } from "./fast-signing.ts";
import { privateKeyOf, signNow, signOnPool } from "./key-pair.ts";
import type { KeyRecord, KeyStore } from "./key-store.ts";
import type { Ledger, Signed } from "./ledger.ts";
import { SIGNING, verifyInSoftware, WrongSignatureError } from "./mechanisms.ts";
import type { Metrics } from "./metrics.ts";
import { type Payload, payloadOf, toPayload } from "./payload.ts";
import { isAuthority, PURPOSE_NAMES } from "./policy.ts";
import type { Quorum } from "./quorum.ts";
import type { Rates } from "./rate.ts";
import { noSuchKey, requestIdReused, requireRequestId, type Who } from "./request.ts";
import type { Connection, Token } from "./token.ts";
import type { Trail } from "./trail.ts";

export interface SigningOptions {
  readonly store: Store;
  readonly keys: KeyStore;
  readonly ledger: Ledger;
  readonly token: Token;
  readonly fast: FastSigning;
  readonly quorum: Quorum;
  readonly rates: Rates;
  readonly trail: Trail;
  readonly metrics: Metrics;
  readonly tracer: Telemetry["tracer"];
  readonly log: Logger;
}

/** What is to be signed, by which key, for whom; everything checked. */
interface Task extends Who {
  readonly key: KeyRecord;
  readonly payload: Payload;
  readonly algorithm: SignatureAlgorithmId;
  readonly requestId: string;
}

interface Running {
  readonly request: SignRequest;
  signature: Promise<Uint8Array>;
}

/** How a signature comes about. The README tells the same story with the same numbers. */
export class Signing {
  readonly #options: SigningOptions;
  /** By caller and request id, so that a request sent twice at once is signed once. */
  readonly #running = new Map<string, Running>();

  constructor(options: SigningOptions) {
    this.#options = options;
    options.quorum.executes("sign", (approval) => this.#signApproved(approval));
  }

  /** Signs what the key's policy admits and returns the signature once it is in the ledger. A repeat returns the first signature.
   *  Throws NOT_FOUND (also for keys that are not this caller's), KEY_NOT_ACTIVE, ALGORITHM_NOT_ALLOWED, PAYLOAD_NOT_ADMITTED and
   *  what parsing throws, REQUEST_ID_REUSED, RATE_LIMITED, APPROVAL_REQUIRED and what becomes of it, HSM_UNAVAILABLE,
   *  STORE_UNAVAILABLE. After the last two the signature may or may not have been made: repeat with the same request id. */
  sign(request: SignRequest, who: Who): Promise<Uint8Array> {
    const id = `${who.caller} ${request.requestId}`;
    const running = this.#running.get(id);
    if (running) return isSameRequest(running.request, request) ? running.signature : Promise.reject(requestIdReused());
    const entry: Running = { request, signature: NEVER };
    this.#running.set(id, entry);
    entry.signature = this.#signOnce(request, who, id);
    return entry.signature;
  }

  async #signOnce(request: SignRequest, who: Who, id: string): Promise<Uint8Array> {
    try {
      return await this.#sign(request, who);
    } catch (error) {
      this.#options.metrics.refused(toPkiError(error).code);
      const { organisation, keyId: target, requestId } = request;
      await this.#options.trail.refused(who, { action: "key.sign", organisation, target, requestId }, error);
      throw error;
    } finally {
      this.#running.delete(id);
    }
  }

  async #sign(request: SignRequest, { caller, requester }: Who): Promise<Uint8Array> {
    const { ledger, quorum, rates, fast } = this.#options;
    const { requestId, organisation, keyId } = request;
    // 1. The request: an id to repeat it by, a payload with a type, an algorithm we know.
    requireRequestId(requestId);
    const payload = toPayload(request.payload);
    const algorithm = requireAlgorithm(request.signatureAlgorithm);
    // 2. The key. To whom it does not belong, it does not exist.
    const key = this.#options.keys.find(organisation, keyId);
    if (!key?.policy.allowedCallers.has(caller)) throw noSuchKey();
    const task: Task = { key, payload, algorithm, caller, requester, requestId };
    // 3. A repeat gets the first signature.
    const first = this.#findFirst(task);
    if (first) return first;
    // 4. The policy: the payload is parsed and held against it.
    requireActive(key);
    admit(payload, algorithm, key);
    // 5. The custodians, for a key under quorum: the signature is made when the last one approves.
    if (key.policy.quorumThreshold > 0) {
      await quorum.require(toOperation(task), { caller, requester, requestId });
      return this.#findFirst(task) ?? missing();
    }
    rates.take(keyId, key.policy.rateLimitPerSecond);
    // 6. The token, and for CA keys a second look at what it made.
    const isFast = SIGNING[algorithm].on === "loop" && payload.octets.length <= MAX_FAST_OCTETS;
    const signature =
      (isFast && (await fast.sign(key, algorithm, payload).catch((error) => this.#refuseWrong(task, error)))) ||
      (await this.#signSlowly(task));
    // 7. The ledger, before anyone else sees it.
    await ledger.record(toSigned(task, signature));
    this.#options.metrics.signed(PURPOSE_NAMES[key.policy.purpose]);
    return signature;
  }

  /** Steps 4 to 7 for what custodians have approved, perhaps days later. */
  async #signApproved(approval: ApprovalRecord): Promise<() => void> {
    const { caller, requester, requestId, organisation, keyId } = approval;
    const key = this.#options.keys.find(organisation, keyId);
    if (!key) throw noSuchKey();
    requireActive(key);
    const payload = payloadOf(approval.payloadType, approval.payload);
    const algorithm = requireAlgorithm(approval.signatureAlgorithm);
    admit(payload, algorithm, key);
    const task: Task = { key, payload, algorithm, caller, requester, requestId };
    const signature = await this.#signSlowly(task);
    return () => this.#options.ledger.insert(toSigned(task, signature));
  }

  #findFirst({ key, payload, algorithm, caller, requestId }: Task): Uint8Array | undefined {
    const first = this.#options.ledger.find(caller, requestId);
    if (!first) return undefined;
    const isSame =
      first.keyId === key.keyId &&
      first.signatureAlgorithm === algorithm &&
      first.payloadType === payload.type &&
      equalBytes(first.payloadSha256, payload.sha256);
    if (!isSame) throw requestIdReused();
    return first.signature;
  }

  async #signSlowly(task: Task): Promise<Uint8Array> {
    const { key, payload, algorithm } = task;
    const { token, tracer } = this.#options;
    const attributes = { "pki.purpose": PURPOSE_NAMES[key.policy.purpose], "pki.algorithm": algorithm };
    const signature = await withSpan(tracer, "hsm.sign", attributes, () =>
      token.run((connection) => signOn(connection, key, algorithm, payload.octets)),
    );
    if (!isAuthority(key.policy.purpose)) return signature;
    if (await verifyInSoftware(key.publicKey, algorithm, payload.octets, signature)) return signature;
    return this.#refuseWrong(task, new WrongSignatureError());
  }

  #refuseWrong({ key: { keyId }, algorithm }: Task, error: unknown): never {
    if (!(error instanceof WrongSignatureError)) throw error;
    this.#options.log.error("token made a wrong signature", { keyId, algorithm });
    throw new PkiError("HSM_UNAVAILABLE", error.message, { cause: error });
  }
}

/** Longer ones, which CRLs are, take longer to hash than to sign. */
const MAX_FAST_OCTETS = 16 * 1024;

const NEVER = new Promise<Uint8Array>(() => {});

function signOn(connection: Connection, key: KeyRecord, algorithm: SignatureAlgorithmId, octets: Uint8Array) {
  const privateKey = privateKeyOf(connection, key.keyId, key.policy.copyable);
  const sign = SIGNING[algorithm].on === "loop" ? signNow : signOnPool;
  return sign(connection, privateKey, algorithm, octets);
}

function toSigned({ key, payload, algorithm, caller, requester, requestId }: Task, signature: Uint8Array): Signed {
  const { purpose, organisation } = key.policy;
  return {
    ...{ organisation, keyId: key.keyId, purpose: PURPOSE_NAMES[purpose], signatureAlgorithm: algorithm },
    ...{ payloadType: payload.type, payloadSha256: payload.sha256, caller, requester, requestId, signature },
  };
}

function toOperation({ key, payload, algorithm }: Task): Operation {
  const { organisation, quorumThreshold: threshold } = key.policy;
  return {
    operation: "sign",
    ...{ organisation, keyId: key.keyId, signatureAlgorithm: algorithm, threshold },
    ...{ payloadType: payload.type, payload: payload.octets },
  };
}

function requireAlgorithm(id: string): SignatureAlgorithmId {
  if (!isSignatureAlgorithmId(id)) throw new PkiError("ALGORITHM_NOT_ALLOWED", `no signature algorithm "${id}"`);
  return id;
}

function requireActive({ state }: KeyRecord): void {
  if (state !== "active") throw new PkiError("KEY_NOT_ACTIVE", "this key does not sign any more");
}

function isSameRequest(a: SignRequest, b: SignRequest): boolean {
  return (
    a.organisation === b.organisation &&
    a.keyId === b.keyId &&
    a.signatureAlgorithm === b.signatureAlgorithm &&
    a.payload?.$case === b.payload?.$case &&
    equalBytes(a.payload?.value ?? new Uint8Array(), b.payload?.value ?? new Uint8Array())
  );
}

function missing(): never {
  throw new Error("approved and done, but not in the ledger");
}
