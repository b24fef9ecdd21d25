import { PkiError } from "@vcc-pki/errors";
import {
  type Approval as ApprovalMessage,
  ApprovalServiceDefinition,
  ApprovalState,
  type Custodian,
  CustodianServiceDefinition,
  Decision,
  type Key,
  KeyServiceDefinition,
  KeyState,
  type LedgerEntry as LedgerEntryMessage,
  LedgerServiceDefinition,
  SigningServiceDefinition,
} from "@vcc-pki/proto/hsm";
import { type CallContext, implement, parseSpiffeId, type ServiceImplementation } from "@vcc-pki/rpc";
import type { Logger } from "@vcc-pki/telemetry";
import type { ApprovalStateName, DecisionName } from "./approval-store.ts";
import type { KeyCreation } from "./create-key.ts";
import type { CustodianRecord } from "./custodian-store.ts";
import type { Custodians } from "./custodians.ts";
import type { KeyRecord } from "./key-store.ts";
import type { Keys } from "./keys.ts";
import type { Ledger, LedgerEntry } from "./ledger.ts";
import { PURPOSE_NAMES, type Purpose, policyToProto } from "./policy.ts";
import type { Approval, Quorum } from "./quorum.ts";
import type { Who } from "./request.ts";
import type { Signing } from "./sign.ts";
import { answerStream } from "./sign-stream.ts";

export interface Parts {
  readonly creation: KeyCreation;
  readonly keys: Keys;
  readonly signing: Signing;
  readonly quorum: Quorum;
  readonly custodians: Custodians;
  readonly ledger: Ledger;
  readonly log: Logger;
  /** "software token (SoftHSM)". */
  readonly tokenDescription: () => string;
}

export interface Access {
  /** Which service makes keys for which purposes. */
  readonly creators: Readonly<Record<string, readonly string[]>>;
  /** Services whose word on the requester is believed. */
  readonly mayForward: readonly string[];
  readonly trustDomain: string;
}

/** Reads every key of an organisation, for people; approvals and custodians pass through it. */
const FOR_PEOPLE = "gateway";
/** The first ceremony runs in one process with the gateway. */
const CEREMONY = "ceremony";

/** The five services: who may call what, and protobuf in both directions. */
export function services(parts: Parts, access: Access): ServiceImplementation[] {
  return [
    keyService(parts, access),
    signingService(parts, access),
    approvalService(parts),
    custodianService(parts),
    ledgerService(parts),
  ];
}

function keyService({ creation, keys, tokenDescription }: Parts, { creators }: Access): ServiceImplementation {
  const makers = Object.keys(creators);
  const readers = [...makers, FOR_PEOPLE, CEREMONY];
  const isReader = ({ caller }: CallContext) =>
    caller.kind === "suite" && (caller.service === FOR_PEOPLE || caller.service === CEREMONY);
  const toKey = (key: KeyRecord): Key => keyToProto(key, tokenDescription());
  return implement(
    KeyServiceDefinition,
    {
      createKey: async (request, context) => {
        const { caller } = context;
        const purposes = caller.kind === "suite" ? (creators[caller.service] ?? []) : [];
        return toKey(await creation.create(request, purposes, whoOf(context)));
      },
      getKey: async ({ organisation, keyId }, context) =>
        toKey(keys.get(organisation, keyId, context.caller.uri, isReader(context))),
      listKeys: async ({ organisation, pageSize, pageToken }, context) => {
        const limit = pageLimit(pageSize);
        const found = keys.list(organisation, pageToken, limit, context.caller.uri, isReader(context));
        return { keys: found.map(toKey), nextPageToken: found.length === limit ? (found.at(-1)?.keyId ?? "") : "" };
      },
      disableKey: async (request, context) => toKey(await keys.disable(request, whoOf(context))),
      destroyKey: async (request, context) => toKey(await keys.destroy(request, whoOf(context))),
    },
    { createKey: makers, getKey: readers, listKeys: readers, disableKey: makers, destroyKey: makers },
  );
}

/** Any service may ask; the key's policy decides. */
function signingService({ signing, log }: Parts, { mayForward, trustDomain }: Access): ServiceImplementation {
  return implement(
    SigningServiceDefinition,
    {
      sign: async (request, context) => ({ signature: await signing.sign(request, whoOf(context)) }),
      signStream: (requests, context) => {
        const itself = whoOf(context);
        const { caller } = context;
        const isBelieved = caller.kind === "suite" && mayForward.includes(caller.service);
        const whoOfItem = (requester: string): Who =>
          requester === "" || !isBelieved
            ? itself
            : { ...itself, requester: parseSpiffeId(requester, trustDomain).uri };
        return answerStream(requests, signing, whoOfItem, log);
      },
    },
    { sign: ["any-suite"], signStream: ["any-suite"] },
  );
}

