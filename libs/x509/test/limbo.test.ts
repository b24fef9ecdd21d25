import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PkiError } from "@vcc-pki/errors";
import { describe, expect, it } from "vitest";
import {
  type Certificate,
  OID,
  parseCertificate,
  parseCertificateList,
  pemDecode,
  validatePath,
} from "../src/index.ts";

/* https://github.com/C2SP/x509-limbo, which is not part of this repository: X509_LIMBO names the directory of its limbo.json. */

const FILE = join(process.env.X509_LIMBO ?? "", "limbo.json");

/** Cases that we decide otherwise, each with the reason. */
const OTHERWISE: Readonly<Record<string, readonly string[]>> = {
  "whether a certificate is a peer's is not the path's business": [
    "webpki::cn::ipv4-hex-mismatch",
    "webpki::cn::ipv4-leading-zeros-mismatch",
    "webpki::cn::ipv6-uppercase-mismatch",
    "webpki::cn::ipv6-uncompressed-mismatch",
    "webpki::cn::ipv6-non-rfc5952-mismatch",
    "webpki::cn::punycode-not-in-san",
    "webpki::cn::utf8-vs-punycode-mismatch",
    "webpki::cn::not-in-san",
    "webpki::cn::case-mismatch",
    "webpki::san::mismatch-domain-san",
    "webpki::san::mismatch-subdomain-san",
    "webpki::san::mismatch-subdomain-apex-san",
    "webpki::san::mismatch-apex-subdomain-san",
    "webpki::san::wildcard-match-across-labels-san",
    "webpki::san::no-san",
  ],
  "no list of public suffixes: partners' and private domains are not on it": [
    "webpki::san::public-suffix-multi-label-wildcard-san",
    "webpki::san::public-suffix-private-namespace-wildcard-san",
  ],
  "a rule of the CA/Browser Forum on roots: authorityKeyIdentifier of an anchor decides nothing, its extKeyUsage limits it":
    [
      "webpki::aki::root-with-aki-missing-keyidentifier",
      "webpki::aki::root-with-aki-all-fields",
      "webpki::aki::root-with-aki-ski-mismatch",
      "webpki::eku::root-has-eku",
    ],
  "a rule of the CA/Browser Forum on TLS servers, which RFC 5280 leaves open": [
    "webpki::eku::ee-anyeku",
    "webpki::eku::ee-critical-eku",
    "webpki::eku::ee-without-eku",
    "webpki::san::san-critical-with-nonempty-subject",
    "webpki::ee-basicconstraints-ca",
  ],
  "a modulus whose length is no multiple of 8 bits is unusual, not weak": [
    "webpki::forbidden-rsa-not-divisible-by-8-in-root",
    "webpki::forbidden-rsa-key-not-divisible-by-8-in-leaf",
  ],
  "RFC 5280 wants it critical, and so do we, in this case's twin among those of RFC 5280": [
    "webpki::nc::permitted-dns-match-noncritical",
  ],
  "a cross-signed anchor without authorityKeyIdentifier is refused, as rfc5280::aki::cross-signed-root-missing-aki wants it":
    ["cve::cve-2024-0567"],
  "a key for keyCertSign alone does not serve TLS (RFC 5280 section 4.2.1.12)": [
    "pathlen::validation-ignores-pathlen-in-leaf",
    "rfc5280::ca-as-leaf",
  ],
};

interface LimboCase {
  readonly id: string;
  readonly expected_result: "SUCCESS" | "FAILURE";
  readonly validation_kind: "SERVER" | "CLIENT";
  readonly validation_time: string | null;
  readonly trusted_certs: readonly string[];
  readonly untrusted_intermediates: readonly string[];
  readonly peer_certificate: string;
  readonly max_chain_depth: number | null;
  readonly crls: readonly string[];
}

const isPresent = existsSync(FILE);
const cases: readonly LimboCase[] = isPresent ? JSON.parse(readFileSync(FILE, "utf8")).testcases : [];
const otherwise = new Set(Object.values(OTHERWISE).flat());

/** "Now", for cases that name no time. */
const AT = "2026-11-01T00:00:00Z";

/** Undefined for what does not even parse, which is a refusal in the certificate that is asked about and of no use elsewhere. */
function tryParse(pem: string): Certificate | undefined {
  try {
    return parseCertificate(pemDecode(pem, "CERTIFICATE")[0] ?? new Uint8Array());
  } catch (error) {
    if (error instanceof PkiError) return undefined;
    throw error;
  }
}

const parseAll = (pems: readonly string[]) => pems.map(tryParse).filter((certificate) => certificate !== undefined);

function isAccepted(limbo: LimboCase): boolean {
  const certificate = tryParse(limbo.peer_certificate);
  if (certificate === undefined) return false;
  const crls = limbo.crls.map((pem) => parseCertificateList(pemDecode(pem, "X509 CRL")[0] ?? new Uint8Array()));
  const { ok } = validatePath({
    certificate,
    candidates: parseAll(limbo.untrusted_intermediates),
    anchors: parseAll(limbo.trusted_certs),
    at: new Date(limbo.validation_time ?? AT),
    purpose: limbo.validation_kind === "SERVER" ? OID.serverAuth : OID.clientAuth,
    keys: { minimumRsaBits: 2048 }, // as the web has them
    ...(limbo.max_chain_depth !== null && { maxIntermediates: limbo.max_chain_depth }),
    ...(crls.length > 0 && { revocation: { crls }, requireRevocation: true }),
  });
  return ok;
}

describe.skipIf(!isPresent)(
  `x509-limbo${isPresent ? "" : ` (skipped: X509_LIMBO does not name the directory of limbo.json)`}`,
  () => {
    it.each(cases.map((limbo) => [limbo.id, limbo] as const))("%s", (id, limbo) => {
      const isWanted = (limbo.expected_result === "SUCCESS") !== otherwise.has(id);
      expect(isAccepted(limbo)).toBe(isWanted);
    });

    it("accepts nothing wrongly but by a rule for the web", () => {
      const ids = new Set(cases.map(({ id }) => id));
      expect([...otherwise].filter((id) => !ids.has(id))).toEqual([]);
      const wronglyAccepted = cases.filter((limbo) => limbo.expected_result === "FAILURE" && isAccepted(limbo));
      expect(wronglyAccepted.filter(({ id }) => !id.startsWith("webpki::"))).toEqual([]);
    });
  },
);
