import { KeyPurpose } from "@vcc-pki/proto/hsm";
import { basicConstraints, buildName, keyUsage, OID, type SignatureAlgorithmId } from "@vcc-pki/x509";
import { describe, expect, it } from "vitest";
import * as payloads from "../test/payloads.ts";
import { admit, type Signatory } from "./admit.ts";
import { type PayloadCase, toPayload } from "./payload.ts";
import type { Policy, Purpose } from "./policy.ts";

const { authorityTbs, certList, checkpoint, ISSUER, leafTbs, newSpki, pae, requestInfo, responseData } = payloads;
const { ID_CT_TST_INFO, ID_DATA, signedAttributes } = payloads;

const OWN_SPKI = newSpki();
const ISSUING = { certificateAuthorities: false, endEntities: true, maxValiditySeconds: 90 * 86_400 };

function keyFor(purpose: Purpose, limits: Partial<typeof ISSUING> = {}, extendedKeyUsages: string[] = []): Signatory {
  const isCa = purpose === KeyPurpose.ROOT_CA || purpose === KeyPurpose.ISSUING_CA;
  const policy: Policy = {
    ...{ purpose, organisation: "brandenburg", allowedCallers: new Set(), rateLimitPerSecond: 0, quorumThreshold: 0 },
    ...{ signatureAlgorithms: new Set(["ecdsa-p256-sha256", "ecdsa-p384-sha384"] as const), copyable: false },
    authority: isCa
      ? {
          issuerNameDer: ISSUER.der,
          limits: { ...ISSUING, ...limits, extendedKeyUsages: new Set(extendedKeyUsages) },
        }
      : undefined,
  };
  return { policy, spkiDer: OWN_SPKI };
}

const issuing = keyFor(KeyPurpose.ISSUING_CA, {}, [OID.serverAuth, OID.clientAuth]);
const root = keyFor(KeyPurpose.ROOT_CA, { certificateAuthorities: true, endEntities: false });

function admits(
  $case: PayloadCase,
  value: Uint8Array,
  key: Signatory,
  algorithm: SignatureAlgorithmId = "ecdsa-p256-sha256",
) {
  return expect(() => admit(toPayload({ $case, value }), algorithm, key));
}

const code = (expected: string) => expect.objectContaining({ code: expected });
const REFUSED = code("PAYLOAD_NOT_ADMITTED");

describe("what each purpose signs", () => {
  const one: Record<PayloadCase, Uint8Array> = {
    tbsCertificate: leafTbs(),
    tbsCertList: certList(),
    ocspResponseData: responseData(OWN_SPKI),
    cmsSignedAttributes: signedAttributes(ID_DATA),
    dssePae: pae(),
    auditCheckpoint: checkpoint(),
    certificationRequestInfo: requestInfo(OWN_SPKI),
  };
  const admitted: Record<Purpose, PayloadCase[]> = {
    [KeyPurpose.ROOT_CA]: ["tbsCertificate", "tbsCertList"],
    [KeyPurpose.ISSUING_CA]: ["tbsCertificate", "tbsCertList"],
    [KeyPurpose.OCSP_RESPONDER]: ["ocspResponseData", "certificationRequestInfo"],
    [KeyPurpose.TIME_STAMPING]: ["cmsSignedAttributes", "certificationRequestInfo"],
    [KeyPurpose.CODE_SIGNING]: ["cmsSignedAttributes", "dssePae", "certificationRequestInfo"],
    [KeyPurpose.AUDIT_CHECKPOINT]: ["auditCheckpoint"],
  };
  const pairs = (Object.keys(admitted) as Purpose[]).flatMap((purpose) =>
    (Object.keys(one) as PayloadCase[]).map(($case) => [purpose, $case, admitted[purpose].includes($case)] as const),
  );

  it.each(pairs)("%s, %s: %s", (purpose, $case, isAdmitted) => {
    const value =
      purpose === KeyPurpose.ROOT_CA && $case === "tbsCertificate"
        ? authorityTbs()
        : purpose === KeyPurpose.TIME_STAMPING && $case === "cmsSignedAttributes"
          ? signedAttributes(ID_CT_TST_INFO)
          : one[$case];
    const key = purpose === KeyPurpose.ROOT_CA ? root : purpose === KeyPurpose.ISSUING_CA ? issuing : keyFor(purpose);
    if (isAdmitted) admits($case, value, key).not.toThrow();
    else admits($case, value, key).toThrow(REFUSED);
  });

  it("refuses an algorithm that is not in the policy, whatever the payload", () => {
    admits("auditCheckpoint", checkpoint(), keyFor(KeyPurpose.AUDIT_CHECKPOINT), "ed25519").toThrow(
      code("ALGORITHM_NOT_ALLOWED"),
    );
  });

  it.each(Object.keys(one) as PayloadCase[])("refuses a %s with an octet too many or too few", ($case) => {
    const purpose = (Object.keys(admitted) as Purpose[]).find((each) => admitted[each].includes($case)) as Purpose;
    const key = purpose === KeyPurpose.ROOT_CA ? issuing : keyFor(purpose);
    const value = $case === "cmsSignedAttributes" ? signedAttributes(ID_CT_TST_INFO) : one[$case];
    admits($case, value, key).not.toThrow();
    admits($case, Buffer.concat([value, Buffer.of(0x00)]), key).toThrow(expect.objectContaining({ name: "PkiError" }));
    admits($case, value.subarray(0, -1), key).toThrow(expect.objectContaining({ name: "PkiError" }));
    admits($case, new Uint8Array(), key).toThrow(expect.objectContaining({ name: "PkiError" }));
  });
});

