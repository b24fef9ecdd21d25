import { hash } from "node:crypto";
import { isErrorCode, PkiError } from "@vcc-pki/errors";
import { type CertificationRequest, type KeyBlocklist, parseCertificate } from "@vcc-pki/x509";
import type { Actor } from "./actor.ts";
import { certificateId, parseCertificateId } from "./certificate-id.ts";
import { asksByGrant, CHECKS, type CheckInput, keyIsTaken } from "./checks.ts";
import { auditOf, type Completion, type CompletionContext, type Issued } from "./complete.ts";
import { type Issuer, LintedTbs } from "./issuer.ts";
import type { LeafBuilder } from "./leaf.ts";
import type { NameScope, RequestedNames } from "./names.ts";
import type { Profile } from "./profile.ts";
import type { Profiles } from "./profiles.ts";
import type { SerialSource } from "./serial.ts";
import type { Intent } from "./store/intents.ts";
import type { KeyTable } from "./store/keys.ts";
import type { RequestKey, RequestTable } from "./store/requests.ts";
import type { ServiceGrantTable } from "./store/service-grants.ts";

export interface IssueInput {
  readonly actor: Actor;
  readonly request: RequestKey;
  readonly profile: string;
  readonly csr: CertificationRequest;
  /** Empty: the organisation's or the profile's. */
  readonly authorityId: string;
  /** undefined: the profile's. */
  readonly validityMs: number | undefined;
}

export interface IssuanceContext extends CompletionContext {
  readonly keys: KeyTable;
  readonly requests: RequestTable;
  readonly profiles: Profiles;
  readonly serials: SerialSource;
  readonly leaves: LeafBuilder;
  readonly completion: Completion;
  readonly serviceGrants: ServiceGrantTable;
  readonly trustDomain: string;
  readonly blocklist: KeyBlocklist | undefined;
  /** DNS names and addresses that services of the suite may have, by service. */
  readonly platformNames: Readonly<Record<string, { readonly dns: readonly string[]; readonly ip: readonly string[] }>>;
}

/** How many of a workload's certificates are looked at when it renews one. */
const HELD_LIMIT = 20;

/** The issuance of end-entity certificates. Nothing is stored of a refused request but its audit record; from step 5 on the
 *  database says what may exist, and the same request id takes up where the last attempt stopped. */
export class Issuance {
  readonly #ca: IssuanceContext;

  constructor(context: IssuanceContext) {
    this.#ca = context;
  }

  async issue(input: IssueInput): Promise<Issued> {
    const earlier = this.#ca.requests.findTarget(input.request);
    if (earlier !== undefined) return this.#repeat(input, earlier);

    // 1 profile and issuer
    const profile = this.#ca.profiles.get(input.profile);
    const issuer = this.#ca.authorities.choose(profile, input.actor, input.authorityId);
    // 2 checks
    const names = requestedNames(input.csr);
    const spkiSha256 = hash("sha256", input.csr.spkiDer, "buffer");
    await this.#check(input, profile, names, spkiSha256);
    // 3 serial
    const serial = this.#ca.serials.next();
    // 4 build, lint
    const organisationName = input.actor.organisation.name;
    const { csr, validityMs } = input;
    const tbsDer = this.#ca.leaves.build({ profile, issuer, names, csr, organisationName, serial, validityMs });
    const linted = LintedTbs.certificate(tbsDer, issuer.certificate);
    // 5 store what will be signed
    const intent = this.#intend(input, profile, issuer, serial, tbsDer);
    const isFirst = await this.#storeIntent(intent, input.request, profile, spkiSha256);
    if (!isFirst) return this.issue(input); // the same request id, twice at once
    // 6 sign, 7 verify, 8 store, 9 reply
    return this.#ca.completion.run(intent, linted);
  }

