import { createHash, createPrivateKey } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { PkiError } from "@vcc-pki/errors";
import { type Approval, ApprovalState, Decision } from "@vcc-pki/proto/hsm";
import { approvalMessage, signDecision } from "@vcc-pki/signer";
import type { Home } from "@vcc-pki/suite-tool";
import { writeWhole } from "./files.ts";
import type { InProcessSuite } from "./in-process.ts";
import type { Transcript } from "./transcript.ts";

export interface ApproverOptions {
  readonly home: Home;
  readonly suite: () => Promise<InProcessSuite>;
  readonly transcript: Transcript;
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
}

/** Obtains the decisions of the custodians on operations that wait for them. Resolves when none of them waits any more; how each
 *  was decided is for the one who asked to find out. */
export type Approver = (approvalIds: readonly string[]) => Promise<void>;

/** Custodians whose keys lie on this disk, for development: as many as are needed approve at once. */
export function approveWithLocalKeys({ home, suite, transcript }: ApproverOptions): Approver {
  return async (approvalIds) => {
    const { approvals } = await suite();
    for (const approvalId of approvalIds) {
      const { canonicalRequest, threshold } = await approvals.get({ approvalId });
      for (const custodianId of localCustodians(home).slice(0, threshold)) {
        const key = createPrivateKey(readFileSync(custodianKeyFile(home, custodianId)));
        const signature = signDecision(key, canonicalRequest, "approve");
        await approvals.decide({ approvalId, custodianId, decision: Decision.APPROVE, signature });
        transcript.add("approval given", { approvalId, custodian: custodianId });
      }
    }
  };
}

const KEY_SUFFIX = "-key.pem";

export const custodianKeyFile = (home: Home, custodianId: string): string =>
  join(home.custodians, `${custodianId}${KEY_SUFFIX}`);

const localCustodians = (home: Home): string[] =>
  readdirSync(home.custodians)
    .filter((name) => name.endsWith(KEY_SUFFIX))
    .map((name) => name.slice(0, -KEY_SUFFIX.length))
    .sort();

const POLL_MS = 300;

/** Custodians who sign elsewhere, with keys this machine never sees: writes what they have to look at and sign, and takes their
 *  signatures as files. */
export function approveWithSignedFiles(options: ApproverOptions): Approver {
  return async (approvalIds) => {
    const { approvals, custodians } = await options.suite();
    const ids = (await custodians.list({})).custodians.map(({ custodianId }) => custodianId);
    for (const approvalId of approvalIds) {
      const approval = await approvals.get({ approvalId });
      if (approval.state === ApprovalState.PENDING) present(approval, ids, options);
    }
    const inbox: Inbox = new Map();
    for (let waiting = approvalIds; ; ) {
      waiting = await stillWaiting(waiting, ids, inbox, options);
      if (waiting.length === 0) return;
      await sleep(POLL_MS, undefined, { signal: options.signal });
    }
  };
}

/** Files by name with the size they had when last looked at: one that still grows is being copied. */
type Inbox = Map<string, number>;

async function stillWaiting(
  approvalIds: readonly string[],
  custodianIds: readonly string[],
  inbox: Inbox,
  options: ApproverOptions,
): Promise<string[]> {
  const { approvals } = await options.suite();
  const waiting: string[] = [];
  for (const approvalId of approvalIds) {
    for (const custodianId of custodianIds) await takeSignature(approvalId, custodianId, inbox, options);
    const { state } = await approvals.get({ approvalId });
    if (state === ApprovalState.PENDING) waiting.push(approvalId);
  }
  return waiting;
}

const directoryOf = (home: Home, approvalId: string): string => join(home.ceremony.approvals, approvalId);

function present(
  approval: Approval,
  custodianIds: readonly string[],
  { home, say, transcript }: ApproverOptions,
): void {
  const { approvalId, canonicalRequest, payload, payloadType, threshold, expiresAt } = approval;
  const directory = directoryOf(home, approvalId);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeWhole(join(directory, "payload.der"), payload, 0o644);
  writeWhole(join(directory, "request.json"), canonicalRequest, 0o644);
  const message = approvalMessage(canonicalRequest, "approve");
  writeWhole(join(directory, "to-sign.bin"), message, 0o644);
  const messageSha256 = createHash("sha256").update(message).digest("hex");
  const isKnown = transcript.entries.some(
    ({ event, facts }) => event === "approval requested" && facts.approvalId === approvalId,
  );
  if (!isKnown) transcript.add("approval requested", { approvalId, payloadType, threshold, messageSha256 });
  say(`
  ${threshold} of ${custodianIds.join(", ")} must approve, before ${expiresAt?.toISOString()}:
    look at    ${directory}/request.json and openssl asn1parse -inform DER -in ${directory}/payload.der
    SHA-256    ${messageSha256} of to-sign.bin
    sign       openssl dgst -sha256 -sign KEY.pem -out CUSTODIAN.sig to-sign.bin          (P-256)
               openssl pkeyutl -sign -rawin -inkey KEY.pem -in to-sign.bin -out CUSTODIAN.sig   (Ed25519)
    and put    CUSTODIAN.sig, named for the custodian, into ${directory}
  Waiting for the signatures. Ctrl-C is safe: the same command goes on from here.`);
}

async function takeSignature(
  approvalId: string,
  custodianId: string,
  inbox: Inbox,
  options: ApproverOptions,
): Promise<void> {
  const { home, transcript, say, suite } = options;
  const file = join(directoryOf(home, approvalId), `${custodianId}.sig`);
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  const isWhole = size > 0 && inbox.get(file) === size;
  inbox.set(file, size);
  if (!isWhole) return;
  const { approvals } = await suite();
  const signature = new Uint8Array(readFileSync(file));
  try {
    await approvals.decide({ approvalId, custodianId, decision: Decision.APPROVE, signature });
  } catch (error) {
    if (!(error instanceof PkiError) || error.code !== "APPROVAL_INVALID") throw error;
    renameSync(file, `${file}.refused`);
    transcript.add("approval not accepted", { approvalId, custodian: custodianId, reason: error.message });
    say(`  ${custodianId}: ${error.message}; the file is now ${custodianId}.sig.refused`);
    return;
  }
  renameSync(file, `${file}.taken`);
  transcript.add("approval given", { approvalId, custodian: custodianId });
  say(`  ${custodianId} approves ${approvalId}`);
}
