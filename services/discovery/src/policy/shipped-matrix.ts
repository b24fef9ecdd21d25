import { readFileSync } from "node:fs";
import { PkiError } from "@vcc-pki/errors";
import { isError, type Reading, readMatrix } from "@vcc-pki/matrix";
import type { Store } from "@vcc-pki/store";
import type { Logger } from "@vcc-pki/telemetry";
import type { CatalogueService } from "../service-catalogue.ts";
import type { MatrixTable } from "../store/matrices.ts";
import { type Matrices, SHIPPED, sha256Of, textOf } from "./matrices.ts";
import { shippedTypes } from "./service-types.ts";

export interface ShippedMatrixOptions {
  readonly file: string;
  readonly matrices: Matrices;
  readonly table: MatrixTable;
  readonly store: Store;
  readonly log: Logger;
  /** SPIFFE URI of this service. */
  readonly self: string;
  /** Whose events and records tell of it. */
  readonly organisation: string;
}

/** The matrix in its file, for organisations that have put none. It is read again and again; a new one comes into force, a mistake leaves the old one
 *  in force and is told once. What was in force outlives a restart with a file that holds no more. */
export class ShippedMatrix {
  readonly #options: ShippedMatrixOptions;
  /** null: nothing that could be read. */
  #seen: string | null | undefined;
  #problem: string | undefined;

  constructor(options: ShippedMatrixOptions) {
    this.#options = options;
  }

  /** What is wrong with the file as it is now. */
  get problem(): string | undefined {
    return this.#problem;
  }

  async reload(): Promise<void> {
    const { file, matrices, table, store, log, self, organisation } = this.#options;
    const yaml = findText(file);
    if (yaml === this.#seen) return;
    const reading = yaml === null ? UNREADABLE : matrices.read(SHIPPED, yaml);
    const who = { caller: self, requester: self, organisation, target: "shipped" };
    const { matrix, findings } = reading;
    if (yaml === null || matrix === undefined) {
      const [first, ...more] = textOf(findings.filter(isError));
      await store.write(() => {
        matrices.refuse(SHIPPED, findings, organisation);
        store.audit.add({ ...who, action: "matrix.put", outcome: "refused", code: "MATRIX_INVALID" });
      });
      this.#problem = `${file}: ${first}${more.length > 0 ? ` (and ${more.length} more)` : ""}`;
      log.error("matrix refused, the one before is in force", {
        file,
        findings: [first, ...more].slice(0, MAX_LOGGED),
      });
    } else {
      await store.write(() => {
        const before = table.newest(SHIPPED);
        if (before !== undefined && Buffer.from(before.sha256).equals(sha256Of(yaml))) return;
        const change = { organisation: SHIPPED, yaml, actor: self, expectedVersion: 0 };
        const { version } = matrices.put(change, matrix, findings, organisation);
        store.audit.add({ ...who, action: "matrix.put", outcome: "done", details: { version } });
        log.info("matrix in force", { file, version, warnings: findings.length });
      });
      this.#problem = undefined;
      matrices.forget();
    }
    this.#seen = yaml;
  }
}

const MAX_LOGGED = 20;

const UNREADABLE: Reading = {
  findings: [{ severity: "error", kind: "syntax", line: 1, message: "the file cannot be read" }],
};

function findText(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}

/** Reads the file and says whether it holds, without starting anything. Throws CONFIG_INVALID with each mistake. */
export function checkMatrixFile(file: string, catalogue: readonly CatalogueService[]): void {
  const types = shippedTypes(catalogue);
  const yaml = findText(file);
  const errors = (yaml === null ? UNREADABLE : readMatrix(yaml, { types })).findings.filter(isError);
  if (errors.length > 0)
    throw new PkiError("CONFIG_INVALID", errors.map(({ line, message }) => `${file}:${line}: ${message}`).join("\n"));
}
