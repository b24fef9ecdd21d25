import { sign } from "node:crypto";
import {
  assembleOcspResponse,
  buildName,
  buildResponseData,
  type Certificate,
  extendedKeyUsage,
  OID,
  ocspNoCheck,
  parseCertificate,
  type ResponseDataFields,
  sha1KeyIdentifier,
} from "../src/index.ts";
import { type LeafOverrides, leafTbs, NOT_AFTER, type TestCa } from "./authority.ts";
import { makeKey, type TestKey } from "./keys.ts";

export interface TestResponder extends TestKey {
  readonly certificate: Certificate;
  readonly keyHash: Uint8Array;
  sign(responseDataDer: Uint8Array): Uint8Array;
  /** A whole OCSPResponse with the responder's certificate in it. */
  answer(fields: ResponseDataFields): Uint8Array;
}

/** A P-256 responder that `ca` certified, in the usual way but for what `overrides` says. */
export function makeResponder(ca: TestCa, { extensions = {}, ...fields }: LeafOverrides = {}): TestResponder {
  const key = makeKey();
  const certificate = parseCertificate(
    ca.sign(
      leafTbs(ca, {
        serial: Uint8Array.of(0x55),
        subject: buildName([["CN", "Test responder"]]),
        spkiDer: key.spkiDer,
        notAfter: NOT_AFTER,
        ...fields,
        extensions: {
          extendedKeyUsage: extendedKeyUsage([OID.ocspSigning]),
          subjectAltName: new Uint8Array(),
          noCheck: ocspNoCheck(),
          ...extensions,
        },
      }),
    ),
  );
  const keyHash = sha1KeyIdentifier(key.spkiDer);
  const signData = (responseDataDer: Uint8Array) => new Uint8Array(sign("sha256", responseDataDer, key.privateKey));
  const answer = (fields: ResponseDataFields) => {
    const responseDataDer = buildResponseData(keyHash, fields);
    return assembleOcspResponse(responseDataDer, "ecdsa-p256-sha256", signData(responseDataDer), [certificate.der]);
  };
  return { ...key, certificate, keyHash, sign: signData, answer };
}
