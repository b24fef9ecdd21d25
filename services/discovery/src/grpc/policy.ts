import { PkiError } from "@vcc-pki/errors";
import {
  drawnIn,
  edgesOf,
  type Finding,
  isError,
  type Matrix,
  matrixToJson,
  reach,
  restrictionText,
  servicesOf,
  wordsOf,
} from "@vcc-pki/matrix";
import {
  type CheckRequest,
  type Decision as DecisionMessage,
  Finding_Severity,
  type Finding as FindingMessage,
  type Matrix as MatrixMessage,
  PolicyServiceDefinition,
  PutMatrixRequest,
} from "@vcc-pki/proto/discovery";
import { type CallContext, type Callers, implement, requestKey, type ServiceImplementation } from "@vcc-pki/rpc";
import type { Administrators } from "@vcc-pki/service";
import type { Store } from "@vcc-pki/store";
import type { Clock } from "@vcc-pki/time";
import type { Decisions, Judgement } from "../policy/decisions.ts";
import { type InForce, type Matrices, textOf } from "../policy/matrices.ts";
import { parseQuestion, requireConcerned } from "../policy/questions.ts";
import { parseServiceName } from "../service-fields.ts";
import type { ServiceKey } from "../service-record.ts";
import type { MatrixRecord } from "../store/matrices.ts";
import type { RequestTable } from "../store/requests.ts";
import { type CrossGrantDoor, crossGrantHandlers } from "./cross-grants.ts";

export interface PolicyDoor extends CrossGrantDoor {
  readonly store: Store;
  readonly matrices: Matrices;
  readonly decisions: Decisions;
  readonly requests: RequestTable;
  readonly administrators: Administrators;
  readonly clock: Clock;
  readonly trustDomain: string;
  /** Told how many were decided so. */
  count(outcome: Judgement["reason"], times: number): void;
  /** Told of each decision that a service has asked for. */
  observe(from: ServiceKey, to: ServiceKey, isAllowed: boolean): void;
}

/** Services ask for themselves, or, as administrators do, through the gateway. */
const ASKED = ["gateway", "any-workload"] as const;
const DOOR = ["gateway"] as const;

const CALLERS: Callers<typeof PolicyServiceDefinition> = {
  check: ASKED,
  checkBatch: ASKED,
  getMatrix: ASKED,
  putMatrix: DOOR,
  reach: DOOR,
  getGraph: DOOR,
  putCrossGrant: DOOR,
  withdrawCrossGrant: DOOR,
  listCrossGrants: DOOR,
};

const MAX_BATCH = 1_000;
/** Octets. One of twenty services has two thousand; all of it is examined before anybody else's request is. */
const MAX_YAML = 262_144;
/** So that the message fits into what a connection admits as trailers. */
const MAX_TOLD = 6_000;