function approvalService({ quorum }: Parts): ServiceImplementation {
  const people = [FOR_PEOPLE, CEREMONY];
  return implement(
    ApprovalServiceDefinition,
    {
      list: async ({ state }) => ({ approvals: quorum.list(parseApprovalState(state)).map(approvalToProto) }),
      get: async ({ approvalId }) => approvalToProto(quorum.get(approvalId)),
      decide: async ({ approvalId, custodianId, decision, signature }, context) => {
        const by = { custodianId, decision: parseDecision(decision), signature };
        return approvalToProto(await quorum.decide(approvalId, by, whoOf(context)));
      },
    },
    { list: people, get: people, decide: people },
  );
}

function custodianService({ custodians }: Parts): ServiceImplementation {
  const people = [FOR_PEOPLE, CEREMONY];
  const toProto = (list: readonly CustodianRecord[]): { custodians: Custodian[] } => ({ custodians: [...list] });
  return implement(
    CustodianServiceDefinition,
    {
      register: async (request, context) => toProto(await custodians.register(request, whoOf(context))),
      list: async () => toProto(custodians.list()),
    },
    { register: people, list: people },
  );
}

function ledgerService({ ledger }: Parts): ServiceImplementation {
  return implement(
    LedgerServiceDefinition,
    {
      list: async ({ afterSequence, pageSize }) => ({
        entries: ledger.list(afterSequence, pageLimit(pageSize)).map(ledgerEntryToProto),
      }),
    },
    { list: ["audit", FOR_PEOPLE] },
  );
}

const whoOf = ({ caller, requester }: CallContext): Who => ({ caller: caller.uri, requester: requester.uri });

function pageLimit(pageSize: number): number {
  if (pageSize > 1_000) throw new PkiError("REQUEST_MALFORMED", "page_size is above 1000");
  return pageSize || 100;
}

const KEY_STATES: Readonly<Record<KeyRecord["state"], KeyState>> = {
  active: KeyState.ACTIVE,
  disabled: KeyState.DISABLED,
  destroying: KeyState.DISABLED,
  destroyed: KeyState.DESTROYED,
};

function keyToProto({ keyId, label, keyAlgorithm, policy, state, spkiDer, createdAt }: KeyRecord, token: string): Key {
  return {
    ...{ keyId, label, keyAlgorithm, spkiDer, createdAt, token },
    ...{ policy: policyToProto(policy), state: KEY_STATES[state] },
  };
}

const APPROVAL_STATES: Readonly<Record<ApprovalStateName, ApprovalState>> = {
  pending: ApprovalState.PENDING,
  executed: ApprovalState.EXECUTED,
  refused: ApprovalState.REFUSED,
  expired: ApprovalState.EXPIRED,
};

/** UNSPECIFIED asks for all. */
function parseApprovalState(state: ApprovalState): ApprovalStateName | undefined {
  if (state === ApprovalState.UNSPECIFIED) return undefined;
  const known = Object.entries(APPROVAL_STATES).find(([, message]) => message === state);
  if (!known) throw new PkiError("REQUEST_MALFORMED", "no such approval state");
  return known[0] as ApprovalStateName;
}

const DECISIONS: Readonly<Record<DecisionName, Decision>> = {
  approve: Decision.APPROVE,
  refuse: Decision.REFUSE,
};

function parseDecision(decision: Decision): DecisionName {
  if (decision === Decision.APPROVE) return "approve";
  if (decision === Decision.REFUSE) return "refuse";
  throw new PkiError("REQUEST_MALFORMED", "no decision");
}

function approvalToProto(approval: Approval): ApprovalMessage {
  const { approvalId, canonicalRequest, payload, payloadType, threshold, requester, createdAt, expiresAt } = approval;
  return {
    ...{ approvalId, canonicalRequest, payload, payloadType, threshold, requester, createdAt, expiresAt },
    state: APPROVAL_STATES[approval.state],
    decisions: approval.decisions.map(({ custodianId, decision, decidedAt }) => ({
      ...{ custodianId, decidedAt, decision: DECISIONS[decision] },
    })),
  };
}

const PURPOSES = new Map(Object.entries(PURPOSE_NAMES).map(([purpose, name]) => [name, purpose as Purpose]));

function ledgerEntryToProto({ signature: _, purpose, ...entry }: LedgerEntry): LedgerEntryMessage {
  const known = PURPOSES.get(purpose);
  if (!known) throw new Error(`ledger entry with purpose ${purpose}`);
  return { ...entry, purpose: known };
}
