import type { Certificate } from "../certificate.ts";
import { equalBytes, toLatin1 } from "../der/bytes.ts";
import { isSignedBy } from "../signature.ts";
import { type Finding, findingOf, type PathFailure } from "./path-failure.ts";

/** What a search may cost. A bag of certificates comes from whoever made the signature, and can be made so that there is no end of paths. */
export const PATH_LIMITS = {
  /** Certificates in a path, the end entity and the anchor included. */
  certificates: 8,
  /** Issuers tried, whether their signatures are verified or known. */
  tries: 1000,
  /** Signatures verified. */
  signatures: 100,
  /** Complete paths looked at. */
  paths: 32,
} as const;

/** Finds paths from a certificate to the anchors, through certificates that nobody vouches for, by names and signatures alone. */
export class PathSearch {
  readonly #issuersByName: ReadonlyMap<string, readonly Certificate[]>;
  readonly #anchors: ReadonlySet<Certificate>;
  readonly #at: Date;
  readonly #verified = new Map<string, Finding | undefined>();
  #tries = 0;
  #deadEnd: PathFailure | undefined;
  #deadEndDepth = 0;

  constructor(candidates: readonly Certificate[], anchors: readonly Certificate[], at: Date) {
    const isAnchor = (candidate: Certificate) => anchors.some(({ der }) => equalBytes(der, candidate.der));
    const issuers = [...anchors, ...candidates.filter((candidate) => !isAnchor(candidate))];
    this.#issuersByName = Map.groupBy(issuers, ({ subject }) => toLatin1(subject.der));
    this.#anchors = new Set(anchors);
    this.#at = at;
  }

  /** True if the limits kept paths from being found. */
  get isGivenUp(): boolean {
    return this.#tries >= PATH_LIMITS.tries || this.#verified.size >= PATH_LIMITS.signatures;
  }

  /** Why the search went no further, where it came farthest. */
  get deadEnd(): PathFailure | undefined {
    return this.#deadEnd;
  }

  /** The certificate first, each signed by the next, an anchor last. The likeliest come first. */
  *paths(path: readonly [Certificate, ...Certificate[]]): Generator<readonly Certificate[]> {
    const certificate = path.at(-1) as Certificate;
    let finding: Finding = { reason: "noIssuer", message: "no certificate of its issuer is known" };
    for (const issuer of this.#issuersOf(certificate)) {
      // RFC 4158 section 5.2: a CA that is in the path already leads nowhere new.
      if (path.some((other) => isSameCa(other, issuer))) continue;
      if (this.isGivenUp) return;
      this.#tries++;
      const fault = this.#findSignatureFault(certificate, issuer);
      if (fault !== undefined) finding = fault;
      else if (this.#anchors.has(issuer)) yield [...path, issuer];
      else if (path.length + 2 <= PATH_LIMITS.certificates) yield* this.paths([...path, issuer]);
      else finding = { reason: "pathTooLong", message: `more than ${PATH_LIMITS.certificates} certificates` };
    }
    if (path.length <= this.#deadEndDepth) return;
    this.#deadEnd = { ...finding, certificate };
    this.#deadEndDepth = path.length;
  }

  /** Those whose name it carries. Anchors first, then what looks right; key identifiers decide about the order and nothing else. */
  #issuersOf(certificate: Certificate): readonly Certificate[] {
    const likelihood = (issuer: Certificate): number => {
      const isValid = issuer.notBefore <= this.#at && this.#at <= issuer.notAfter;
      const { authorityKeyIdentifier: wanted } = certificate;
      const { subjectKeyIdentifier: has } = issuer;
      const isOfKey = wanted === undefined || has === undefined ? 1 : equalBytes(wanted, has) ? 2 : 0;
      return (isValid && issuer.isCa ? 8 : 0) + (this.#anchors.has(issuer) ? 4 : 0) + isOfKey;
    };
    const issuers = this.#issuersByName.get(toLatin1(certificate.issuer.der)) ?? [];
    return issuers.length < 2 ? issuers : issuers.toSorted((a, b) => likelihood(b) - likelihood(a));
  }

  /** Each signature is verified once under each key. */
  #findSignatureFault(certificate: Certificate, issuer: Certificate): Finding | undefined {
    const pair = `${toLatin1(certificate.der)} ${toLatin1(issuer.spkiDer)}`;
    if (!this.#verified.has(pair)) this.#verified.set(pair, verify(certificate, issuer));
    return this.#verified.get(pair);
  }
}

function verify(certificate: Certificate, issuer: Certificate): Finding | undefined {
  try {
    if (isSignedBy(certificate, issuer.spkiDer)) return undefined;
    return { reason: "signatureInvalid", message: "not signed by the key of any issuer that is known" };
  } catch (error) {
    return findingOf(error);
  }
}

/** The same name with the same key, in whatever certificate. */
const isSameCa = (a: Certificate, b: Certificate): boolean =>
  equalBytes(a.spkiDer, b.spkiDer) && equalBytes(a.subject.der, b.subject.der);
