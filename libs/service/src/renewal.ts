import { generateKeyPairSync, randomUUID } from "node:crypto";
import { ERRORS, PkiError } from "@vcc-pki/errors";
import type { CertificateServiceDefinition } from "@vcc-pki/proto/ca";
import type { Remote } from "@vcc-pki/rpc";
import type { Logger, Telemetry } from "@vcc-pki/telemetry";
import { type Clock, renewalDueAt } from "@vcc-pki/time";
import { type Certificate, createCertificationRequest, parseCertificate, pemDecode, pemEncode } from "@vcc-pki/x509";
import { type FileIdentity, writeIdentity } from "./identity-files.ts";

type CertificateAuthority = Pick<Remote<CertificateServiceDefinition>, "issue">;

export interface RenewalOptions {
  readonly directory: string;
  readonly identity: FileIdentity;
  readonly ca: CertificateAuthority;
  readonly clock: Clock;
  readonly log: Logger;
  readonly telemetry?: Telemetry;
  /** Told after the new identity is in place, e.g. to have another process read it. */
  readonly onRenewed?: () => void;
}

export interface Renewal {
  /** Renews if it is time to. Never throws: a failure is logged, counted, and tried again later. */
  tick(): Promise<void>;
  stop(): void;
}

const metrics = {
  renewals: ["pki.identity.renewals", { description: "Renewals of the service's own certificate, by outcome" }],
  remaining: ["pki.identity.expiry", { description: "Time until the service's own certificate expires", unit: "s" }],
} as const;

const TICK_MS = 30_000;
const BACK_OFF_MS = { first: 5_000, most: 300_000 };

/** Keeps a service's own certificate fresh: a new key and certificate at two thirds of life, back-off when the ca does not answer,
 *  the old identity in use until the new one is in place. */
export function startRenewal({ identity, clock, log, telemetry, ...options }: RenewalOptions): Renewal {
  const counter = telemetry?.meter.createCounter(...metrics.renewals);
  const gauge = telemetry?.meter.createObservableGauge(...metrics.remaining);
  gauge?.addCallback((result) => result.observe((leafOf(identity).notAfter.getTime() - clock.now().getTime()) / 1000));

  const spread = Math.random() * 2 - 1;
  let failures = 0;
  let notBeforeMs = 0;
  let running: Promise<void> | undefined;
  let pending: PendingIdentity | undefined;

  async function renew(): Promise<void> {
    try {
      pending ??= createKeyAndCsr(leafOf(identity));
      await renewIdentity({ ...options, identity, pending });
      pending = undefined;
      failures = 0;
      // A certificate that is born past two thirds of its life must not be renewed in a circle.
      notBeforeMs = clock.monotonicMs() + BACK_OFF_MS.most;
      counter?.add(1, { outcome: "renewed" });
      options.onRenewed?.();
    } catch (error) {
      if (!mayHaveBeenDone(error)) pending = undefined;
      failures += 1;
      notBeforeMs = clock.monotonicMs() + Math.min(BACK_OFF_MS.most, BACK_OFF_MS.first * 2 ** (failures - 1));
      counter?.add(1, { outcome: "failed" });
      log.error("identity could not be renewed", { failures, notAfter: leafOf(identity).notAfter, error });
    }
  }

  async function tick(): Promise<void> {
    const due = renewalDueAt(leafOf(identity), spread) <= clock.now() && clock.monotonicMs() >= notBeforeMs;
    if (!due && running === undefined) return;
    running ??= renew().finally(() => {
      running = undefined;
    });
    await running;
  }

  const timer = setInterval(tick, TICK_MS).unref();
  setImmediate(tick);
  return { tick, stop: () => clearInterval(timer) };
}

/** A key that waits for its certificate. The same request id yields the same certificate, so it is kept while nobody knows whether
 *  the ca has answered. */
export interface PendingIdentity {
  readonly requestId: string;
  readonly keyPem: string;
  readonly csrDer: Uint8Array;
}

/** A new EC P-256 key, which no one else has seen, and a PKCS#10 request for the names of `current`. */
export function createKeyAndCsr(current: Pick<Certificate, "subjectAltNames">): PendingIdentity {
  const { dns, ip, uri } = current.subjectAltNames;
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    requestId: randomUUID(),
    keyPem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    csrDer: createCertificationRequest({ subjectAltNames: { dns, ip, uri }, privateKey }),
  };
}

/** Has the ca certify a new key under the names of the current certificate (profile `platform`), and puts both in place. Throws what
 *  the ca answers, or CONFIG_INVALID when its answer does not fit; then nothing has changed. */
export async function renewIdentity({
  directory,
  identity,
  ca,
  pending = createKeyAndCsr(leafOf(identity)),
}: Pick<RenewalOptions, "directory" | "identity" | "ca"> & { readonly pending?: PendingIdentity }): Promise<void> {
  const { keyPem, csrDer, requestId } = pending;
  const { uri } = leafOf(identity).subjectAltNames;
  const request = { requestId, organisation: "", profile: "platform", csrDer, authorityId: "", validitySeconds: 0 };
  const { chainDer } = await ca.issue(request);
  const [leafDer = new Uint8Array()] = chainDer;
  if (parseCertificate(leafDer).subjectAltNames.uri.join(" ") !== uri.join(" ")) {
    throw new PkiError("CONFIG_INVALID", "the renewed certificate is somebody else's");
  }
  const chainPem = chainDer.map((der) => pemEncode("CERTIFICATE", der)).join("");
  writeIdentity(directory, { keyPem, chainPem, trustPem: identity.current().trustPem });
  identity.reload();
}

/** The answer may have been lost on its way. */
const mayHaveBeenDone = (error: unknown): boolean => error instanceof PkiError && ERRORS[error.code].retry;

function leafOf(identity: FileIdentity): Certificate {
  const [der] = pemDecode(identity.current().chainPem, "CERTIFICATE");
  if (der === undefined) throw new Error("an identity has a certificate");
  return parseCertificate(der);
}
