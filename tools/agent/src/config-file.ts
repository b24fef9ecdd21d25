import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { isSeq, parseDocument } from "yaml";
import { naming, replace } from "./files/durable.ts";

/** What `enrol` writes of a new identity, as IdentityConfig reads it. */
export interface NewIdentity {
  readonly organisation: string;
  readonly service: string;
  readonly [key: string]: unknown;
}

/** Adds an identity to agent.yaml, or makes the file; comments in it stay. Throws FILE_NOT_WRITTEN. */
export function addIdentity(file: string, agent: { server: string; stateDir: string }, identity: NewIdentity): void {
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  const document = parseDocument(text === "" ? "{}" : text);
  if (text === "") document.contents = document.createNode({ ...agent, identities: [] }) as never;
  if (!isSeq(document.get("identities"))) document.set("identities", []);
  // Absent is absent, not null.
  document.addIn(["identities"], document.createNode(JSON.parse(JSON.stringify(identity))));
  naming(file, () => mkdirSync(dirname(file), { recursive: true, mode: 0o755 }));
  replace(file, document.toString({ lineWidth: 120, flowCollectionPadding: false }), { mode: 0o644 });
}
