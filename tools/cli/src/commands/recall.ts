import { randomUUIDv7 } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  type Digest,
  isDigest,
  MANIFEST_FILE,
  MODEL_SIGNATURE_FILE,
  parseBundle,
  parseManifest,
  parseStatement,
  statementDigest,
} from "@vcc-pki/artefact";
import { Lineage, Recall, type RecallRequest } from "@vcc-pki/gateway/api";
import { type Session, scopeOf } from "../session.ts";
import { fields } from "../table.ts";
import { drawNodes, type TreeNode } from "../tree.ts";
import { UsageError } from "../usage.ts";

export interface RecallOptions {
  readonly signer?: string;
  readonly since?: string;
  readonly dataset?: string;
  readonly reason: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly requestId?: string;
}

/** More of them say nothing more to a person. */
const MAX_SHOWN = 20;

/** Says what would be recalled, asks, and has it recalled, with all that was made from it. */
export async function recall(artefact: string | undefined, options: RecallOptions, session: Session): Promise<void> {
  const { signer, since, dataset, reason, requestId = randomUUIDv7() } = options;
  const digest = artefact === undefined ? undefined : digestOf(artefact);
  if ([digest, signer, dataset].filter((target) => target !== undefined).length !== 1)
    throw new UsageError("name one: an artefact, --signer or --dataset");
  const body: RecallRequest = { digest, signer, since, dataset, reason };
  const ask = (more: Pick<RecallRequest, "dry_run">, id?: string) => {
    const call = {
      method: "POST",
      path: "/api/v1/recalls",
      query: scopeOf(session),
      body: { ...body, ...more },
      answer: Recall,
    } as const;
    return session.client.call({ ...call, ...(id && { requestId: id }) });
  };
  const planned = await ask({ dry_run: true });
  if (options.dryRun) return session.result(planned, () => recallText(planned));
  await session.confirm(`${planned.count} artefacts will not be used any more. Recall them?`, options.yes);
  const made = await ask({}, requestId);
  session.result(made, () => recallText(made));
}

function recallText({ recall_id, reason, recalled_at, count, artefact_digests }: Recall): string {
  const head = fields([
    ["recall", recall_id ?? "none: this says what would be recalled"],
    ["reason", reason],
    ["time", recalled_at],
    ["artefacts", String(count)],
  ]);
  const more = artefact_digests.length > MAX_SHOWN ? ["..."] : [];
  return [head, ...artefact_digests.slice(0, MAX_SHOWN), ...more].join("\n");
}

/** What an artefact was made from, and below it what was made from it. */
export async function showLineage(artefact: string, session: Session): Promise<void> {
  const digest = digestOf(artefact);
  const path = `/api/v1/lineage/${encodeURIComponent(digest)}`;
  const lineage = await session.client.call({ path, query: scopeOf(session), answer: Lineage });
  session.result({ artefact_digest: digest, ...lineage }, () => lineageText(digest, lineage));
}

function lineageText(digest: Digest, { upstream, downstream }: Lineage): string {
  const from = upstream.map(
    ({ artefact_digest, relation, source_name, source_digest }) =>
      `${artefact_digest === digest ? "" : `${artefact_digest}: `}${relation} ${[source_name, source_digest].filter(Boolean).join(" ")}`,
  );
  const head = from.length === 0 ? "made from nothing that it names" : `made from\n  ${from.join("\n  ")}`;
  return `${head}\n\n${drawNodes([below(digest, downstream, new Set())])}`;
}

/** Each artefact is drawn once, so that what runs in a circle comes to an end. */
function below(digest: string, edges: Lineage["downstream"], drawn: Set<string>): TreeNode {
  drawn.add(digest);
  const children = edges
    .filter(({ source_digest, artefact_digest }) => source_digest === digest && !drawn.has(artefact_digest))
    .map(({ artefact_digest }) => below(artefact_digest, edges, drawn));
  return { label: digest, children };
}

/** A digest as it is, or that of what is signed at a path. */
function digestOf(artefact: string): Digest {
  if (isDigest(artefact)) return artefact;
  const inside = [MANIFEST_FILE, MODEL_SIGNATURE_FILE].map((name) => join(artefact, name));
  const signed = [...inside, artefact].find((file) => statSync(file, { throwIfNoEntry: false })?.isFile());
  if (signed === undefined) throw new UsageError(`${artefact} is no digest (sha256:HEX) and no signed directory`);
  const octets = readFileSync(signed);
  const isManifest = octets.subarray(0, 1).toString() === "#"; // a bundle is JSON
  return statementDigest(isManifest ? parseManifest(octets) : parseStatement(parseBundle(octets).envelope.payload));
}