  async #check(
    { csr, actor }: IssueInput,
    profile: Profile,
    names: RequestedNames,
    spkiSha256: Uint8Array,
  ): Promise<void> {
    const checked: CheckInput = {
      ...{ csr, names, profile, standing: actor.standing, scope: this.#scopeOf(profile, actor) },
      blocklist: this.#ca.blocklist,
      findKeyHolder: () => this.#ca.keys.findHolder(spkiSha256),
      isAuthorityKey: () => this.#ca.authorities.isAuthorityKey(csr.spkiDer),
      findHeldNames: () => this.#heldNames(actor, profile),
      findGrants: (service) =>
        this.#ca.serviceGrants.inForce(actor.organisation.organisation, service, this.#ca.clock.now()),
    };
    for (const [, check] of CHECKS) {
      const isWaiting = check(checked);
      if (isWaiting) await isWaiting;
    }
  }

  #scopeOf(profile: Profile, { requester, organisation, standing }: Actor): NameScope {
    const { allowedNames, allowedNetworks } = organisation;
    const scope = {
      trustDomain: this.#ca.trustDomain,
      organisation: organisation.organisation,
      allowedNames,
      allowedNetworks,
    };
    if (requester.kind !== "suite" || asksByGrant({ profile, standing })) return scope;
    const { dns, ip } = this.#ca.platformNames[requester.service] ?? { dns: [], ip: [] };
    return { ...scope, suite: { uri: requester.uri, dns, ip } };
  }

  #heldNames({ organisation: { organisation }, requester }: Actor, profile: Profile): RequestedNames[] {
    const now = this.#ca.clock.now();
    return this.#ca.certificates
      .findByName(organisation, requester.uri, HELD_LIMIT)
      .filter((held) => held.profile === profile.profile && held.revocation === undefined && held.notAfter >= now)
      .map((held) => parseCertificate(held.certificateDer).subjectAltNames);
  }

  #intend(
    { actor, request }: IssueInput,
    profile: Profile,
    issuer: Issuer,
    serial: Uint8Array,
    tbsDer: Uint8Array,
  ): Intent {
    return {
      ...{ organisation: actor.organisation.organisation, authorityId: issuer.authorityId, serial, tbsDer },
      ...{ caller: actor.caller.uri, requester: actor.requester.uri, requestId: request.requestId },
      ...{ profile: profile.profile, profileVersion: profile.version },
      ...{ createdAt: this.#ca.clock.now(), abandoned: undefined },
    };
  }

  /** One transaction: request id, holder of the key, what will be signed, audit record. False when the request id has been taken
   *  meanwhile. Throws KEY_NOT_ALLOWED when the key has, REQUEST_ID_REUSED when the request id has for something else. */
  async #storeIntent(intent: Intent, request: RequestKey, profile: Profile, spkiSha256: Uint8Array): Promise<boolean> {
    const { store, requests, intents, keys } = this.#ca;
    let hasClaimed = false;
    const work = () => {
      if (requests.findTarget(request) !== undefined) return false;
      hasClaimed = keys.findHolder(spkiSha256) === undefined;
      if (!keys.claim(spkiSha256, { organisation: intent.organisation, purpose: profile.purpose })) throw keyIsTaken();
      requests.insert(request, certificateId(intent.authorityId, intent.serial), intent.createdAt);
      intents.insert(intent);
      const details = { tbsSha256: hash("sha256", intent.tbsDer, "hex"), profile: intent.profile };
      store.audit.add(auditOf(intent, "requested", details));
      return true;
    };
    try {
      return await store.write(work, { checksFirst: true });
    } catch (error) {
      if (hasClaimed) keys.release(spkiSha256);
      throw error;
    }
  }

  /** The answer to a request id that is known: what it led to, or the rest of the way there. */
  async #repeat({ actor }: IssueInput, target: string): Promise<Issued> {
    const key = { organisation: actor.organisation.organisation, ...parseCertificateId(target) };
    const status = this.#ca.certificates.find(key);
    if (status) {
      const certificate = parseCertificate(status.certificateDer);
      const chain = this.#ca.authorities.chainOf(key.authorityId, { withRoot: false });
      return { status, certificate, chainDer: [certificate.der, ...chain] };
    }
    const intent = this.#ca.intents.find(key);
    if (intent === undefined) throw new Error(`neither certificate nor intent: ${target}`);
    if (intent.abandoned === undefined) return this.#ca.completion.run(intent);
    const { code } = intent.abandoned;
    throw new PkiError(
      isErrorCode(code) ? code : "INTERNAL",
      "this request was given up; ask again under a new request id",
    );
  }
}

/** The names a request asks for; DNS names compare without regard to case (RFC 4343). */
function requestedNames(csr: CertificationRequest): RequestedNames {
  const { dns, ip, uri, email, directory, otherCount } = csr.subjectAltNames;
  return { dns: dns.map((name) => name.toLowerCase()), ip, uri, email, otherCount: otherCount + directory.length };
}
