import { PkiError } from "@vcc-pki/errors";
import {
  type CertificateServiceDefinition,
  type ProfileServiceDefinition,
  type StatusChange,
  StatusChangeKind,
  type StreamStatusResponse,
} from "@vcc-pki/proto/ca";
import type { Remote } from "@vcc-pki/rpc";
import { REASON_NAMES } from "@vcc-pki/service";
import type { Store } from "@vcc-pki/store";
import type { Logger } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import { beginningOf, keyOf } from "./certificate.ts";
import type { Life } from "./life.ts";
import type { CertificateTable } from "./store/certificates.ts";
import type { PositionTable } from "./store/position.ts";

export interface FollowCaOptions {
  readonly store: Store;
  readonly certificates: CertificateTable;
  readonly position: PositionTable;
  readonly life: Life;
  readonly ca: Pick<Remote<CertificateServiceDefinition>, "streamCertificates">;
  readonly profiles: Pick<Remote<ProfileServiceDefinition>, "list">;
  /** The ca's SPIFFE URI: who does what nobody is named for. */
  readonly caId: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Applies what the ca's log of changes says, in its order, from where it stopped. Events of the bus say when to look; what is believed is the log.
 *  A batch and the place it leads to are one transaction, so that nothing is applied twice and nothing is left out. */
export class FollowCa {
  readonly #options: FollowCaOptions;
  /** How long before its end a certificate of each profile is to be renewed, in ms. */
  #thresholds: ReadonlyMap<string, number> = new Map();

  constructor(options: FollowCaOptions) {
    this.#options = options;
  }

  /** Catches up with the ca. Rejects with PEER_UNAVAILABLE when it is away; what was applied until then stays. */
  async run(): Promise<void> {
    const { ca, position, store, log } = this.#options;
    const { generation, sequence } = position.get();
    const batches = ca.streamCertificates({ generation, afterSequence: sequence });
    for await (const batch of batches) {
      if (batch.changes.length === 0) continue;
      await this.#learnProfiles(batch);
      await store.write(() => this.#apply(batch));
      if (batch.fromStart && generation !== 0) log.warn("the ca's log begins anew", { generation: batch.generation });
    }
  }

  async #learnProfiles({ changes }: StreamStatusResponse): Promise<void> {
    if (changes.every(({ profile }) => this.#thresholds.has(profile))) return;
    const { profiles } = await this.#options.profiles.list({});
    const known = profiles.map(
      ({ profile, renewalThresholdSeconds }) => [profile, renewalThresholdSeconds * 1_000] as const,
    );
    this.#thresholds = new Map(known);
  }

  #apply({ generation, changes }: StreamStatusResponse): void {
    const { position, log } = this.#options;
    for (const change of changes) {
      try {
        this.#applyChange(change);
      } catch (error) {
        // A certificate that cannot be read stays out; its successors are looked after.
        if (!(error instanceof PkiError)) throw error;
        log.error("change of the ca not understood", { sequence: change.sequence, error });
      }
    }
    position.set({ generation, sequence: changes.at(-1)?.sequence ?? 0 });
  }

  #applyChange(change: StatusChange): void {
    const { life, certificates, caId, clock } = this.#options;
    const { kind, subject, revokedAt, revocationReason, profile } = change;
    if (kind === StatusChangeKind.ISSUED) {
      const certificate = beginningOf(change, this.#thresholds.get(profile));
      const { requester, profileVersion, issuedAt } = certificate;
      const reason = `requested by profile ${profile}, version ${profileVersion}`;
      life.begin(certificate, { reason, actor: requester || caId, at: issuedAt });
      return;
    }
    const certificate = certificates.find(keyOf(change));
    if (certificate === undefined) return;
    const cause = {
      reason: REASON_NAMES[revocationReason],
      actor: subject?.revokedBy || caId,
      at: revokedAt ?? clock.now(),
    };
    if (kind === StatusChangeKind.REVOKED) life.happen(certificate, "revoked", cause);
    if (kind === StatusChangeKind.HELD) life.happen(certificate, "held", { ...cause, reason: "certificateHold" });
    if (kind === StatusChangeKind.RELEASED) {
      life.happen(certificate, "released", { reason: "the hold has ended", actor: caId, at: clock.now() });
    }
  }
}
