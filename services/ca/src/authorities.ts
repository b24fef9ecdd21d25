import { hash } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import type { Signer } from "@vcc-pki/signer";
import {
  type Certificate,
  defaultSignatureAlgorithm,
  parseCertificate,
  type SignatureAlgorithmId,
} from "@vcc-pki/x509";
import type { Actor } from "./actor.ts";
import { type CrlRules, listPlan } from "./crl-rules.ts";
import type { Issuer } from "./issuer.ts";
import { type IssuerFacts, isForResponders, type Profile } from "./profile.ts";
import type { Authority, AuthorityTable } from "./store/authorities.ts";
import type { PublicUrls } from "./urls.ts";

/** A key in the hsm-gateway. */
export interface KeyReference {
  readonly organisation: string;
  readonly keyId: string;
  readonly spkiDer: Uint8Array;
  readonly algorithm: SignatureAlgorithmId;
}

export type OpenSigner = (key: KeyReference) => Signer;

/** All authorities with what is needed to use them, read from the database at start and kept in step with it. */
export class Authorities {
  readonly #table: AuthorityTable;
  readonly #openSigner: OpenSigner;
  readonly #urls: PublicUrls;
  readonly #crlRules: CrlRules;
  readonly #byId = new Map<string, Authority>();
  readonly #issuers = new Map<string, Issuer>();
  readonly #keys = new Set<string>();

  constructor(table: AuthorityTable, openSigner: OpenSigner, urls: PublicUrls, crlRules: CrlRules) {
    this.#table = table;
    this.#openSigner = openSigner;
    this.#urls = urls;
    this.#crlRules = crlRules;
    for (const authority of table.all()) this.remember(authority);
  }

  /** Takes note of an authority as the database has it now. */
  remember(authority: Authority): void {
    this.#byId.set(authority.authorityId, authority);
    if (authority.spkiDer) this.#keys.add(keyName(authority.spkiDer));
    this.#issuers.delete(authority.authorityId);
  }

  /** Takes note of what the database has now. */
  reread(authorityId: string): void {
    const authority = this.#table.find(authorityId);
    if (authority) this.remember(authority);
  }

  find(authorityId: string): Authority | undefined {
    return this.#byId.get(authorityId);
  }

  all(): Authority[] {
    return [...this.#byId.values()];
  }

  isAuthorityKey(spkiDer: Uint8Array): boolean {
    return this.#keys.has(keyName(spkiDer));
  }

  /** An authority that has a certificate, ready to sign; undefined while it has none. Revoked ones still sign their CRLs. */
  findIssuer(authorityId: string): Issuer | undefined {
    const known = this.#issuers.get(authorityId);
    if (known) return known;
    const authority = this.#byId.get(authorityId);
    if (!authority?.certificateDer) return undefined;
    const issuer = this.#openIssuer(authority, parseCertificate(authority.certificateDer));
    this.#issuers.set(authorityId, issuer);
    return issuer;
  }

  /** Throws NOT_FOUND when there is none or the organisation may not know of it, AUTHORITY_NOT_ACTIVE when it cannot sign now. */
  getActiveIssuer(authorityId: string): Issuer {
    const issuer = this.findIssuer(authorityId);
    if (issuer === undefined || this.#byId.get(authorityId)?.state !== "active") {
      throw new PkiError("AUTHORITY_NOT_ACTIVE", `${authorityId} is not active`);
    }
    return issuer;
  }

  /** The certificates from this authority upwards; without the root unless asked for. */
  chainOf(authorityId: string, { withRoot }: { withRoot: boolean }): Uint8Array[] {
    const chain: Uint8Array[] = [];
    for (let id: string | undefined = authorityId; id !== undefined; ) {
      const authority = this.#byId.get(id);
      if (!authority?.certificateDer) break;
      if (withRoot || authority.parentId !== undefined) chain.push(authority.certificateDer);
      id = authority.parentId;
    }
    return chain;
  }

  /** Whether the organisation may obtain certificates from it: its own, or one it was granted. */
  mayUse(authorityId: string, organisation: string): boolean {
    return this.#byId.get(authorityId)?.organisation === organisation || this.#table.mayUse(authorityId, organisation);
  }

  /** Whether the organisation may know of it: one it may use, or one above such a one. */
  isVisible(authorityId: string, organisation: string): boolean {
    if (this.mayUse(authorityId, organisation)) return true;
    return this.all().some(
      ({ parentId, authorityId: child }) => parentId === authorityId && this.isVisible(child, organisation),
    );
  }

  /** Throws NOT_FOUND, the same for what does not exist and what is not the organisation's business. */
  getVisible(authorityId: string, organisation: string): Authority {
    const authority = this.#byId.get(authorityId);
    if (authority === undefined || !this.isVisible(authorityId, organisation)) throw noSuchAuthority();
    return authority;
  }

  /** The authority that issues a profile to an organisation: the one asked for, else the organisation's only own one with that
   *  profile, else the profile's. Throws NOT_FOUND, PROFILE_NOT_ALLOWED, AUTHORITY_NOT_ACTIVE, and AMBIGUOUS for several own ones. */
  choose(profile: Profile, actor: Actor, requestedId: string): Issuer {
    if (isForResponders(profile)) return this.#chooseForResponder(profile, actor, requestedId);
    const { organisation } = actor.organisation;
    const authorityId = requestedId || this.#defaultFor(profile, organisation);
    const authority = this.getVisible(authorityId, organisation);
    if (!this.#mayIssue(authority, profile, organisation)) {
      throw new PkiError(
        "PROFILE_NOT_ALLOWED",
        `${authorityId} does not issue ${profile.profile} for this organisation`,
      );
    }
    return this.getActiveIssuer(authorityId);
  }

  /** Every authority certifies the one service that answers for it, whosever it is and whatever else it issues. Others learn nothing. */
  #chooseForResponder(profile: Profile, actor: Actor, authorityId: string): Issuer {
    if (!profile.requesters.some((rule) => actor.standing.includes(rule)))
      throw new PkiError("PROFILE_NOT_ALLOWED", `this requester may not ask for ${profile.profile}`);
    const authority = this.#byId.get(authorityId);
    if (authority === undefined) throw noSuchAuthority();
    const issuer = this.getActiveIssuer(authorityId);
    if (!issuesResponders(authority))
      throw new PkiError("PROFILE_NOT_ALLOWED", `${authorityId} would need its custodians for each responder`);
    return issuer;
  }

