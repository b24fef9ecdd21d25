import { PkiError } from "@vcc-pki/errors";
import {
  BulkTimestampRequest,
  type FindTokensRequest,
  type FindTokensResponse,
  type GetTokenRequest,
  TimestampRequest,
  TimestampServiceDefinition,
  type Token,
} from "@vcc-pki/proto/tsa";
import {
  answerItems,
  type CallContext,
  type Callers,
  implement,
  requestKey,
  type ServiceImplementation,
} from "@vcc-pki/rpc";
import type { Logger } from "@vcc-pki/telemetry";
import type { Bulk } from "./bulk.ts";
import type { Messages } from "./messages.ts";
import { questionOf } from "./question.ts";
import type { Desk, Outcome } from "./respond.ts";
import type { StatusReport } from "./status-report.ts";
import type { TokenTable } from "./store/tokens.ts";
import type { Units } from "./units.ts";
import type { Verifier } from "./verify.ts";

export interface TimestampDoor {
  readonly desk: Desk;
  readonly bulk: Bulk;
  readonly messages: Messages;
  readonly tokens: TokenTable;
  readonly units: Units;
  readonly verifier: Verifier;
  readonly status: StatusReport;
  readonly log: Logger;
  /** The organisation that runs the suite. */
  readonly operatorOrganisation: string;
}

const STAMPING = ["gateway", "signing", "audit", "ca"] as const;
const READING = ["gateway", "signing", "audit"] as const;

const CALLERS: Callers<typeof TimestampServiceDefinition> = {
  timestamp: STAMPING,
  timestampStream: STAMPING,
  bulkTimestamp: STAMPING,
  verify: ["any-suite"],
  getCertificate: ["any-suite"],
  status: ["any-suite"],
  getToken: READING,
  findTokens: READING,
};

export function timestampService(door: TimestampDoor): ServiceImplementation {
  const { units, bulk, status } = door;
  return implement(
    TimestampServiceDefinition,
    {
      async timestamp(request, context) {
        const outcome = await stamp(door, request, context);
        return { timeStampResp: door.desk.toResponse(outcome), outcome: door.messages.outcome(outcome) };
      },
      timestampStream: (requests, context) =>
        answerItems(
          requests,
          async ({ request }) => {
            if (request === undefined) throw new PkiError("REQUEST_MALFORMED", "an item without request");
            const outcome = await stamp(door, request, context);
            return { timeStampResp: NOTHING, outcome: door.messages.outcome(outcome) };
          },
          door.log,
        ),
      bulkTimestamp(request, context) {
        requireUnit(units, request.unit);
        const key = requestKey(context, "bulkTimestamp", BulkTimestampRequest, request);
        return bulk.stamp(request, organisationOf(door, context), key, context.signal);
      },
      verify: async (request) => door.verifier.verify(request),
      async getCertificate({ unit }) {
        requireUnit(units, unit);
        return { certificates: status.certificatesOf(unit) };
      },
      status: async () => status.status(),
      getToken: async (request, context) => getToken(door, request, context),
      findTokens: async (request, context) => findTokens(door, request, context),
    },
    CALLERS,
  );
}

/** Tenant from the identity: a service of the suite speaks for the operator. */
const organisationOf = ({ operatorOrganisation }: TimestampDoor, { requester }: CallContext): string =>
  requester.kind === "suite" ? operatorOrganisation : requester.organisation;

const NOTHING = new Uint8Array();

function stamp(door: TimestampDoor, request: TimestampRequest, context: CallContext): Promise<Outcome> {
  const { desk, units } = door;
  const { question, unit } = request;
  requireUnit(units, unit);
  const key = requestKey(context, "timestamp", TimestampRequest, request);
  const input = { unit, organisation: organisationOf(door, context), request: key };
  if (question?.$case === "timeStampReq") return desk.stampRequest(question.value, input);
  if (question?.$case === "query") return desk.stampAsked(() => questionOf(question.value), input);
  throw new PkiError("REQUEST_MALFORMED", "a question is missing");
}

function getToken(door: TimestampDoor, { serialHex }: GetTokenRequest, context: CallContext): Token {
  if (!/^([0-9a-f]{2}){1,21}$/.test(serialHex))
    throw new PkiError("REQUEST_MALFORMED", "a serial number is lower-case hex");
  const stored = door.tokens.findBySerial(organisationOf(door, context), Buffer.from(serialHex, "hex"));
  if (stored === undefined) throw new PkiError("NOT_FOUND", "no such token");
  return door.messages.token(stored);
}

const DEFAULT_PAGE = 100;
const MAX_PAGE = 1_000;

function findTokens(
  door: TimestampDoor,
  { digest, pageSize, pageToken }: FindTokensRequest,
  context: CallContext,
): FindTokensResponse {
  if (digest.length === 0 || digest.length > 64) throw new PkiError("REQUEST_MALFORMED", "a digest has 1 to 64 octets");
  if (!/^\d{0,15}$/.test(pageToken)) throw new PkiError("REQUEST_MALFORMED", "not a page token of ours");
  const limit = Math.min(pageSize || DEFAULT_PAGE, MAX_PAGE);
  const before = pageToken === "" ? Number.MAX_SAFE_INTEGER : Number(pageToken);
  const found = door.tokens.listByDigest(organisationOf(door, context), digest, before, limit);
  return {
    tokens: found.map((stored) => door.messages.token(stored)),
    nextPageToken: found.length === limit ? String(found.at(-1)?.token) : "",
  };
}

function requireUnit(units: Units, name: string): void {
  if (name !== "" && units.findConfig(name) === undefined) throw new PkiError("NOT_FOUND", "no such unit");
}