export function policyService(door: PolicyDoor): ServiceImplementation {
  const { store, matrices, decisions, requests, administrators, trustDomain } = door;

  async function answer(asked: readonly CheckRequest[], context: CallContext): Promise<DecisionMessage[]> {
    const questions = asked.map((request) => parseQuestion(request, context.requester, trustDomain));
    await requireConcerned(questions, context, administrators);
    const judgements = questions.map(({ from, to, method, path }) => decisions.decide(from, to, { method, path }));
    for (const [reason, same] of Map.groupBy(judgements, (judgement) => judgement.reason))
      door.count(reason, same.length);
    // An administrator asks what would be; a service, what is.
    if (context.requester.kind === "workload")
      for (const [i, { from, to }] of questions.entries()) door.observe(from, to, judgements[i]?.allowed ?? false);
    return judgements.map(decisionToProto);
  }

  async function inForce(context: CallContext, named: string): Promise<InForce & { readonly organisation: string }> {
    const organisation = await administrators.resolveOrganisation(context, named);
    const found = matrices.inForce(organisation);
    if (found === undefined) throw noSuchMatrix();
    return { ...found, organisation };
  }

  return implement(
    PolicyServiceDefinition,
    {
      async check(request, context) {
        const [decision] = await answer([request], context);
        if (decision === undefined) throw new Error("a question without answer");
        return decision;
      },

      async checkBatch({ checks }, context) {
        if (checks.length > MAX_BATCH)
          throw new PkiError("REQUEST_TOO_LARGE", `a batch has ${MAX_BATCH} checks at most`);
        return { decisions: await answer(checks, context) };
      },

      async getMatrix({ organisation: named, version }, context) {
        const organisation = await readerOf(context, named, version, administrators);
        const record = matrices.find(organisation, version);
        if (record === undefined) throw noSuchMatrix();
        const types = matrices.inForce(organisation)?.matrix.types ?? {};
        return matrixToProto(record, organisation, { ...JSON.parse(record.document), types });
      },

      async putMatrix(request, context) {
        const organisation = await administrators.resolveOrganisation(context, request.organisation);
        if (Buffer.byteLength(request.yaml) > MAX_YAML)
          throw new PkiError("REQUEST_TOO_LARGE", `a matrix has ${MAX_YAML} octets at most`);
        const key = request.dryRun ? undefined : requestKey(context, "putMatrix", PutMatrixRequest, request);
        const { matrix, findings } = matrices.read(organisation, request.yaml);
        if (key === undefined) return dryRun(organisation, request.yaml, matrix, findings);
        const record = {
          ...{ action: "matrix.put", caller: context.caller.uri, requester: context.requester.uri, organisation },
          ...{ target: "matrix", requestId: request.requestId },
        };
        if (matrix === undefined) {
          await store.write(() => {
            matrices.refuse(organisation, findings, organisation);
            store.audit.add({ ...record, outcome: "refused", code: "MATRIX_INVALID" });
          });
          throw new PkiError("MATRIX_INVALID", told(findings));
        }
        const change = {
          ...{
            organisation,
            yaml: request.yaml,
            actor: context.requester.uri,
            expectedVersion: request.expectedVersion,
          },
        };
        const put = await store
          .write(() => {
            const earlier = requests.find(key);
            if (earlier !== undefined) return matrices.find(organisation, Number(earlier));
            const done = matrices.put(change, matrix, findings, organisation);
            requests.insert(key, String(done.version), door.clock.now());
            store.audit.add({ ...record, outcome: "done", details: { version: done.version } });
            return done;
          })
          // Whether it was stored or not: what is in force is what the database holds.
          .finally(() => matrices.forget(organisation));
        if (put === undefined) throw new Error("a version that was answered is not there");
        return matrixToProto(put, organisation, { ...JSON.parse(put.document), types: matrix.types });
      },

      async reach({ organisation: named, source, target }, context) {
        const { matrix } = await inForce(context, named);
        for (const name of [source, target]) requireKnown(matrix, name);
        const way = reach(matrix, source, target) ?? [];
        const path = way.length === 0 ? [] : [way[0]?.source ?? "", ...way.map((edge) => edge.target)];
        return { reachable: way.length > 0, path, rules: way.map(({ rule }) => rule.id) };
      },

      async getGraph({ organisation: named }, context) {
        const { matrix } = await inForce(context, named);
        const { alike, nameOf } = drawnIn(matrix);
        const edges = edgesOf(matrix, alike).map(({ source, target, rule }) => {
          const restriction = restrictionText(rule);
          const ends = { source: nameOf(source), target: nameOf(target) };
          return { ...ends, rule: rule.id, restriction: restriction === "all" ? "" : restriction };
        });
        return { services: alike.flat().map(nameOf).toSorted(), edges };
      },

      ...crossGrantHandlers(door),
    },
    CALLERS,
  );
}

/** Administrators read every version; a service reads what holds for it now. */
async function readerOf(
  context: CallContext,
  named: string,
  version: number,
  administrators: Administrators,
): Promise<string> {
  const { requester } = context;
  if (requester.kind !== "workload") return administrators.resolveOrganisation(context, named);
  if (named !== "" && named !== requester.organisation) throw noSuchMatrix();
  if (version !== 0) throw new PkiError("CALLER_NOT_ALLOWED", "earlier versions are for administrators");
  return requester.organisation;
}

/** Throws NOT_FOUND for what is neither a service nor a type of the matrix. */
function requireKnown(matrix: Matrix, name: string): void {
  parseServiceName(name);
  if (!servicesOf(matrix).some((service) => wordsOf(service, matrix.types).includes(name)))
    throw new PkiError("NOT_FOUND", `the matrix knows no ${name}`);
}

const noSuchMatrix = (): PkiError => new PkiError("NOT_FOUND", "no such matrix");

function told(findings: readonly Finding[]): string {
  const text = textOf(findings.filter(isError)).join("\n");
  return text.length > MAX_TOLD ? `${text.slice(0, MAX_TOLD)} …` : text;
}

const decisionToProto = ({ allowed, rule = "", line = 0, reason, text }: Judgement): DecisionMessage => ({
  ...{ allowed, rule, line, code: reason, reason: text },
});

const dryRun = (
  organisation: string,
  yaml: string,
  matrix: Matrix | undefined,
  findings: readonly Finding[],
): MatrixMessage => ({
  ...{ organisation, yaml, version: 0, sha256: new Uint8Array(), putBy: "", putAt: undefined },
  findings: findings.map(findingToProto),
  documentJson: matrix === undefined ? "" : JSON.stringify(matrixToJson(matrix, { organisation, version: 0 })),
});

/** The shipped one has no version of the organisation's own. */
function matrixToProto(record: MatrixRecord, organisation: string, document: object): MatrixMessage {
  const version = record.organisation === organisation ? record.version : 0;
  return {
    ...{ organisation, version, yaml: record.yaml, sha256: record.sha256, putBy: record.putBy, putAt: record.putAt },
    findings: record.findings.map(findingToProto),
    documentJson: JSON.stringify({ ...document, organisation, version }),
  };
}

const findingToProto = ({ severity, kind, line, message }: Finding): FindingMessage => ({
  severity: severity === "error" ? Finding_Severity.ERROR : Finding_Severity.WARNING,
  ...{ kind, line, message },
});