  #mayIssue({ authorityId, profiles }: Authority, { profile }: Profile, organisation: string): boolean {
    return profiles.includes(profile) && this.mayUse(authorityId, organisation);
  }

  #defaultFor(profile: Profile, organisation: string): string {
    const usable = this.all().filter((authority) => this.#mayIssue(authority, profile, organisation));
    const own = usable.filter((authority) => authority.organisation === organisation && authority.state === "active");
    const named = usable.find(({ authorityId }) => authorityId === profile.authority);
    const [only = named, second] = named && own.includes(named) ? [named] : own;
    if (second !== undefined) throw new PkiError("AMBIGUOUS", "several authorities issue this profile: name one");
    if (only === undefined)
      throw new PkiError("PROFILE_NOT_ALLOWED", `no authority issues ${profile.profile} to this organisation`);
    return only.authorityId;
  }

  #openIssuer(authority: Authority, certificate: Certificate): Issuer {
    const { authorityId, organisation, keyId, spkiDer, keyAlgorithm, quorumThreshold } = authority;
    const keyIdentifier = certificate.subjectKeyIdentifier;
    if (!keyId || !spkiDer || !keyIdentifier) throw new Error(`${authorityId} has a certificate but no key`);
    return {
      authorityId,
      organisation,
      certificate,
      signer: this.#openSigner({ organisation, keyId, spkiDer, algorithm: defaultSignatureAlgorithm(keyAlgorithm) }),
      chainDer: this.chainOf(authorityId, { withRoot: false }),
      facts: {
        keyIdentifier,
        notBefore: certificate.notBefore,
        notAfter: certificate.notAfter,
        lists: this.#listsOf(authority),
        // Under quorum every responder would need the custodians, so none speaks for it.
        ocspUrl: quorumThreshold > 0 ? undefined : this.#urls.ocsp(authorityId),
        caIssuersUrl: this.#urls.caIssuers(authorityId),
      },
    };
  }

  #listsOf(authority: Authority): IssuerFacts["lists"] {
    const { authorityId } = authority;
    const { shards, hasDeltas } = listPlan(this.#crlRules, authority);
    return Array.from({ length: shards }, (_, shard) => ({
      url: this.#urls.crl(authorityId, shard),
      deltaUrl: hasDeltas ? this.#urls.deltaCrl(authorityId, shard) : undefined,
    }));
  }
}

export const noSuchAuthority = (): PkiError => new PkiError("NOT_FOUND", "no such authority");

/** Under quorum each responder would need the custodians, every few days. */
export const issuesResponders = ({ state, quorumThreshold }: Authority): boolean =>
  state === "active" && quorumThreshold === 0;

const keyName = (spkiDer: Uint8Array): string => hash("sha256", spkiDer, "base64");