describe("certificates", () => {
  const otherName = buildName([["CN", "Another CA"]]);
  const recoded = buildName([
    ["O", "VCC"],
    ["CN", "test issuing ca"],
  ]);

  it.each([
    ["another issuer", leafTbs({ issuer: otherName })],
    ["the issuer in other letters", leafTbs({ issuer: recoded })],
    ["another signature algorithm inside", leafTbs({ signatureAlgorithm: "ecdsa-p384-sha384" })],
    ["a CA certificate", authorityTbs()],
    ["91 days", leafTbs({ validitySeconds: 91 * 86_400 })],
    ["one second too many", leafTbs({ validitySeconds: 90 * 86_400 + 1 })],
    ["an end before the beginning", leafTbs({ validitySeconds: -5 })],
    ["a usage that is not listed", leafTbs({ extendedKeyUsages: [OID.serverAuth, OID.codeSigning] })],
    ["anyExtendedKeyUsage", leafTbs({ extendedKeyUsages: [OID.anyExtendedKeyUsage] })],
    ["no usage", leafTbs({ extendedKeyUsages: [] })],
    ["keyCertSign", leafTbs({ extensions: [keyUsage(["digitalSignature", "keyCertSign"])] })],
    ["the issuer's own name", leafTbs({ subject: ISSUER })],
    ["the issuer's own key", leafTbs({ spkiDer: OWN_SPKI })],
  ])("an issuing CA refuses %s", (_, tbs) => {
    admits("tbsCertificate", leafTbs(), issuing).not.toThrow();
    admits("tbsCertificate", tbs, issuing).toThrow(REFUSED);
  });

  it("signs for the longest validity, to the second", () => {
    admits("tbsCertificate", leafTbs({ validitySeconds: 90 * 86_400 }), issuing).not.toThrow();
  });

  it("admits no extended key usage at all when the limits list none", () => {
    const bare = keyFor(KeyPurpose.ISSUING_CA);
    admits("tbsCertificate", leafTbs({ extendedKeyUsages: [] }), bare).not.toThrow();
    admits("tbsCertificate", leafTbs(), bare).toThrow(REFUSED);
  });

  it.each([
    ["an end entity", leafTbs()],
    ["an end entity that calls itself one", leafTbs({ extensions: [basicConstraints({ ca: false })] })],
    ["a CA without keyCertSign", authorityTbs({ extensions: [basicConstraints({ ca: true }), keyUsage(["cRLSign"])] })],
    ["a CA without keyUsage", authorityTbs({ extensions: [basicConstraints({ ca: true })] })],
    ["a CA without a name", authorityTbs({ subject: buildName([]) })],
    ["its own key under another name", authorityTbs({ spkiDer: OWN_SPKI })],
  ])("a root refuses %s", (_, tbs) => {
    admits("tbsCertificate", authorityTbs(), root).not.toThrow();
    admits("tbsCertificate", tbs, root).toThrow(REFUSED);
  });

  it("a root signs its own certificate", () => {
    admits("tbsCertificate", authorityTbs({ subject: ISSUER, spkiDer: OWN_SPKI }), root).not.toThrow();
  });
});

