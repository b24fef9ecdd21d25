import { randomBytes, randomInt } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import { systemClock } from "@vcc-pki/time";
import {
  buildCertId,
  buildOcspRequest,
  type Certificate,
  isSignedBy,
  issuerHashes,
  type OcspResponse,
  parseCertificateList,
  parseOcspResponse,
  verifyOcspResponse,
} from "@vcc-pki/x509";
import { sharedMs } from "../worker-process.ts";
import type { Answered, ListFetched, Outcome } from "./messages.ts";

/** An authority, with the addresses that its certificates carry. */
export interface Authority {
  readonly authorityId: string;
  readonly certificate: Certificate;
  readonly ocspUrl: string;
  readonly crlUrl: string;
}

const PATIENCE_MS = 5_000;

/** Asks OCSP about one certificate, each time in another way: GET or POST, SHA-1 or SHA-256, with a nonce or without. */
export async function ask(authority: Authority, certificateId: string): Promise<Answered> {
  const method = randomInt(2) === 0 ? "GET" : "POST";
  const hash = randomInt(2) === 0 ? "sha1" : "sha256";
  const nonce = randomInt(2) === 0 ? new Uint8Array(randomBytes(32)) : undefined;
  const serial = new Uint8Array(Buffer.from(serialHexOf(certificateId), "hex"));
  const certId = buildCertId(issuerHashes(authority.certificate)[hash], serial);
  const sentMs = sharedMs();
  const body = await exchange(authority.ocspUrl, method, buildOcspRequest([certId], nonce));
  const atMs = sharedMs();
  const question = `${method} ${hash}${nonce === undefined ? "" : " nonce"}`;
  return {
    certificateId,
    question,
    sentMs,
    atMs,
    outcome: judge(body, { issuer: authority.certificate, serial, nonce }),
  };
}

const serialHexOf = (certificateId: string): string => certificateId.slice(certificateId.indexOf(":") + 1);

async function exchange(
  url: string,
  method: "GET" | "POST",
  question: Uint8Array,
): Promise<Uint8Array | "unavailable" | number> {
  const inPath = () => encodeURIComponent(Buffer.from(question).toString("base64"));
  const headers = { "content-type": "application/ocsp-request" };
  return method === "GET"
    ? download(`${url}/${inPath()}`)
    : download(url, { method, headers, body: Buffer.from(question) });
}

/** The body; the HTTP status when it is not 200. */
async function download(url: string, init?: RequestInit): Promise<Uint8Array | "unavailable" | number> {
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(PATIENCE_MS) });
    const body = new Uint8Array(await response.arrayBuffer());
    return response.status === 200 ? body : response.status;
  } catch {
    return "unavailable";
  }
}

interface Question {
  readonly issuer: Certificate;
  readonly serial: Uint8Array;
  readonly nonce: Uint8Array | undefined;
}

const fault = (message: string) => ({ kind: "fault", fault: message }) as const;

function judge(body: Uint8Array | "unavailable" | number, question: Question): Outcome {
  if (body === "unavailable") return { kind: "unavailable" };
  if (typeof body === "number") return fault(`HTTP status ${body}`);
  const at = systemClock.now();
  try {
    const response: OcspResponse = parseOcspResponse(body);
    if (response.responseStatus === "tryLater") return { kind: "tryLater" };
    if (response.responseStatus !== "successful") return fault(response.responseStatus);
    const proven = verifyOcspResponse(response, { ...question, at }).response;
    if (proven.thisUpdate > at || response.data.producedAt > at) return fault("thisUpdate lies in the future");
    const said = proven.status === "revoked" ? proven.reason : proven.status;
    return { kind: "said", said, thisUpdate: proven.thisUpdate.toISOString() };
  } catch (error) {
    if (error instanceof PkiError) return fault(`${error.code} ${error.message}`);
    throw error;
  }
}

/** Fetches the full or the delta list of an authority and verifies it. */
export async function fetchList({ authorityId, certificate, crlUrl }: Authority, delta: boolean): Promise<ListFetched> {
  const url = delta ? crlUrl.replace(/\.crl$/, "-delta.crl") : crlUrl;
  const sentMs = sharedMs();
  const body = await download(url);
  const atMs = sharedMs();
  return { url, sentMs, atMs, outcome: await judgeList(body, authorityId, certificate) };
}

async function judgeList(
  body: Uint8Array | "unavailable" | number,
  authorityId: string,
  issuer: Certificate,
): Promise<ListFetched["outcome"]> {
  // 404: the list is not there yet.
  if (body === "unavailable" || body === 404) return { kind: "unavailable" };
  if (typeof body === "number") return fault(`HTTP status ${body}`);
  try {
    const list = parseCertificateList(body);
    if (!isSignedBy(list, issuer.spkiDer)) return fault("the list is not signed by its authority");
    if (list.thisUpdate > systemClock.now()) return fault("thisUpdate of the list lies in the future");
    const entries = [...list.revoked()].map(({ serialHex, reason }) => ({
      certificateId: `${authorityId}:${serialHex}`,
      reason,
    }));
    return { kind: "list", crlNumber: Number(list.crlNumber), entries };
  } catch (error) {
    if (error instanceof PkiError) return fault(`${error.code} ${error.message}`);
    throw error;
  }
}
