import { randomUUIDv7 } from "node:crypto";
import { ERRORS, PkiError, toPkiError } from "@vcc-pki/errors";
import type { KeyServiceDefinition } from "@vcc-pki/proto/hsm";
import type { Remote } from "@vcc-pki/rpc";
import type { Logger } from "@vcc-pki/telemetry";
import { defaultSignatureAlgorithm } from "@vcc-pki/x509";
import type { Actor } from "./actor.ts";
import { approvalRefused, approvalRequested, isRefusedApproval } from "./approval-facts.ts";
import type { Authorities, OpenSigner } from "./authorities.ts";
import { buildAuthorityTbs } from "./authority-certificate.ts";
import { authorityKeyPolicy } from "./authority-key.ts";
import { type AuthorityRequest, planAuthority } from "./authority-plan.ts";
import { type AuthorityRecordContext, authorityAudit, awaitedBy, recordAuthority } from "./authority-record.ts";
import { type Issuer, LintedTbs, signCertificate } from "./issuer.ts";
import { isForResponders, type Profile } from "./profile.ts";
import type { Profiles } from "./profiles.ts";
import type { SerialSource } from "./serial.ts";
import type { Authority } from "./store/authorities.ts";
import type { OrganisationTable } from "./store/organisations.ts";
import type { RequestKey, RequestTable } from "./store/requests.ts";

export interface AuthorityContext extends AuthorityRecordContext {
  readonly organisations: OrganisationTable;
  readonly requests: RequestTable;
  readonly authorities: Authorities;
  readonly profiles: Profiles;
  readonly serials: SerialSource;
  readonly keys: Remote<typeof KeyServiceDefinition>;
  readonly openSigner: OpenSigner;
  readonly operatorOrganisation: string;
  /** How far notBefore lies in the past. */
  readonly backdateMs: number;
  /** SPIFFE URI of this service: the only one that may use the keys. */
  readonly self: string;
  readonly log: Logger;
}

/** The making of authorities: plan, key, certificate. Each step is stored before the next, so a crash or a quorum only pauses it,
 *  and `advance` takes it up where it stopped. */
export class AuthorityCreation {
  readonly #ca: AuthorityContext;
  readonly #running = new Map<string, Promise<Authority>>();

  constructor(context: AuthorityContext) {
    this.#ca = context;
  }

  /** The authority, pending while custodians have to approve. Throws as `planAuthority`, ALREADY_EXISTS, and what the hsm-gateway
   *  throws; when that is worth repeating, the same request id goes on. */
  async create(actor: Actor, request: RequestKey, wanted: AuthorityRequest): Promise<Authority> {
    const earlier = this.#ca.requests.findTarget(request);
    if (earlier !== undefined) return this.#repeat(earlier);

    // 1 check the plan
    const plan = planAuthority(wanted, actor, this.#ca);
    const planned: Authority = {
      ...plan,
      state: "pending",
      ...{ requestId: request.requestId, attemptId: randomUUIDv7(), createdAt: this.#ca.clock.now() },
      ...{ caller: actor.caller.uri, requester: actor.requester.uri },
    };
    // 2 store it
    const isFirst = await this.#ca.store
      .write(() => this.#storePlan(planned, request))
      .finally(() => this.#ca.authorities.reread(planned.authorityId)); // a commit that is reported as failed may be stored
    if (!isFirst) return this.create(actor, request, wanted);
    // 3 key, 4 TBS, 5 signature, 6 certificate
    return this.advance(planned);
  }

  /** Goes on with every authority that is not finished. One that fails does not keep the others. */
  async advanceAll(): Promise<void> {
    for (const authority of this.#ca.authorities.all().filter(({ state }) => state === "pending")) {
      await this.advance(authority).catch((error) =>
        this.#ca.log.warn("authority not finished", { authority: authority.authorityId, error }),
      );
    }
  }

  /** One attempt at a time for each authority. */
  advance({ authorityId }: Authority): Promise<Authority> {
    const running = this.#running.get(authorityId);
    if (running) return running;
    const attempt = this.#advance(authorityId).finally(() => this.#running.delete(authorityId));
    this.#running.set(authorityId, attempt);
    return attempt;
  }

  #repeat(authorityId: string): Promise<Authority> | Authority {
    const authority = this.#ca.authorities.find(authorityId);
    if (authority === undefined) throw new Error(`${authorityId} is gone`);
    return authority.state === "pending" ? this.advance(authority) : authority;
  }

  /** False when the request id has been taken meanwhile. A refused attempt does not block its name. */
  #storePlan(planned: Authority, request: RequestKey): boolean {
    const { table, requests } = this.#ca;
    if (!requests.insert(request, planned.authorityId, planned.createdAt)) return false;
    const existing = table.find(planned.authorityId);
    if (existing && (existing.state !== "refused" || existing.organisation !== planned.organisation)) {
      throw new PkiError("ALREADY_EXISTS", "an authority of this name exists");
    }
    table.put(planned);
    this.#ca.store.audit.add(
      authorityAudit(planned, "requested", { parentId: planned.parentId, profiles: planned.profiles }),
    );
    return true;
  }

  async #advance(authorityId: string): Promise<Authority> {
    let authority = this.#ca.authorities.find(authorityId);
    if (authority?.state !== "pending") throw new Error(`${authorityId} is not pending`);
    try {
      authority = authority.keyId ? authority : await this.#createKey(authority);
      authority = authority.tbsDer ? authority : await this.#prepare(authority);
      return await this.#sign(authority);
    } catch (cause) {
      return this.#pauseOrRefuse(authority, toPkiError(cause));
    }
  }

