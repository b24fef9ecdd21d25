import { PkiError } from "@vcc-pki/errors";
import type { Matrix } from "@vcc-pki/gateway/api";
import { difference, envoyRbac, istioPolicies, matrixFromJson, type Matrix as Rules } from "@vcc-pki/matrix";
import { writeWhole } from "../files.ts";
import type { Session } from "../session.ts";
import { table } from "../table.ts";
import { UsageError } from "../usage.ts";
import { getMatrix, hasErrors, MATRIX, tryMatrix } from "./matrix.ts";

/** What changes from the one matrix to the other. Each is a version, or a file of YAML; one alone is compared with the one in force. */
export async function diffMatrix(first: string, second: string | undefined, session: Session): Promise<void> {
  const before = second === undefined ? await rulesOf(undefined, session) : await rulesOf(first, session);
  const after = await rulesOf(second ?? first, session);
  const changes = difference(before, after);
  session.result(changes, () =>
    table(
      ["from", "to", "change", "before", "after"],
      changes.map((each) => [each.source, each.target, each.change, each.before ?? "", each.after ?? ""]),
      "nothing changes",
    ),
  );
}

async function rulesOf(named: string | undefined, session: Session): Promise<Rules> {
  if (named !== undefined && !/^\d+$/.test(named)) {
    const tried = await tryMatrix(named, session);
    if (hasErrors(tried)) {
      const errors = tried.findings.filter(({ severity }) => severity === "error");
      const said = errors.map(({ line, kind, message }) => `line ${line}: ${kind}: ${message}`);
      throw new PkiError("MATRIX_INVALID", said.join("\n"));
    }
    return compiled(tried);
  }
  return compiled(await getMatrix(session, named));
}

function compiled({ document }: Matrix): Rules {
  if (document === undefined) throw new Error("the answer has no matrix");
  return matrixFromJson(document);
}

export interface WriteOptions {
  readonly output?: string;
  readonly force?: boolean;
}

/** Draws the matrix as SVG or PNG, by the name of the file. */
export async function drawMatrix({ output = "matrix.svg", force }: WriteOptions, session: Session): Promise<void> {
  const type = { svg: "image/svg+xml", png: "image/png" }[output.split(".").at(-1) ?? ""];
  if (type === undefined) throw new UsageError("a picture is .svg or .png");
  const query = { organisation: session.settings.organisation };
  const picture = await session.client.bytes(`${MATRIX}/graph`, type, query);
  writeWhole(output, picture, { force });
  session.result({ output }, () => `drawn: ${output}`);
}

export interface ExportOptions extends WriteOptions {
  readonly format: "json" | "envoy" | "istio";
  readonly service?: string;
  readonly namespace: string;
  readonly trustDomain: string;
}

/** The matrix in another's words: for an Envoy or an Istio before one service, or whole, as the SDKs read it. */
export async function exportMatrix(options: ExportOptions, session: Session): Promise<void> {
  const { format, service, namespace, trustDomain, output, force } = options;
  if (format !== "json" && service === undefined) throw new UsageError(`${format}: before which --service?`);
  const matrix = await getMatrix(session);
  const scope = { organisation: matrix.organisation, trustDomain };
  const text = {
    json: () => `${JSON.stringify(matrix.document, null, 2)}\n`,
    envoy: () => envoyRbac(compiled(matrix), service ?? "", scope),
    istio: () => istioPolicies(compiled(matrix), service ?? "", { ...scope, namespace }),
  }[format]();
  if (output === undefined) return session.io.out(text);
  writeWhole(output, text, { force });
  session.result({ output }, () => `written: ${output}`);
}
