import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { type FakeClock, fakeClock } from "@vcc-pki/testkit/clock";
import { createTestHierarchy, generateTestKey, type TestHierarchy } from "@vcc-pki/testkit/hierarchy";
import { systemClock } from "@vcc-pki/time";
import { OID, parseCertificate, parseCertificationRequest, pemDecode, pemEncode } from "@vcc-pki/x509";
import { onTestFinished } from "vitest";
import { fingerprintOf } from "../src/gateway/pin.ts";

/** What goes wrong with the next request that asks for a certificate: it is not done, or it is done and its answer is lost. */
export type Fault = "failed, not stored" | "failed, but stored";

/** The gateway's contract with agents (enrol, renew, report, watch) as a small real PKI: it keeps tokens and request ids, believes client certificates
 *  only, and issues what a CSR asks for. The suite's own gateway answers to the same in tools/e2e. */
export interface Door {
  /** What it goes by; TLS goes by the machine's. */
  readonly clock: FakeClock;
  readonly origin: string;
  readonly fingerprint: string;
  readonly hierarchy: TestHierarchy;
  /** Every certificate that was issued, oldest first, by serial number. */
  readonly issued: string[];
  readonly reports: Record<string, unknown>[];
  /** Life of what is issued next, from now. */
  lifeMs: number;
  bundlePem: string;
  fault: Fault | undefined;
  /** Added to the time in the answers' Date. */
  clockOffsetMs: number;
  newToken(): string;
  approve(requestId: string, yes: boolean): void;
  /** Paths of requests, oldest first. */
  readonly asked: string[];
  /** Sends an event to everybody who watches. */
  tell(event: string, data: unknown): void;
  readonly watchers: ReadonlySet<ServerResponse>;
  readonly lastEventIds: (string | undefined)[];
  close(): Promise<void>;
  /** Listens again where it did. */
  reopen(): Promise<void>;
}

class Refused extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string) {
    super(code);
    this.status = status;
    this.code = code;
  }
}

/** The bodies of all routes; each takes what is its own. */
interface Body {
  readonly attestation: { readonly token: string };
  readonly csr: string;
  readonly request_id: string;
  readonly secret: string;
  readonly events: Record<string, unknown>[];
}

type Route = (request: IncomingMessage, body: Body, response: ServerResponse) => unknown;

