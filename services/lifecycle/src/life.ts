import type { ManagedCertificate } from "./certificate.ts";
import { isLiving, stateAfter, type TRANSITIONS } from "./states.ts";
import type { CertificateTable } from "./store/certificates.ts";
import type { ChangeTable } from "./store/changes.ts";

/** Why something happened, who did it, and when. */
export interface Cause {
  readonly reason: string;
  /** SPIFFE URI. */
  readonly actor: string;
  readonly at: Date;
}

/** Leads certificates through their lives, and keeps every step on record. All of it is synchronous, and belongs inside `store.write`. */
export class Life {
  readonly #certificates: CertificateTable;
  readonly #changes: ChangeTable;

  constructor(certificates: CertificateTable, changes: ChangeTable) {
    this.#certificates = certificates;
    this.#changes = changes;
  }

  /** A certificate that was issued takes its place behind the newest of its identity, which is told. One that is known stays as it is. */
  begin(certificate: ManagedCertificate, cause: Cause): void {
    if (this.#certificates.find(certificate) !== undefined) return;
    const { organisation, identity, issuedAt, certificateId } = certificate;
    const predecessor = this.#certificates.findNewest(organisation, identity, issuedAt);
    this.#certificates.insert({ ...certificate, predecessorId: predecessor?.certificateId });
    this.#changes.add(certificate, { change: "issued", from: undefined, to: "issued", ...cause });
    if (predecessor) this.happen(predecessor, "succeeded", { ...cause, reason: `${certificateId} takes over` });
  }

  /** Says what happened. True if that changed its state, or is a step of a renewal; what cannot happen now is passed over. */
  happen(certificate: ManagedCertificate, change: keyof typeof TRANSITIONS, cause: Cause): boolean {
    const { state, resumesAs, notAfter, renewAt } = certificate;
    const to = stateAfter(change, state, resumesAs);
    if (to === undefined) return false;
    const isWaiting = to === "issued" || to === "active";
    const isOver = to === "revoked" || to === "expired" || to === "renewed";
    this.#certificates.setState({
      ...certificate,
      state: to,
      resumesAs: to === "suspended" && isLiving(state) ? state : undefined,
      dueAt: isOver ? undefined : isWaiting ? renewAt : notAfter,
      revocationReason: to === "revoked" || to === "suspended" ? cause.reason : undefined,
    });
    this.#changes.add(certificate, { change, from: state, to, ...cause });
    return true;
  }

  /** It was seen in a handshake: it is in use, and what it took over from is not needed any more. */
  serve(certificate: ManagedCertificate, cause: Cause): void {
    this.happen(certificate, "served", cause);
    let { predecessorId } = certificate;
    while (predecessorId !== undefined) {
      const { organisation, certificateId } = certificate;
      const before = this.#certificates.find({ organisation, certificateId: predecessorId });
      if (before === undefined) return;
      // What was replaced before has told its own predecessors.
      if (!this.happen(before, "replaced", { ...cause, reason: `${certificateId} is in use` })) return;
      predecessorId = before.predecessorId;
    }
  }

  /** Its time has come: to be renewed, or its end. */
  passTime(certificate: ManagedCertificate, cause: Omit<Cause, "reason">): void {
    if (certificate.notAfter.getTime() > cause.at.getTime()) {
      this.happen(certificate, "due", { ...cause, reason: `it ends ${certificate.notAfter.toISOString()}` });
      return;
    }
    const successor = this.#certificates.findSuccessor(certificate);
    const reason = successor ? `${successor.certificateId} was issued in time` : "nothing took over from it";
    this.happen(certificate, successor ? "outlived" : "ended", { ...cause, reason });
  }
}
