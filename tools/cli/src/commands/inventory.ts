import { randomUUIDv7 } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import {
  EndpointHistory,
  Inventory,
  InventoryEndpoint,
  type ProbeRequest,
  Sweep,
  type SweepRequest,
  type Verdict,
} from "@vcc-pki/gateway/api";
import { EXIT } from "../exit-codes.ts";
import type { Session } from "../session.ts";
import { fields, table } from "../table.ts";
import { UsageError } from "../usage.ts";
import { date, dateWithDistance } from "../when.ts";

const PATH = "/api/v1/inventory";
const PAGE = 1_000;
const POLL_MS = 250;
const BAR_WIDTH = 24;

export interface ListInventoryOptions {
  readonly verdict?: Verdict;
  readonly service?: string;
  readonly expiresBefore?: Date;
}

/** All of it, page by page. */
export async function listInventory(options: ListInventoryOptions, session: Session): Promise<void> {
  const { verdict, service, expiresBefore } = options;
  const endpoints: InventoryEndpoint[] = [];
  let next: string | undefined;
  do {
    const found = { verdict, service, expires_before: expiresBefore?.toISOString() };
    const query = { ...scope(session), ...found, page_size: PAGE, page_token: next };
    const page = await session.client.call({ path: PATH, query, answer: Inventory });
    endpoints.push(...page.endpoints);
    next = page.next_page_token;
  } while (next !== undefined);
  session.result({ endpoints }, () => {
    const rows = endpoints.map(
      ({ endpoint, verdict: said, service: whose = "", health = "", chain: [leaf], ...each }) => [
        ...[endpoint, said, whose, date(leaf?.not_after), leaf?.key_algorithm ?? "", leaf?.issuer ?? "", health],
        date(each.last_seen_at),
      ],
    );
    const head = ["endpoint", "verdict", "service", "expires", "key", "issuer", "health", "last seen"];
    return table(head, rows, "nothing is known: see vcc-pki inventory sweep");
  });
}

/** One endpoint with its chain and its changes. */
export async function showEndpoint(endpoint: string, session: Session): Promise<void> {
  const path = `${PATH}/endpoints/${encodeURIComponent(endpoint)}`;
  const history = await session.client.call({ path, query: scope(session), answer: EndpointHistory });
  session.result(history, () => {
    const rows = history.changes.map(({ at, from_verdict = "", to_verdict, reason, sha256 = "" }) => [
      ...[date(at), from_verdict, to_verdict, reason, sha256.slice(0, 16)],
    ]);
    const changes = table(["at", "from", "to", "reason", "certificate"], rows, "no changes");
    return `${endpointText(history.endpoint, session)}\n\n${changes}`;
  });
}

export interface ProbeOptions {
  readonly name?: string;
  readonly healthPath?: string;
  readonly healthDialect?: NonNullable<ProbeRequest["health_dialect"]>;
}

/** Looks at one endpoint now. Exit 0 when what it serves is ours and valid, 3 otherwise. */
export async function probe(target: string, options: ProbeOptions, session: Session): Promise<void> {
  const { name, healthPath: health_path, healthDialect: health_dialect } = options;
  const body: ProbeRequest = { ...parseTarget(target), name, health_path, health_dialect };
  const call = {
    method: "POST",
    path: `${PATH}/probe`,
    query: scope(session),
    body,
    answer: InventoryEndpoint,
  } as const;
  const asked = session.client.call(call);
  const seen = await session.during(`looking at ${target}`, asked);
  session.result(seen, () => endpointText(seen, session));
  session.conclude(seen.verdict === "ours" ? EXIT.ok : EXIT.refused);
}

export interface SweepOptions {
  readonly port?: readonly number[];
  readonly detach?: boolean;
  readonly requestId?: string;
}

