import { PkiError } from "@vcc-pki/errors";
import type { CheckRequest } from "@vcc-pki/proto/discovery";
import { type CallContext, parseSpiffeId } from "@vcc-pki/rpc";
import type { Administrators } from "@vcc-pki/service";
import { parseServiceName } from "../service-fields.ts";
import type { ServiceKey } from "../service-record.ts";
import type { Place } from "./decisions.ts";

export interface Question extends Place {
  readonly from: ServiceKey;
  readonly to: ServiceKey;
}

const ORGANISATION = /^[a-z][a-z0-9-]{1,38}[a-z0-9]$/;
const MAX_METHOD = 40;
const MAX_PATH = 8_192;

/** Who may call whom, is asked. Throws REQUEST_MALFORMED. */
export function parseQuestion(
  request: CheckRequest,
  requester: CallContext["requester"],
  trustDomain: string,
): Question {
  const { source, targetService, targetOrganisation, method, path } = request;
  if (method.length > MAX_METHOD || path.length > MAX_PATH) throw malformed("a method or a path that long is none");
  if (targetOrganisation !== "" && !ORGANISATION.test(targetOrganisation))
    throw malformed("no name of an organisation");
  const home = requester.kind === "suite" ? undefined : requester.organisation;
  const from = sourceOf(source, requester, targetOrganisation || home, trustDomain);
  const to = { organisation: targetOrganisation || from.organisation, service: parseServiceName(targetService) };
  return { from, to, method: method || undefined, path: path || undefined };
}

function sourceOf(
  source: string,
  requester: CallContext["requester"],
  organisation: string | undefined,
  trustDomain: string,
): ServiceKey {
  if (source === "") {
    if (requester.kind === "workload") return requester;
    throw malformed("who calls?");
  }
  if (!source.includes(":")) {
    if (organisation === undefined) throw malformed("of which organisation?");
    return { organisation, service: parseServiceName(source) };
  }
  const id = parseSpiffeId(source, trustDomain);
  if (id.kind !== "workload") throw malformed("who calls is a service");
  return id;
}

/** A service may ask of calls that it makes or takes; an administrator, of those of organisations that it administers. Throws CALLER_NOT_ALLOWED,
 *  NOT_FOUND, PEER_UNAVAILABLE. */
export async function requireConcerned(
  questions: readonly Question[],
  context: CallContext,
  administrators: Administrators,
): Promise<void> {
  const { requester } = context;
  if (requester.kind === "workload") {
    const isOwn = ({ organisation, service }: ServiceKey) =>
      organisation === requester.organisation && service === requester.service;
    if (questions.every(({ from, to }) => isOwn(from) || isOwn(to))) return;
    throw new PkiError("CALLER_NOT_ALLOWED", "a service asks of calls that it makes or takes");
  }
  const foreign = new Set(
    questions
      .filter(
        ({ from, to }) =>
          requester.kind !== "admin" || ![from.organisation, to.organisation].includes(requester.organisation),
      )
      .map(({ to }) => to.organisation),
  );
  for (const organisation of foreign) await administrators.resolveOrganisation(context, organisation);
}

const malformed = (message: string): PkiError => new PkiError("REQUEST_MALFORMED", message);