describe("CRLs, OCSP, CMS and requests", () => {
  const ocsp = keyFor(KeyPurpose.OCSP_RESPONDER);
  const tsa = keyFor(KeyPurpose.TIME_STAMPING);
  const code256 = keyFor(KeyPurpose.CODE_SIGNING);

  it.each([
    ["a CRL of another issuer", "tbsCertList", certList({ issuer: buildName([["CN", "x"]]) }), issuing],
    ["a CRL with another algorithm inside", "tbsCertList", certList({ signatureAlgorithm: "ed25519" }), issuing],
    ["a CRL that is over at once", "tbsCertList", certList({ nextUpdate: new Date("2026-11-01T00:00:00Z") }), issuing],
    ["an OCSP answer of another key", "ocspResponseData", responseData(newSpki()), ocsp],
    ["an OCSP answer by name", "ocspResponseData", responseData("by name"), ocsp],
    ["attributes over data, by a time-stamping unit", "cmsSignedAttributes", signedAttributes(ID_DATA), tsa],
    [
      "attributes over a TSTInfo, by a signer of code",
      "cmsSignedAttributes",
      signedAttributes(ID_CT_TST_INFO),
      code256,
    ],
    ["attributes with the digest of another hash", "cmsSignedAttributes", signedAttributes(ID_DATA, 48), code256],
    ["a request for another key", "certificationRequestInfo", requestInfo(newSpki()), ocsp],
  ] as const)("refuses %s", (_, $case, value, key) => {
    admits($case, value, key).toThrow(REFUSED);
  });

  it("takes the digest's length from the algorithm", () => {
    admits("cmsSignedAttributes", signedAttributes(ID_DATA, 48), code256, "ecdsa-p384-sha384").not.toThrow();
  });
});

describe("the pre-authentication encoding", () => {
  const signer = keyFor(KeyPurpose.CODE_SIGNING);
  const text = (value: string) => Buffer.from(value);

  it("has lengths in octets, not characters", () => {
    admits("dssePae", pae("größe"), signer).not.toThrow();
  });

  it.each([
    ["leading zero", text("DSSEv1 01 a 0 ")],
    ["sign", text("DSSEv1 +1 a 0 ")],
    ["length in characters", text("DSSEv1 1 a 5 größe")],
    ["no type", text("DSSEv1 0  0 ")],
    ["type with a space", text("DSSEv1 3 a b 0 ")],
    ["another version", text("DSSEv2 1 a 0 ")],
    ["two spaces", text("DSSEv1  1 a 0 ")],
    ["length beyond the end", text("DSSEv1 1 a 9 x")],
    ["length beyond all reason", text(`DSSEv1 1 a ${"9".repeat(30)} x`)],
    ["nothing after the version", text("DSSEv1")],
  ])("is refused with: %s", (_, value) => {
    admits("dssePae", value, signer).toThrow(code("REQUEST_MALFORMED"));
  });
});

describe("the checkpoint", () => {
  const log = keyFor(KeyPurpose.AUDIT_CHECKPOINT);
  const hash = Buffer.alloc(32, 7).toString("base64");

  it("may have extension lines", () => {
    admits("auditCheckpoint", Buffer.from(`log.example/a\n5\n${hash}\nextra 1\n`), log).not.toThrow();
  });

  it.each([
    ["no line end", `log\n5\n${hash}`],
    ["no origin", `\n5\n${hash}\n`],
    ["a plus in the origin", `l+g\n5\n${hash}\n`],
    ["leading zero", `log\n05\n${hash}\n`],
    ["short hash", `log\n5\n${Buffer.alloc(31).toString("base64")}\n`],
    ["hash in base64url", `log\n5\n${hash.replace("=", "")}\n`],
    ["an empty extension line", `log\n5\n${hash}\n\n`],
    ["a carriage return", `log\n5\n${hash}\r\n`],
    ["a NUL", `l\0g\n5\n${hash}\n`],
  ])("is refused with: %s", (_, value) => {
    admits("auditCheckpoint", Buffer.from(value), log).toThrow(code("REQUEST_MALFORMED"));
  });

  it("is UTF-8", () => {
    admits("auditCheckpoint", Buffer.concat([Buffer.of(0xff), checkpoint()]), log).toThrow(code("REQUEST_MALFORMED"));
  });
});