export async function newDoor({
  clock = fakeClock(new Date()),
  serverLife = {},
}: {
  clock?: FakeClock;
  serverLife?: { notBefore?: Date; notAfter?: Date };
} = {}): Promise<Door> {
  const hierarchy = createTestHierarchy({ clock: systemClock });
  const tokens = new Map<string, string | undefined>();
  const answers = new Map<string, unknown>();
  const requests = new Map<string, { csr: string; secret: string; approved?: boolean }>();
  const watchers = new Set<ServerResponse>();
  /** As they were told. Who names the last one it heard gets those after it, as at the gateway. */
  const told: string[] = [];

  const issue = (csrPem: string, requestId: string): unknown => {
    const known = answers.get(requestId);
    if (known) return known;
    const [csrDer = new Uint8Array()] = pemDecode(csrPem, "CERTIFICATE REQUEST");
    const csr = parseCertificationRequest(csrDer);
    if (!csr.verifySignature()) throw new Refused(400, "CSR_SIGNATURE_INVALID");
    const now = clock.now().getTime();
    const { certificate, chainPem } = hierarchy.issue({
      subjectAltNames: csr.subjectAltNames,
      notBefore: new Date(now - 1_000),
      notAfter: new Date(now + door.lifeMs),
      key: { ...generateTestKey(), spkiDer: csr.spkiDer },
    });
    door.issued.push(certificate.serialHex);
    const answer = {
      spiffe_id: certificate.subjectAltNames.uri[0],
      certificate_id: `test:${certificate.serialHex}`,
      serial_number: certificate.serialHex,
      chain_pem: chainPem,
      bundle_pem: door.bundlePem,
      not_before: certificate.notBefore,
      not_after: certificate.notAfter,
      renew_at: new Date(now + (door.lifeMs * 2) / 3),
      profile: "mtls_service",
    };
    answers.set(requestId, answer);
    return answer;
  };

  /** The identity in the client certificate, as TLS verified it. */
  const callerOf = (request: IncomingMessage): string => {
    const socket = request.socket as TLSSocket;
    const der = socket.authorized ? socket.getPeerX509Certificate()?.raw : undefined;
    if (der === undefined) throw new Refused(401, "CALLER_UNAUTHENTICATED");
    return parseCertificate(new Uint8Array(der)).subjectAltNames.uri[0] ?? "";
  };

  const routes: Record<string, Route> = {
    "GET /api/v1/trust/bundle": () => door.bundlePem,
    "POST /api/v1/enrol": (_, { attestation, csr, request_id }) => {
      if (!tokens.has(attestation.token)) throw new Refused(403, "CALLER_NOT_ALLOWED");
      const usedBy = tokens.get(attestation.token);
      if (usedBy !== undefined && usedBy !== request_id) throw new Refused(403, "CALLER_NOT_ALLOWED");
      const answer = issue(csr, request_id);
      tokens.set(attestation.token, request_id);
      return answer;
    },
    "POST /api/v1/enrol/requests": (_, { csr }) => {
      const id = randomUUID();
      requests.set(id, { csr, secret: randomUUID() });
      return { request_id: id, secret: requests.get(id)?.secret, status: "pending" };
    },
    "POST /api/v1/enrol/requests/*/claim": (request, { secret }) => {
      const id = request.url?.split("/")[5] ?? "";
      const found = requests.get(id);
      if (!found || found.secret !== secret) throw new Refused(404, "NOT_FOUND");
      if (found.approved === undefined) return { status: "pending" };
      if (!found.approved) throw new Refused(403, "APPROVAL_REFUSED");
      return issue(found.csr, id);
    },
    "POST /api/v1/agent/renew": (request, { csr, request_id }) => {
      callerOf(request);
      return issue(csr, request_id);
    },
    "POST /api/v1/agent/provision": (request, { csr, request_id }) => {
      callerOf(request);
      return issue(csr, request_id);
    },
    "POST /api/v1/agent/report": (request, body) => {
      callerOf(request);
      door.reports.push(...body.events);
      return undefined;
    },
    "GET /api/v1/agent/watch": (request, _, response) => {
      callerOf(request);
      const lastEventId = request.headers["last-event-id"] as string | undefined;
      door.lastEventIds.push(lastEventId);
      response.writeHead(200, { "content-type": "text/event-stream" }).write(": connected\n\n");
      if (lastEventId !== undefined) for (const text of told.slice(Number(lastEventId))) response.write(text);
      watchers.add(response);
      response.once("close", () => watchers.delete(response));
      return response;
    },
  };

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const path = (request.url ?? "").replace(/requests\/[^/]+\/claim$/, "requests/*/claim");
    const route = `${request.method} ${path}`;
    door.asked.push(route);
    response.setHeader("date", new Date(clock.now().getTime() + door.clockOffsetMs).toUTCString());
    const { fault } = door;
    const asksForCertificate = /enrol$|renew$|claim$|provision$/.test(path);
    try {
      const handler = routes[route];
      if (!handler) throw new Refused(404, "NOT_FOUND");
      let text = "";
      for await (const chunk of request) text += chunk;
      if (asksForCertificate && fault === "failed, not stored") throw new Refused(503, "STORE_UNAVAILABLE");
      const result = handler(request, JSON.parse(text || "{}"), response);
      if (asksForCertificate && fault === "failed, but stored") return void request.socket.destroy();
      if (result === response) return;
      const status = result === undefined ? 204 : (result as { status?: string }).status === "pending" ? 202 : 200;
      response.writeHead(status).end(typeof result === "string" ? result : JSON.stringify(result));
    } catch (error) {
      if (!(error instanceof Refused)) console.error(error);
      const { status, code } = error instanceof Refused ? error : { status: 500, code: "INTERNAL" };
      response.writeHead(status).end(JSON.stringify({ type: `urn:pki:error:${code}`, status, code, detail: code }));
    }
  };

  const { keyPem, chainPem } = hierarchy.issue({
    ...serverLife,
    subjectAltNames: { dns: ["localhost"], ip: ["127.0.0.1"] },
    extendedKeyUsages: [OID.serverAuth],
  });
  const server = createServer(
    { key: keyPem, cert: chainPem, ca: hierarchy.trustPem, requestCert: true, rejectUnauthorized: false },
    answer,
  );
  const listen = async (port: number) => {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  };
  const close = async () => {
    if (!server.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  };
  const port = await listen(0);
  const door: Door = {
    clock,
    origin: `https://localhost:${port}`,
    fingerprint: fingerprintOf(hierarchy.root.certificate.der),
    hierarchy,
    issued: [],
    reports: [],
    asked: [],
    lifeMs: 86_400_000,
    bundlePem: hierarchy.trustPem,
    fault: undefined,
    clockOffsetMs: 0,
    watchers,
    lastEventIds: [],
    newToken() {
      const token = `vcc-enrol-1.${randomUUID()}.${randomUUID()}`;
      tokens.set(token, undefined);
      return token;
    },
    approve(requestId, yes) {
      const request = requests.get(requestId);
      if (request) request.approved = yes;
    },
    tell(event, data) {
      const text = `id: ${told.length + 1}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
      told.push(text);
      for (const watcher of watchers) watcher.write(text);
    },
    close,
    async reopen() {
      await listen(port);
    },
  };
  onTestFinished(close);
  return door;
}

/** A root beside the one there is, as a roll-over brings it. */
export const otherRootPem = (): string =>
  pemEncode("CERTIFICATE", createTestHierarchy({ clock: systemClock }).root.certificate.der);
