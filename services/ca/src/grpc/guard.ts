import { hash } from "node:crypto";
import { ERRORS, PkiError, toPkiError } from "@vcc-pki/errors";
import type { CallContext } from "@vcc-pki/rpc";
import type { Store } from "@vcc-pki/store";
import type { AuditRecord } from "@vcc-pki/telemetry";
import type { Actor, Actors } from "../actor.ts";
import type { Metrics } from "../metrics.ts";
import type { RequestKey } from "../store/requests.ts";

/** What every door of this service shares. */
export interface Door {
  readonly store: Store;
  readonly actors: Actors;
  readonly metrics: Metrics;
  readonly operatorOrganisation: string;
}

type Unary<Request, Response> = (request: Request, context: CallContext) => Promise<Response>;

/** Resolves who asks, then calls the handler; a refusal or failure is audited before it is answered. `organisationOf` names the
 *  tenant a request speaks of; a request without one is the requester's own. */
export function guarded<Request, Response>(
  door: Door,
  action: string,
  organisationOf: (request: NoInfer<Request>) => string,
  handler: (request: Request, actor: Actor) => Promise<Response> | Response,
): Unary<Request, Response> {
  return async (request, context) => {
    try {
      const actor = door.actors.resolve(context, organisationOf(request));
      return await handler(request, actor);
    } catch (cause) {
      const error = toPkiError(cause);
      // A wait for custodians is an answer, recorded by what waits; only a refusal is a refusal.
      if (error.code !== "APPROVAL_REQUIRED") await audit(door, action, organisationOf(request), context, error);
      throw error;
    }
  };
}

/** The trail of a request that led to nothing. It belongs to the requester's own organisation: the one it speaks of may be
 *  none of its business. */
async function audit(
  door: Door,
  action: string,
  spokenOf: string,
  context: CallContext,
  error: PkiError,
): Promise<void> {
  const { caller, requester, requestId } = context;
  door.metrics.refused.add(1, { action, code: error.code });
  const record: AuditRecord = {
    action,
    outcome: ERRORS[error.code].retry || error.code === "INTERNAL" ? "failed" : "refused",
    ...{ caller: caller.uri, requester: requester.uri },
    organisation: requester.kind === "suite" ? door.operatorOrganisation : requester.organisation,
    requestId: requestId?.slice(0, MAX_REQUEST_ID),
    code: error.code,
    details: spokenOf === "" ? undefined : { organisation: spokenOf.slice(0, 64) },
  };
  await door.store.write(() => door.store.audit.add(record));
}

const MAX_REQUEST_ID = 128;

interface Codec<T> {
  encode(message: T): { finish(): Uint8Array };
}

/** The request id with what a repeat must agree with. Throws REQUEST_MALFORMED for an id that is missing, long or not printable. */
export function requestKey<T extends { requestId: string }>(
  actor: Actor,
  method: string,
  codec: Codec<T>,
  request: T,
): RequestKey {
  const { requestId } = request;
  if (!/^[\x21-\x7e]{1,128}$/.test(requestId)) {
    throw new PkiError("REQUEST_MALFORMED", `a request id has 1 to ${MAX_REQUEST_ID} printable characters`);
  }
  const content = codec.encode({ ...request, requestId: method }).finish();
  return {
    organisation: actor.organisation.organisation,
    requester: actor.requester.uri,
    requestId,
    contentSha256: hash("sha256", content, "buffer"),
  };
}
