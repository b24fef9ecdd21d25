import { PkiError } from "@vcc-pki/errors";
import type { Custodian, RegisterCustodiansRequest } from "@vcc-pki/proto/hsm";
import { parseSpiffeId } from "@vcc-pki/rpc";
import type { Store } from "@vcc-pki/store";
import type { Clock } from "@vcc-pki/time";
import { importPublicKey, keyAlgorithmOf } from "@vcc-pki/x509";
import canonicalize from "canonicalize";
import type { ApprovalRecord } from "./approval-store.ts";
import type { CustodianRecord, CustodianSet, CustodianStore } from "./custodian-store.ts";
import type { KeyStore } from "./key-store.ts";
import type { Quorum } from "./quorum.ts";
import { contentSha256, requestIdReused, requireRequestId, type Who } from "./request.ts";
import type { Trail } from "./trail.ts";

export interface CustodiansOptions {
  readonly store: Store;
  readonly custodians: CustodianStore;
  readonly keys: KeyStore;
  readonly quorum: Quorum;
  readonly trail: Trail;
  readonly clock: Clock;
  readonly trustDomain: string;
}

const MAX_CUSTODIANS = 32;
const CUSTODIAN_KEYS: ReadonlySet<string> = new Set(["ec-p256", "ed25519"]);

/** The people whose signatures make a quorum. */
export class Custodians {
  readonly #options: CustodiansOptions;

  constructor(options: CustodiansOptions) {
    this.#options = options;
    options.quorum.executes("replace-custodians", async (approval) => () => this.#replace(approval));
  }

  list(): readonly CustodianRecord[] {
    return this.#options.custodians.current()?.custodians ?? [];
  }

  /** Registers the first custodians, as long as no key exists; later, replaces them once the present ones approve. Throws
   *  REGISTRATION_CLOSED, APPROVAL_REQUIRED and what becomes of it, REQUEST_MALFORMED, REQUEST_ID_REUSED. */
  register(request: RegisterCustodiansRequest, who: Who): Promise<readonly CustodianRecord[]> {
    const { requestId } = request;
    return this.#options.trail.refusals(who, { action: "custodians.register", organisation: "", requestId }, () =>
      this.#register(request, who),
    );
  }

  async #register(request: RegisterCustodiansRequest, who: Who): Promise<readonly CustodianRecord[]> {
    const { custodians, keys, quorum } = this.#options;
    const { requestId } = request;
    requireRequestId(requestId);
    const set = parseSet(request, this.#options.trustDomain);
    const payload = encodeSet(set);

    const first = custodians.findByRequest(who.caller, requestId);
    if (first) {
      if (!Buffer.from(contentSha256(payload)).equals(first.requestSha256)) throw requestIdReused();
      return first.custodians;
    }
    const present = custodians.current();
    if (!present) {
      if (!keys.isEmpty) throw new PkiError("REGISTRATION_CLOSED", "keys exist: custodians come before keys");
      await this.#write(set, { ...who, requestId });
      return set.custodians;
    }
    if (set.custodians.length < keys.highestQuorum()) {
      throw new PkiError("REQUEST_MALFORMED", "a key needs more custodians than these");
    }
    await quorum.require(
      {
        ...{ operation: "replace-custodians", organisation: "", keyId: "", signatureAlgorithm: "" },
        ...{ payloadType: "custodians", payload, threshold: present.threshold },
      },
      { ...who, requestId },
    );
    return this.list();
  }

  #write(set: CustodianSet, asker: Who & { requestId: string }): Promise<void> {
    return this.#options.store.write(() => this.#insert(set, asker));
  }

  /** The approved change. Decisions on other requests were made by people who may be custodians no longer. */
  #replace(approval: ApprovalRecord): void {
    this.#insert(decodeSet(approval.payload), approval);
    this.#options.quorum.expireOthers(approval.approvalId);
  }

  #insert(set: CustodianSet, { caller, requester, requestId }: Who & { requestId: string }): void {
    const { custodians, store, clock } = this.#options;
    const requestSha256 = contentSha256(encodeSet(set));
    custodians.insert({ ...set, caller, requestId, requestSha256, registeredAt: clock.now() });
    store.audit.add({
      ...{ action: "custodians.register", outcome: "done", organisation: "", caller, requester, requestId },
      details: { threshold: set.threshold, custodians: set.custodians.map(({ custodianId }) => custodianId) },
    });
  }
}

function parseSet({ custodians, threshold }: RegisterCustodiansRequest, trustDomain: string): CustodianSet {
  if (custodians.length > MAX_CUSTODIANS) throw malformed(`more than ${MAX_CUSTODIANS} custodians`);
  if (threshold < 1 || threshold > custodians.length) throw malformed("threshold is not between 1 and their number");
  for (const part of ["custodianId", "identity"] as const) {
    if (new Set(custodians.map((each) => each[part])).size < custodians.length)
      throw malformed(`a ${part} comes twice`);
  }
  const parsed = custodians.map((each) => parseCustodian(each, trustDomain));
  const keys = new Set(parsed.map(({ spkiDer }) => Buffer.from(spkiDer).toString("hex")));
  if (keys.size < parsed.length) throw malformed("two custodians have one key");
  return { threshold, custodians: parsed.toSorted((a, b) => (a.custodianId < b.custodianId ? -1 : 1)) };
}

function parseCustodian({ custodianId, identity, spkiDer }: Custodian, trustDomain: string): CustodianRecord {
  if (!/^[a-z0-9][a-z0-9._-]{0,62}$/.test(custodianId)) throw malformed("custodian_id is not an id");
  parseSpiffeId(identity, trustDomain);
  if (!CUSTODIAN_KEYS.has(keyAlgorithmOf(spkiDer))) {
    throw new PkiError("KEY_NOT_ALLOWED", "a custodian's key is P-256 or Ed25519");
  }
  importPublicKey(spkiDer);
  return { custodianId, identity, spkiDer: new Uint8Array(spkiDer) };
}

/** The set as custodians see it when they are asked to agree to it: RFC 8785 JSON, keys in base64. */
function encodeSet({ threshold, custodians }: CustodianSet): Uint8Array {
  const plain = custodians.map(({ custodianId, identity, spkiDer }) => ({
    ...{ custodianId, identity },
    spki: Buffer.from(spkiDer).toString("base64"),
  }));
  return new Uint8Array(Buffer.from(canonicalize({ threshold, custodians: plain }) ?? ""));
}

function decodeSet(payload: Uint8Array): CustodianSet {
  const { threshold, custodians } = JSON.parse(Buffer.from(payload).toString("utf8")) as {
    threshold: number;
    custodians: { custodianId: string; identity: string; spki: string }[];
  };
  return {
    threshold,
    custodians: custodians.map(({ spki, ...rest }) => ({
      ...rest,
      spkiDer: new Uint8Array(Buffer.from(spki, "base64")),
    })),
  };
}

const malformed = (why: string): PkiError => new PkiError("REQUEST_MALFORMED", `custodians: ${why}`);
