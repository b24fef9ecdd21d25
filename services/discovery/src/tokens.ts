import { PkiError } from "@vcc-pki/errors";
import type { CallContext, RequestKey } from "@vcc-pki/rpc";
import type { Store } from "@vcc-pki/store";
import type { Clock } from "@vcc-pki/time";
import { equalBytes } from "@vcc-pki/x509";
import type { Enrol, EnrolledIdentity } from "./enrol.ts";
import { isInNetwork } from "./peer-network.ts";
import type { Registry } from "./registry.ts";
import { readRequestedIdentity, requireAdmitted } from "./requested-identity.ts";
import { formatToken, isSecret, newId, newSecret, parseToken } from "./secret.ts";
import type { ServiceFields, ServiceKey } from "./service-record.ts";
import type { Attestation } from "./store/enrolments.ts";
import type { RequestTable } from "./store/requests.ts";
import type { Token, TokenTable } from "./store/tokens.ts";

export interface TokensOptions {
  readonly store: Store;
  readonly tokens: TokenTable;
  readonly registry: Registry;
  readonly requests: RequestTable;
  readonly enrol: Enrol;
  readonly clock: Clock;
  readonly trustDomain: string;
}

/** What an administrator says of a token. */
export interface TokenWish extends ServiceKey {
  /** What is registered of the service if nobody has yet; its names and profile are the token's. */
  readonly fields: ServiceFields;
  readonly network: string;
  readonly spkiSha256: Uint8Array | undefined;
  readonly validityMs: number;
}

export type TokenState = "unused" | "used" | "expired" | "revoked";

export function tokenState({ usedAt, revokedAt, expiresAt }: Token, now: Date): TokenState {
  if (usedAt !== undefined) return "used";
  if (revokedAt !== undefined) return "revoked";
  return expiresAt <= now ? "expired" : "unused";
}

const invalid = (): PkiError => new PkiError("ENROLMENT_TOKEN_INVALID", "this token is not valid");

/** What a state other than "unused" is answered with. */
const REFUSALS = {
  used: () => new PkiError("ENROLMENT_TOKEN_USED", "this token has been used"),
  expired: () => new PkiError("ENROLMENT_TOKEN_EXPIRED", "this token has expired"),
  revoked: invalid,
} as const satisfies Record<Exclude<TokenState, "unused">, () => PkiError>;

/** Tokens: whoever has one is, once, the service that it names. */
export class Tokens {
  readonly #options: TokensOptions;

  constructor(options: TokensOptions) {
    this.#options = options;
  }

  /** Makes a token, and so approves the service, which is registered if it is not. Returns the token, which is told this once. Throws
   *  REQUEST_ID_REUSED for a repeat. */
  async create(wish: TokenWish, request: RequestKey, context: CallContext): Promise<{ token: string; made: Token }> {
    const { store, tokens, registry, requests, clock } = this.#options;
    const { organisation, service, fields, network, spkiSha256, validityMs } = wish;
    const secret = newSecret();
    const now = clock.now();
    const made: Token = {
      ...{ organisation, service, tokenId: newId(), network, spkiSha256, secretSha256: secret.sha256 },
      ...{ dnsNames: fields.dnsNames, ipAddresses: fields.ipAddresses, profile: fields.profile },
      ...{ createdBy: context.requester.uri, createdAt: now, expiresAt: new Date(now.getTime() + validityMs) },
      ...{ revokedAt: undefined, usedAt: undefined },
    };
    await store.write(() => {
      if (requests.find(request) !== undefined)
        throw new PkiError("REQUEST_ID_REUSED", "a token is told once; make another one");
      requests.insert(request, made.tokenId, now);
      const cause = { actor: context.requester.uri, reason: "an enrolment token was made for it" };
      registry.admit(wish, fields, cause);
      tokens.insert(made);
      this.#audit("token.create", made, context, { profile: fields.profile, network, expiresAt: made.expiresAt });
    });
    return { token: formatToken(made.tokenId, secret), made };
  }

  /** The newest first. `service` "": of all. */
  list(organisation: string, service: string): Token[] {
    return this.#options.tokens.list(organisation, service, MAX_LISTED);
  }

  /** Ends a token. One that was used stays so. Throws NOT_FOUND. */
  async revoke(organisation: string, tokenId: string, context: CallContext): Promise<Token> {
    const { store, tokens, clock } = this.#options;
    const find = () => {
      const found = tokens.find(tokenId);
      if (found?.organisation !== organisation) throw new PkiError("NOT_FOUND", "no such token");
      return found;
    };
    const found = find();
    await store.write(() => {
      if (tokens.revoke(organisation, tokenId, clock.now())) this.#audit("token.revoke", found, context, {});
    });
    return find();
  }

  /** Enrols whoever shows a token. Everything is looked at before the token is used up: a request that does not fit it leaves it as it is. Throws
   *  ENROLMENT_TOKEN_INVALID, _EXPIRED, _USED, ENROLMENT_REFUSED for another network, KEY_NOT_ALLOWED, and as `readRequestedIdentity`. */
  async enrol(
    text: string,
    asked: { readonly csrDer: Uint8Array; readonly peerAddress: string },
    request: Omit<Attestation, "attestor">,
    context: CallContext,
  ): Promise<EnrolledIdentity> {
    const token = this.#find(text);
    const attestation = { attestor: `token ${token.tokenId}`, ...request };
    const { organisation, service, profile } = token;
    const wish = { organisation, service, profile, csrDer: asked.csrDer };
    const { enrol, tokens, clock } = this.#options;
    if (enrol.find(attestation) === undefined) await this.#requireFit(token, asked);
    return enrol.run(attestation, wish, context, () => {
      if (!tokens.use(token.tokenId, clock.now())) throw this.#refusal(tokens.find(token.tokenId) ?? token);
    });
  }

  #find(text: string): Token {
    const parsed = parseToken(text);
    const token = parsed && this.#options.tokens.find(parsed.tokenId);
    if (parsed === undefined || token === undefined || !isSecret(parsed.secret, token.secretSha256)) throw invalid();
    return token;
  }

  async #requireFit(
    token: Token,
    { csrDer, peerAddress }: { readonly csrDer: Uint8Array; readonly peerAddress: string },
  ): Promise<void> {
    const state = tokenState(token, this.#options.clock.now());
    if (state !== "unused") throw REFUSALS[state]();
    if (token.network !== "" && !isInNetwork(peerAddress, token.network))
      throw new PkiError("ENROLMENT_REFUSED", "this token is for another network");
    const wanted = await readRequestedIdentity(csrDer, token, this.#options.trustDomain);
    requireAdmitted(wanted, token);
    if (token.spkiSha256 !== undefined && !equalBytes(wanted.spkiSha256, token.spkiSha256))
      throw new PkiError("KEY_NOT_ALLOWED", "this token is for another key");
  }

  #refusal(token: Token): PkiError {
    const state = tokenState(token, this.#options.clock.now());
    return state === "unused" ? invalid() : REFUSALS[state]();
  }

  #audit(
    action: string,
    { organisation, service, tokenId }: Token,
    { caller, requester, requestId }: CallContext,
    details: Record<string, unknown>,
  ): void {
    this.#options.store.audit.add({
      ...{ action, outcome: "done", caller: caller.uri, requester: requester.uri, organisation, requestId },
      ...{ target: tokenId, details: { service, ...details } },
    });
  }
}

const MAX_LISTED = 1_000;
