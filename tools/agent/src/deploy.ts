import { PkiError, toPkiError } from "@vcc-pki/errors";
import type { Logger } from "@vcc-pki/telemetry/log";
import type { Layout, Material } from "./layout.ts";
import { type ProofConfig, proveServed } from "./prove.ts";
import type { Reload } from "./reload/reload.ts";

/** A service on this machine, as far as the agent knows it. Every part may be absent: one that reads its files at each start has no hook,
 *  one that listens nowhere cannot be asked what it serves, and Envoy has no files. */
export interface Target {
  readonly layout: Layout | undefined;
  readonly reload: Reload | undefined;
  readonly proof: ProofConfig | undefined;
}

export interface Deployment {
  readonly material: Material;
  readonly serialHex: string;
  /** Whether the certificate that is in place is worth going back to: not one that has expired. */
  readonly mayGoBack: boolean;
}

/** Brings a certificate into service: 1 its files, 2 the reload hook, 3 a handshake that shows it. When one of them fails, the files that were
 *  there before are put back and the service is told to read them again. Rejects with what failed: FILE_NOT_WRITTEN, RELOAD_FAILED or
 *  CERTIFICATE_NOT_SERVED; details say whether the old certificate is back. */
export async function deploy(target: Target, deployment: Deployment, log: Logger): Promise<void> {
  const { layout, reload, proof } = target;
  const { material, serialHex } = deployment;
  layout?.install(material);
  try {
    await reload?.();
    if (proof) await proveServed(proof, serialHex);
    layout?.settle();
  } catch (error) {
    const failure = toPkiError(error);
    const rolledBack = deployment.mayGoBack && (await goBack(target, log));
    throw new PkiError(failure.code, failure.message, {
      cause: failure.cause,
      details: { ...failure.details, rolledBack: rolledBack ? "yes" : "no" },
    });
  }
}

/** Whether the old files are back. Nothing more can be done when that fails, or when the service does not hear of it. */
async function goBack({ layout, reload }: Target, log: Logger): Promise<boolean> {
  let restored = false;
  try {
    restored = layout?.restore() ?? false;
    if (restored) await reload?.();
  } catch (error) {
    log.warn("going back to the old certificate failed", { restored, error });
  }
  return restored;
}
