import { PkiError, toPkiError } from "@vcc-pki/errors";
import type { Logger } from "@vcc-pki/telemetry/log";
import { OID, parseCertificate, pemDecode, validatePath } from "@vcc-pki/x509";
import { deploy, type Target } from "./deploy.ts";
import type { Gateway } from "./gateway/gateway.ts";
import { fingerprintOf } from "./gateway/pin.ts";
import type { Material } from "./layout.ts";
import { withLock } from "./lock.ts";
import { type ObtainContext, obtain } from "./obtain.ts";
import { backOffMs, isBundleDue, isRenewalDue, mayTry } from "./schedule.ts";
import { type Report, type State, withReport } from "./state.ts";
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

const GATEWAY_AWAY: ReadonlySet<string> = new Set(["PEER_UNAVAILABLE", "CLOCK_WRONG"]);

/** Does for one identity what there is to do: 1 ends what a crash interrupted, 2 asks for the roots, which shows whether our clock is right,
 *  3 renews when it is time, 4 brings into service what is not, 5 sends reports. A failure is kept in the state and waited out, longer each time;
 *  what the service has stays as it is. Never rejects for such a failure: the state returned has it as `lastError`. */
export function maintain(context: MaintainContext, wish: Wish = {}): Promise<State> {
  return withLock(context.store.directory, async () => {
    const { store, clock, target } = context;
    const before = store.read();
    if (!wish.now && !mayTry(before, clock.now())) return before;
    const turn = new Turn(context, before);
    try {
      target.layout?.recover();
      await turn.begin();
      await turn.follow(wish);
      await turn.deploy();
      await turn.sendReports();
      return turn.succeeded(wish);
    } catch (error) {
      const failure = toPkiError(error);
      turn.readAgain();
      if (!GATEWAY_AWAY.has(failure.code)) await turn.sendReports();
      return turn.failed(failure);
    }
  });
}

/** One round of work on one identity; `#state` is what the disk has. */
class Turn {
  readonly #context: MaintainContext;
  #state: State;

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
    if (claim !== undefined) await this.#with((gateway) => this.#claimFrom(gateway, claim));
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

  async #claimFrom(gateway: Gateway, { id, secret }: { id: string; secret: string }): Promise<void> {
    this.#state = await obtain(this.#context, this.#state, async () => {
      const answer = await gateway.claim(id, secret);
      if (answer) return answer;
      throw new PkiError("APPROVAL_REQUIRED", "administrators have not decided yet", { details: { requestId: id } });
    });
  }

  /** Roots and renewal. That the gateway cannot be reached keeps nothing else from being done. */
  async follow(wish: Wish): Promise<void> {
    const { clock } = this.#context;
    if (this.#state.held === undefined) return;
    const renew = wish.renew || isRenewalDue(this.#state, clock.now());
    if (!renew && !wish.bundle && !isBundleDue(this.#state, clock.now())) return;
    try {
      await this.#with(async (gateway) => {
        this.#takeBundle(await gateway.bundle());
        if (!renew) return;
        this.#state = await obtain(this.#context, this.#state, gateway.renew);
        const { serialHex, notAfter, renewAt } = this.#state.held ?? {};
        this.#context.log.info("certificate renewed", { ...this.#names(), serialHex, notAfter, renewAt });
      });
    } catch (error) {
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
      this.#requireRootFor(bundlePem);
      store.keepBundle(bundlePem);
      log.info("trust bundle changed", { ...this.#names(), fingerprints: fingerprintsIn(bundlePem) });
    }
    this.#write({ bundle, bundleSeenAt });
  }

  #requireRootFor(bundlePem: string): void {
    const { store, clock } = this.#context;
    const { chainPem } = store.getCertificate(this.#state.held?.serialHex ?? "");
    const [certificate, ...candidates] = pemDecode(chainPem, "CERTIFICATE").map(parseCertificate);
    const anchors = pemDecode(bundlePem, "CERTIFICATE").map(parseCertificate);
    if (certificate === undefined || certificate.notAfter < clock.now()) return;
    const question = { certificate, candidates, anchors, at: clock.now(), purpose: OID.serverAuth };
    if (!validatePath(question).ok) {
      throw new PkiError("SERVER_NOT_TRUSTED", "the new trust bundle does not hold the root of our own certificate");
    }
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
      this.#report({ kind: "failed", serial_number: serialHex, detail: describe(failure) });
      // There was nothing to go back to, as before the first start of a service: the files are there for it.
      if (failure.details.rolledBack === "no")
        this.#write({ deployed: { serialHex, bundle, notAfter, isTaken: false } });
      throw failure;
    }
    log.info("certificate deployed", { ...this.#names(), serialHex, proven: target.proof !== undefined });
    this.#report({ kind: "deployed", serial_number: serialHex });
    const endpoint = target.proof?.connect;
    if (endpoint !== undefined) this.#report({ kind: "served", serial_number: serialHex, endpoint });
    if (bundle !== this.#state.acknowledged) {
      const anchors = fingerprintsIn(this.#material(serialHex).bundlePem);
      this.#report({ kind: "bundle_acknowledged", anchors_sha256: anchors });
    }
    this.#write({ deployed: { serialHex, bundle, notAfter, isTaken: true }, acknowledged: bundle });
    this.#context.store.tidy(this.#state);
  }

  /** Best effort: they wait for the next turn. */
  async sendReports(): Promise<void> {
    const { reports, held } = this.#state;
    if (reports.length === 0 || held === undefined) return;
    try {
      await this.#with((gateway) => gateway.report(reports));
      this.#write({ reports: [] });
    } catch (error) {
      this.#context.log.warn("reports could not be sent", { ...this.#names(), waiting: reports.length, error });
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

  async #with<T>(work: (gateway: Gateway) => Promise<T>): Promise<T> {
    const { store, connect } = this.#context;
    const { held } = this.#state;
    const gateway = connect(store.findBundle() ?? "", held && store.getCertificate(held.serialHex));
    try {
      return await work(gateway);
    } finally {
      gateway.close();
    }
  }

  #report(report: Omit<Report, "at">): void {
    this.#write(withReport(this.#state, { ...report, at: this.#context.clock.now().toISOString() }));
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
