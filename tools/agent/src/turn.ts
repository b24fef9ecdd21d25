import { PkiError, toPkiError } from "@vcc-pki/errors";
import type { Logger } from "@vcc-pki/telemetry/log";
import { pemDecode } from "@vcc-pki/x509";
import { requireRootOf } from "./accept.ts";
import { deploy, type Target } from "./deploy.ts";
import type { Gateway } from "./gateway/gateway.ts";
import { fingerprintOf } from "./gateway/pin.ts";
import type { Material } from "./layout.ts";
import { type ObtainContext, obtain } from "./obtain.ts";
import { backOffMs, isBundleDue, isRenewalDue } from "./schedule.ts";
import { type Report, type State, withReports } from "./state.ts";
import { bundleHash, type HeldCertificate, type IdentityStore } from "./store.ts";

export interface MaintainContext extends ObtainContext {
  readonly target: Target;
  readonly log: Logger;
  /** A connection as this identity. Called when there is something to ask, and closed after. */
  connect(bundlePem: string, identity: HeldCertificate | undefined): Gateway;
  /** The identity whose agent looks after this one, if another one does: it can ask for the first certificate. */
  readonly manager?: IdentityStore;
}

export interface Wish {
  /** Renew though it is not yet time. */
  readonly renew?: boolean;
  /** Ask for the roots though that was done lately. */
  readonly bundle?: boolean;
  /** Try though the last attempt failed a moment ago. */
  readonly now?: boolean;
  /** The event that brought the wish; kept once it is fulfilled. */
  readonly lastEventId?: string;
}

/** One round of work on one identity; `#state` is what the disk has. */
export class Turn {
  readonly #context: MaintainContext;
  #state: State;
  #gateway: Gateway | undefined;

  constructor(context: MaintainContext, state: State) {
    this.#context = context;
    this.#state = state;
  }

  /** What was written before it went wrong: a request that waits for its answer. */
  readAgain(): void {
    this.#state = this.#context.store.read();
  }

  /** The first certificate, where it does not come by `enrol`: administrators were asked for it, or another identity may ask. */
  async begin(): Promise<void> {
    const { claim } = this.#state.pending ?? {};
    if (claim !== undefined) await this.#claimFrom(claim);
    else if (this.#state.held === undefined && this.#context.manager) await this.#beProvisioned(this.#context.manager);
  }

  async #beProvisioned(manager: IdentityStore): Promise<void> {
    const { identity, store, connect } = this.#context;
    const { held } = manager.read();
    const bundlePem = manager.findBundle();
    if (held === undefined || bundlePem === undefined) return;
    const gateway = connect(bundlePem, manager.getCertificate(held.serialHex));
    try {
      store.keepBundle(bundlePem);
      this.#write({ bundle: bundleHash(bundlePem) });
      const ask = (csrPem: string, requestId: string) => gateway.provision(identity.service, csrPem, requestId);
      this.#state = await obtain(this.#context, this.#state, ask);
    } finally {
      gateway.close();
    }
  }