/** Starts a sweep, and shows how far it comes. Interrupted, it goes on without us. */
export async function sweep(networks: readonly string[], options: SweepOptions, session: Session): Promise<void> {
  const { port: ports, detach, requestId = randomUUIDv7() } = options;
  const body: SweepRequest = { networks: [...networks], ...(ports && { ports: [...ports] }) };
  const call = {
    method: "POST",
    path: `${PATH}/sweep`,
    query: scope(session),
    body,
    requestId,
    answer: Sweep,
  } as const;
  const started = await session.client.call(call);
  if (detach) return session.result(started, () => sweepText(started));
  await follow(started, session);
}

/** The sweep of that id, or the newest; the same as `sweep` while it goes on. */
export async function followSweep(id: string | undefined, session: Session): Promise<void> {
  await follow(await getSweep(id ?? "newest", session), session);
}

async function follow(started: Sweep, session: Session): Promise<void> {
  let latest = started;
  const whole = async () => {
    for (; latest.ended_at === undefined; latest = await getSweep(started.sweep_id, session)) await sleep(POLL_MS);
    return latest;
  };
  const ended = await session.during("sweeping", whole(), () => barText(latest));
  session.result(ended, () => sweepText(ended));
}

const getSweep = (id: string, session: Session): Promise<Sweep> =>
  session.client.call({ path: `${PATH}/sweeps/${encodeURIComponent(id)}`, query: scope(session), answer: Sweep });

const scope = ({ settings }: Session) => ({ organisation: settings.organisation });

/** "[######------] 512/1024, 17 found" */
export function barText({ probed, total, found }: Pick<Sweep, "probed" | "total" | "found">): string {
  const filled = total === 0 ? BAR_WIDTH : Math.floor((BAR_WIDTH * probed) / total);
  return `[${"#".repeat(filled)}${"-".repeat(BAR_WIDTH - filled)}] ${probed}/${total}, ${found} found`;
}

const sweepText = ({ sweep_id, networks, ports, probed, total, found, refused, verdicts, ended_at }: Sweep): string =>
  fields([
    ["sweep", sweep_id],
    ["networks", networks.join(", ")],
    ["ports", ports.join(", ")],
    ["probed", `${probed} of ${total}${ended_at === undefined ? ", going on" : ""}`],
    ["refused", refused === 0 ? undefined : `${refused}: guarded addresses`],
    ["found", String(found)],
    ...Object.entries(verdicts).map(([verdict, count]) => [`  ${verdict}`, String(count)] as const),
  ]);

function endpointText(seen: InventoryEndpoint, { io }: Session): string {
  const now = io.clock.now();
  const head = fields([
    ["endpoint", seen.endpoint],
    ["service", seen.service],
    ["verdict", `${seen.verdict}: ${seen.detail}`],
    ["address", seen.address],
    ["tls", seen.tls_version && `${seen.tls_version} ${seen.cipher ?? ""}`],
    ["stapled ocsp", seen.chain.length === 0 ? undefined : seen.stapled_ocsp],
    ["health", seen.health && `${seen.health}: ${seen.health_reason ?? ""}`],
    ["first seen", date(seen.first_seen_at)],
    ["last seen", date(seen.last_seen_at)],
  ]);
  const chain = seen.chain.map((certificate, i) =>
    fields([
      [i === 0 ? "certificate" : "issuer", certificate.subject || "(no subject)"],
      ["issued by", certificate.issuer],
      ["names", [...certificate.san_dns, ...certificate.san_ip, ...certificate.san_uri].join("\n")],
      ["expires", dateWithDistance(certificate.not_after, now)],
      ["key", `${certificate.key_algorithm}, signed with ${certificate.signature_algorithm}`],
      ["serial", certificate.serial_number],
      ["sha256", certificate.sha256],
    ]),
  );
  return [head, ...chain].join("\n\n");
}

/** "host:port", "[address]:port" */
export function parseTarget(target: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, port] = /^(?:\[([0-9A-Fa-f:]+)\]|([^:/@\s]+)):(\d{1,5})$/.exec(target) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535)
    throw new UsageError(`${target} is not HOST:PORT, or [ADDRESS]:PORT for IPv6`);
  return { host, port: Number(port) };
}
