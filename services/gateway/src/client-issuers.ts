import type { AuthorityServiceDefinition } from "@vcc-pki/proto/ca";
import { AuthorityState } from "@vcc-pki/proto/ca";
import type { Remote } from "@vcc-pki/rpc";
import type { Logger } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import { type Certificate, equalBytes, isSignedBy, parseCertificate } from "@vcc-pki/x509";

export interface ClientIssuer {
  readonly authorityId: string;
  readonly certificate: Certificate;
}

/** The authorities whose certificates make a client of one kind: an administrator, a workload. */
export interface ClientIssuers {
  /** The authority whose key signed `certificate`, or undefined when it is none of ours.
   *  Throws PEER_UNAVAILABLE when the ca has never been reached. */
  find(certificate: Certificate): Promise<ClientIssuer | undefined>;
}

export interface ClientIssuersOptions {
  readonly authorities: Pick<Remote<AuthorityServiceDefinition>, "get">;
  /** Their ids and the organisation they belong to. */
  readonly authorityIds: readonly string[];
  readonly organisation: string;
  /** For how long an answer of the ca is used. After that an old answer serves only while the ca cannot be reached. */
  readonly refreshMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Asks the ca for the authorities named in the configuration. TLS has proved that a chain to our roots exists; this proves
 *  which key is its first link, by checking the signature with it. A name alone would not: any authority may carry any name. */
export function createClientIssuers(options: ClientIssuersOptions): ClientIssuers {
  const { authorities, authorityIds, organisation, refreshMs, clock, log } = options;
  let known: { issuers: readonly ClientIssuer[]; untilMs: number } | undefined;
  let asking: Promise<readonly ClientIssuer[]> | undefined;

  const ask = async (): Promise<readonly ClientIssuer[]> => {
    const found = await Promise.all(authorityIds.map((authorityId) => authorities.get({ organisation, authorityId })));
    const issuers = found
      .filter((authority) => authority.state === AuthorityState.ACTIVE)
      .map(({ authorityId, certificateDer }) => ({ authorityId, certificate: parseCertificate(certificateDer) }));
    known = { issuers, untilMs: clock.monotonicMs() + refreshMs };
    return issuers;
  };

  const current = async (): Promise<readonly ClientIssuer[]> => {
    if (known !== undefined && clock.monotonicMs() < known.untilMs) return known.issuers;
    asking ??= ask().finally(() => {
      asking = undefined;
    });
    try {
      return await asking;
    } catch (error) {
      if (known === undefined) throw error;
      log.warn("client issuers not refreshed", { error });
      return known.issuers;
    }
  };

  return { find: async (certificate) => (await current()).find((issuer) => isIssuedBy(certificate, issuer)) };
}

const isIssuedBy = (certificate: Certificate, { certificate: issuer }: ClientIssuer): boolean =>
  equalBytes(certificate.issuer.der, issuer.subject.der) && isSignedBy(certificate, issuer.spkiDer);