  async #claimFrom({ id, secret }: { id: string; secret: string }): Promise<void> {
    this.#state = await obtain(this.#context, this.#state, async () => {
      const answer = await this.#asIdentity().claim(id, secret);
      if (answer) return answer;
      throw new PkiError("APPROVAL_REQUIRED", "administrators have not decided yet", { details: { requestId: id } });
    });
    // It was nobody's so far.
    this.close();
    this.#gateway = undefined;
  }

  /** Roots and renewal. That the gateway cannot be reached keeps nothing else from being done. */
  async follow(wish: Wish): Promise<void> {
    const { clock } = this.#context;
    const { held } = this.#state;
    if (held === undefined) return;
    // A wish outlives whatever goes wrong: from now on it is time.
    if (wish.renew && held.renewAt > clock.now()) this.#write({ held: { ...held, renewAt: clock.now() } });
    const renew = this.#state.pending !== undefined || isRenewalDue(this.#state, clock.now());
    if (!renew && !wish.bundle && !isBundleDue(this.#state, clock.now())) return;
    try {
      this.#takeBundle(await this.#asIdentity().bundle());
      if (!renew) return;
      this.#state = await obtain(this.#context, this.#state, this.#asIdentity().renew);
      const { serialHex, notAfter, renewAt } = this.#state.held ?? {};
      this.#context.log.info("certificate renewed", { ...this.#names(), serialHex, notAfter, renewAt });
    } catch (error) {
      this.readAgain();
      if (this.#isInService()) throw error;
      // First what we have, then what we could not get.
      await this.deploy();
      throw error;
    }
  }

  /** Roots from a server that the roots we have vouch for. They must not leave our own certificate without one. */
  #takeBundle(bundlePem: string): void {
    const { store, clock, log } = this.#context;
    const bundle = bundleHash(bundlePem);
    const bundleSeenAt = clock.now();
    if (bundle !== this.#state.bundle) {
      const { chainPem } = store.getCertificate(this.#state.held?.serialHex ?? "");
      requireRootOf(chainPem, bundlePem, bundleSeenAt);
      store.keepBundle(bundlePem);
      log.info("trust bundle changed", { ...this.#names(), fingerprints: fingerprintsIn(bundlePem) });
    }
    this.#write({ bundle, bundleSeenAt });
  }

  /** What we hold, if the service does not have it. */
  async deploy(): Promise<void> {
    const { target, log, clock } = this.#context;
    const { held, deployed } = this.#state;
    if (held === undefined || this.#isInService()) return;
    const { serialHex, notAfter } = held;
    const { bundle = "" } = this.#state;
    const mayGoBack = deployed === undefined || deployed.notAfter > clock.now();
    try {
      await deploy(target, { material: this.#material(serialHex), serialHex, mayGoBack }, log);
    } catch (error) {
      const failure = toPkiError(error);
      const reported = this.#withReports([{ kind: "failed", serial_number: serialHex, detail: describe(failure) }]);
      // There was nothing to go back to, as before the first start of a service: the files are there for it.
      const stays = failure.details.rolledBack === "no";
      this.#write(stays ? { ...reported, deployed: { serialHex, bundle, notAfter, isTaken: false } } : reported);
      throw failure;
    }
    log.info("certificate deployed", { ...this.#names(), serialHex, proven: target.proof !== undefined });
    this.#write({
      ...this.#withReports(this.#successOf(serialHex)),
      deployed: { serialHex, bundle, notAfter, isTaken: true },
      acknowledged: bundle,
    });
    this.#context.store.tidy(this.#state);
  }

  /** Best effort: they wait for the next turn. */
  async sendReports(): Promise<void> {
    const { reports, held } = this.#state;
    if (reports.length === 0 || held === undefined) return;
    try {
      await this.#asIdentity().report(reports);
      this.#write({ reports: [] });
    } catch (error) {
      this.#context.log.warn("reports could not be sent", { ...this.#names(), waiting: reports.length, error });
      // What cannot be read there never will be, and must not stand before what comes.
      if (toPkiError(error).code === "REQUEST_MALFORMED") this.#write({ reports: [] });
    }
  }

  succeeded({ lastEventId = this.#state.lastEventId }: Wish): State {
    const { failures, nextAttemptAt, lastError } = this.#state;
    const isNew = failures > 0 || nextAttemptAt || lastError || lastEventId !== this.#state.lastEventId;
    if (isNew) this.#write({ failures: 0, nextAttemptAt: undefined, lastError: undefined, lastEventId });
    return this.#state;
  }

  failed(error: PkiError): State {
    const { clock, random, log } = this.#context;
    const { code, message } = error;
    const at = clock.now();
    const failures = this.#state.failures + 1;
    const nextAttemptAt = new Date(at.getTime() + backOffMs(failures, random()));
    if (code === "APPROVAL_REQUIRED") log.info("waiting for administrators", { ...this.#names(), nextAttemptAt });
    else log.error("identity needs attention", { ...this.#names(), failures, nextAttemptAt, error });
    this.#write({ failures, nextAttemptAt, lastError: { code, message: message.slice(0, 1_000), at } });
    return this.#state;
  }

  #isInService(): boolean {
    const { held, deployed, bundle } = this.#state;
    if (held === undefined) return true;
    if (held.serialHex !== deployed?.serialHex || bundle !== deployed.bundle || !deployed.isTaken) return false;
    return this.#context.target.layout?.holds(this.#material(held.serialHex)) ?? true;
  }

  #material(serialHex: string): Material {
    const { store } = this.#context;
    return { ...store.getCertificate(serialHex), bundlePem: store.findBundle() ?? "" };
  }

  /** The connection of this turn, as the identity that there was when it was first asked for. */
  #asIdentity(): Gateway {
    const { store, connect } = this.#context;
    const { held } = this.#state;
    this.#gateway ??= connect(store.findBundle() ?? "", held && store.getCertificate(held.serialHex));
    return this.#gateway;
  }

  close(): void {
    this.#gateway?.close();
  }

  /** What the gateway hears when the service has taken a certificate, and roots. */
  #successOf(serialHex: string): Omit<Report, "at">[] {
    const endpoint = this.#context.target.proof?.connect;
    const reports: Omit<Report, "at">[] = [{ kind: "deployed", serial_number: serialHex }];
    if (endpoint !== undefined) reports.push({ kind: "served", serial_number: serialHex, endpoint });
    if (this.#state.bundle !== this.#state.acknowledged) {
      const anchors = fingerprintsIn(this.#material(serialHex).bundlePem);
      reports.push({ kind: "bundle_acknowledged", anchors_sha256: anchors });
    }
    return reports;
  }

  #withReports(reports: readonly Omit<Report, "at">[]): Pick<State, "reports"> {
    const at = this.#context.clock.now().toISOString();
    return {
      reports: withReports(
        this.#state.reports,
        reports.map((report) => ({ ...report, at })),
      ),
    };
  }

  #write(change: Partial<State>): void {
    this.#state = { ...this.#state, ...change };
    this.#context.store.write(this.#state);
  }

  #names() {
    const { name, organisation, service } = this.#context.identity;
    return { identity: name, organisation, service };
  }
}

const fingerprintsIn = (bundlePem: string): string[] => pemDecode(bundlePem, "CERTIFICATE").map(fingerprintOf);

/** For people at the other end: the code, the words, and whether the old certificate is back. */
const describe = ({ code, message, details }: PkiError): string =>
  `${code}: ${message}${details.rolledBack === undefined ? "" : ` (rolled back: ${details.rolledBack})`}`.slice(0, 500);
