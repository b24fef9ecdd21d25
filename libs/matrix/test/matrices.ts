import { readFileSync } from "node:fs";
import { Decider, type Matrix, type Reading, readMatrix } from "@vcc-pki/matrix";

/** The one that is shipped. */
export const SHIPPED = readFileSync(new URL("../../../deploy/policies/service-matrix.yaml", import.meta.url), "utf8");

/** As in deploy/policies/services.yaml. */
export const TYPES = {
  "clara-training": "clara",
  "clara-serving": "clara",
  "covina-ingestion": "covina_ingestion",
  themisdb: "themis_database",
};

/** What is below `service_communication_policies`, and after it. */
export const read = (policies: string, rest = "", types = {}): Reading =>
  readMatrix(`service_communication_policies:\n${policies.replaceAll(/^/gm, "  ")}\n${rest}`, { types });

export function matrixOf(policies: string, rest = "", types = {}): Matrix {
  const { matrix, findings } = read(policies, rest, types);
  if (matrix === undefined) throw new Error(JSON.stringify(findings));
  return matrix;
}

export const deciderOf = (policies: string, rest = "", types = {}): Decider =>
  new Decider(matrixOf(policies, rest, types));
