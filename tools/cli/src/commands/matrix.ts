import { randomUUIDv7 } from "node:crypto";
import {
  CommunicationAnswer,
  type CommunicationQuestion,
  Matrix,
  type MatrixFinding,
  type MatrixPut,
  Reach,
} from "@vcc-pki/gateway/api";
import { matrixFromJson, restrictionText } from "@vcc-pki/matrix";
import { EXIT } from "../exit-codes.ts";
import { readInput } from "../files.ts";
import type { Session } from "../session.ts";
import { fields, table } from "../table.ts";

export const MATRIX = "/api/v1/vcc/matrix";

export interface ShowMatrixOptions {
  readonly version?: string;
  readonly yaml?: boolean;
}

/** The matrix in force, or an earlier one. */
export const getMatrix = (session: Session, version?: string): Promise<Matrix> =>
  session.client.call({
    path: MATRIX,
    query: { organisation: session.settings.organisation, version },
    answer: Matrix,
  });

export async function showMatrix({ version, yaml }: ShowMatrixOptions, session: Session): Promise<void> {
  const matrix = await getMatrix(session, version);
  session.result(matrix, () => (yaml ? matrix.yaml : matrixText(matrix)));
}

function matrixText(matrix: Matrix): string {
  const head = fields([
    ["organisation", matrix.organisation],
    ["version", matrix.version === 0 ? "as shipped" : String(matrix.version)],
    ["put by", matrix.put_by],
    ["put at", matrix.put_at],
    ["sha256", matrix.sha256],
  ]);
  if (matrix.document === undefined) return [head, findingsText(matrix.findings)].join("\n\n");
  const { rules, permissions } = matrixFromJson(matrix.document);
  const rows = rules.map((rule) => [
    ...[rule.source, rule.effect === "allow" ? "->" : "not ->", rule.target, restrictionText(rule), String(rule.line)],
  ]);
  const kept = permissions.map((permission) => [
    ...[permission.name, permission.target, restrictionText(permission), permission.holders.join(", ")],
  ]);
  return [
    head,
    table(["from", "", "to", "where", "line"], rows, "nothing is allowed"),
    ...(kept.length > 0 ? [table(["permission", "of", "where", "held by"], kept, "")] : []),
    ...(matrix.findings.length > 0 ? [findingsText(matrix.findings)] : []),
  ].join("\n\n");
}

const findingsText = (findings: readonly MatrixFinding[]): string =>
  table(
    ["line", "", "what", ""],
    findings.map(({ line, severity, kind, message }) => [String(line), severity, kind, message]),
    "nothing to be said of it",
  );

export interface PutMatrixOptions {
  readonly dryRun?: boolean;
  readonly replaces?: string;
  readonly requestId?: string;
}

/** What a file would be as the organisation's matrix; nothing is changed by it. */
export const tryMatrix = (file: string, session: Session): Promise<Matrix> =>
  putYaml({ yaml: readInput(file).toString("utf8"), dry_run: true }, session);

const putYaml = (body: MatrixPut, session: Session, requestId?: string): Promise<Matrix> =>
  session.client.call({
    ...{ method: "PUT", path: MATRIX, query: { organisation: session.settings.organisation } },
    ...{ body, answer: Matrix, ...(requestId && { requestId }) },
  });

export const hasErrors = ({ findings }: Pick<Matrix, "findings">): boolean =>
  findings.some(({ severity }) => severity === "error");

export async function putMatrix(file: string, options: PutMatrixOptions, session: Session): Promise<void> {
  if (options.dryRun) {
    const tried = await tryMatrix(file, session);
    session.result(tried, () => findingsText(tried.findings));
    return session.conclude(hasErrors(tried) ? EXIT.refused : EXIT.ok);
  }
  const { replaces, requestId = randomUUIDv7() } = options;
  const yaml = readInput(file).toString("utf8");
  const body = { yaml, ...(replaces !== undefined && { expected_version: Number(replaces) }) };
  const put = await putYaml(body, session, requestId);
  session.result(put, () => matrixText(put));
}

export interface CheckOptions {
  readonly method?: string;
  readonly toOrganisation?: string;
}

/** Exit code 0 when the call is allowed, 3 when it is not. */
export async function checkCall(
  from: string,
  to: string,
  path: string | undefined,
  { method, toOrganisation }: CheckOptions,
  session: Session,
): Promise<void> {
  const body: CommunicationQuestion = {
    ...{
      source_service: from,
      target_service: to,
      target_organisation: toOrganisation ?? session.settings.organisation,
    },
    ...{ method, path },
  };
  const call = { method: "POST", path: "/api/v1/vcc/communication/check", body, answer: CommunicationAnswer } as const;
  const answer = await session.client.call(call);
  session.result(answer, () => {
    const { allowed, reason, rule, line, code } = answer;
    const by = rule === undefined ? code : `${rule}${line === undefined ? "" : `, line ${line}`}`;
    return `${allowed ? session.io.paint("green", "allowed") : session.io.paint("red", "denied")}: ${reason} (${by})`;
  });
  session.conclude(answer.allowed ? EXIT.ok : EXIT.refused);
}

/** Exit code 0 when the one can ever reach the other, 3 when it cannot. */
export async function showReach(from: string, to: string, session: Session): Promise<void> {
  const query = { organisation: session.settings.organisation, source: from, target: to };
  const found = await session.client.call({ path: `${MATRIX}/reach`, query, answer: Reach });
  session.result(found, () =>
    found.reachable
      ? found.rules.map((rule, i) => `${found.path[i]} -> ${found.path[i + 1]}  (${rule})`).join("\n")
      : `${from} never reaches ${to}`,
  );
  session.conclude(found.reachable ? EXIT.ok : EXIT.refused);
}