  /** 3 A key whose policy admits no more than the plan: this issuer name, these usages, this lifetime. */
  async #createKey(authority: Authority): Promise<Authority> {
    const key = await this.#ca.keys.createKey({
      requestId: `key:${authority.attemptId}`,
      label: authority.authorityId,
      keyAlgorithm: authority.keyAlgorithm,
      policy: authorityKeyPolicy(
        authority,
        this.#organisationName(authority),
        this.#profilesOf(authority),
        this.#ca.self,
      ),
    });
    return this.#put({ ...authority, keyId: key.keyId, spkiDer: key.spkiDer, token: key.token });
  }

  /** 4 What will be signed, linted and stored. */
  #prepare(authority: Authority): Promise<Authority> {
    if (!authority.spkiDer) throw new Error(`${authority.authorityId} has no key`);
    const parent = this.#parentOf(authority);
    const serial = this.#ca.serials.next();
    const tbsDer = buildAuthorityTbs({
      ...{ plan: authority, parent, serial, spkiDer: authority.spkiDer, now: this.#ca.clock.now() },
      organisationName: this.#organisationName(authority),
      profiles: this.#profilesOf(authority),
      backdateMs: this.#ca.backdateMs,
    });
    LintedTbs.certificate(tbsDer, parent?.certificate);
    return this.#put({ ...authority, serial, tbsDer });
  }

  /** 5 The parent's signature, or for a root its own; 6 the certificate, stored with its audit record and events. */
  async #sign(authority: Authority): Promise<Authority> {
    const parent = this.#parentOf(authority);
    const { tbsDer, attemptId, requester } = authority;
    if (!tbsDer) throw new Error(`${authority.authorityId} has nothing to sign`);
    const linted = LintedTbs.certificate(tbsDer, parent?.certificate);
    const signer = parent?.signer ?? this.#ownSigner(authority);
    const certificate = await signCertificate(signer, linted, `certificate:${attemptId}`, requester);
    const active = await this.#ca.store.write(() => recordAuthority(this.#ca, authority, certificate));
    this.#ca.authorities.remember(active);
    this.#ca.log.info("authority created", { authority: authority.authorityId, organisation: authority.organisation });
    return active;
  }

  /** A wait for custodians is noted and answered as pending; what cannot succeed is refused, on record. Throws the rest. */
  async #pauseOrRefuse({ authorityId }: Authority, error: PkiError): Promise<Authority> {
    const authority = this.#ca.authorities.find(authorityId);
    if (authority === undefined) throw error;
    if (error.code === "APPROVAL_REQUIRED") {
      const { approvalId = "", expiresAt = "" } = error.details;
      if (approvalId === authority.approvalId) return authority;
      const waiting = { ...authority, approvalId };
      const fact = approvalRequested(awaitedBy(waiting, approvalId), expiresAt, this.#ca.authorities);
      return this.#put(waiting, () => this.#ca.store.outbox.add(fact));
    }
    if (ERRORS[error.code].retry || error.code === "INTERNAL") throw error;
    const refused: Authority = { ...authority, state: "refused", refusalCode: error.code };
    await this.#ca.store.write(() => {
      this.#ca.table.put(refused);
      this.#ca.store.audit.add(authorityAudit(refused, "failed", { code: error.code }));
      const { approvalId } = authority;
      if (approvalId !== undefined && isRefusedApproval(error.code))
        this.#ca.store.outbox.add(approvalRefused(awaitedBy(authority, approvalId), error.code));
    });
    this.#ca.authorities.remember(refused);
    throw error;
  }

  async #put(authority: Authority, tell: () => void = () => {}): Promise<Authority> {
    await this.#ca.store.write(() => {
      this.#ca.table.put(authority);
      tell();
    });
    this.#ca.authorities.remember(authority);
    return authority;
  }

  #parentOf({ parentId }: Authority): Issuer | undefined {
    return parentId === undefined ? undefined : this.#ca.authorities.getActiveIssuer(parentId);
  }

  #ownSigner({ organisation, keyId, spkiDer, keyAlgorithm, authorityId }: Authority) {
    if (!keyId || !spkiDer) throw new Error(`${authorityId} has no key`);
    return this.#ca.openSigner({ organisation, keyId, spkiDer, algorithm: defaultSignatureAlgorithm(keyAlgorithm) });
  }

  /** What it was asked to issue, and without custodians its own OCSP responders. */
  #profilesOf({ profiles, quorumThreshold }: Authority): Profile[] {
    const responders = quorumThreshold === 0 ? this.#ca.profiles.all().filter(isForResponders) : [];
    return [...new Set([...profiles.map((name) => this.#ca.profiles.get(name)), ...responders])];
  }

  #organisationName({ organisation }: Authority): string {
    return this.#ca.organisations.find(organisation)?.name ?? organisation;
  }
}
