import { PkiError } from "@vcc-pki/errors";
import { type CertificateServiceDefinition, CertificateState } from "@vcc-pki/proto/ca";
import type { Remote } from "@vcc-pki/rpc";
import type { Logger } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import type { ClientId } from "./http.ts";

/** What the ca says of a client's certificate. */
export interface ClientStatus {
  /** False for one that is revoked, and for one that the ca has never issued. Throws PEER_UNAVAILABLE when it cannot be asked and has
   *  never answered for this certificate. */
  isValid(certificateId: string, client: ClientId): Promise<boolean>;
}

export interface ClientStatusOptions {
  readonly certificates: Pick<Remote<CertificateServiceDefinition>, "getStatus">;
  /** For how long an answer is used. After that an old one serves only while the ca cannot be reached. */
  readonly refreshMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Above this many certificates the oldest answers are forgotten. */
const MAX_REMEMBERED = 1_000;

/** Asks the ca, at most once per certificate and `refreshMs`. The deny-list that is pushed to every door is faster; this one needs no
 *  push and refuses what nobody issued. */
export function createClientStatus({ certificates, refreshMs, clock, log }: ClientStatusOptions): ClientStatus {
  const answers = new Map<string, { readonly valid: boolean; readonly untilMs: number }>();
  const asking = new Map<string, Promise<boolean>>();

  const ask = async (certificateId: string, client: ClientId): Promise<boolean> => {
    const valid = await certificates.getStatus({ organisation: "", certificateId }, { requester: client }).then(
      ({ state }) => state === CertificateState.VALID,
      (error) => {
        if (error instanceof PkiError && error.code === "NOT_FOUND") return false;
        throw error;
      },
    );
    answers.delete(certificateId);
    answers.set(certificateId, { valid, untilMs: clock.monotonicMs() + refreshMs });
    const oldest = answers.keys().next();
    if (answers.size > MAX_REMEMBERED && !oldest.done) answers.delete(oldest.value);
    return valid;
  };

  return {
    async isValid(certificateId, client) {
      const known = answers.get(certificateId);
      if (known !== undefined && clock.monotonicMs() < known.untilMs) return known.valid;
      const current =
        asking.get(certificateId) ?? ask(certificateId, client).finally(() => asking.delete(certificateId));
      asking.set(certificateId, current);
      try {
        return await current;
      } catch (error) {
        if (known === undefined) throw error;
        log.warn("client status not refreshed", { error });
        return known.valid;
      }
    },
  };
}
