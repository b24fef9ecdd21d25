import {
  basicConstraints,
  extendedKeyUsage,
  type MessageImprint,
  OID,
  TokenTemplate,
  type TokenTemplateFields,
} from "../src/index.ts";
import { makeSigner, newSerial, type SignerOptions, type TestSigner } from "./signer.ts";

export const TEST_POLICY = "1.3.6.1.4.1.32473.1.50";
export const GEN_TIME = new Date("2026-11-01T12:34:56.789Z");

export interface UnitOptions extends SignerOptions {
  readonly template?: Partial<TokenTemplateFields>;
}

/** A time-stamping unit whose key lies in memory. */
export interface TestUnit extends TestSigner {
  readonly template: TokenTemplate;
  stamp(question: StampQuestion): Uint8Array;
}

export interface StampQuestion {
  readonly messageImprint: MessageImprint;
  readonly nonce?: Uint8Array | undefined;
  readonly certReq?: boolean;
  readonly genTime?: Date;
}

export function makeUnit(options: UnitOptions = {}): TestUnit {
  const unit = makeSigner(options, {
    basicConstraints: basicConstraints({ ca: false }),
    extendedKeyUsage: extendedKeyUsage([OID.timeStamping], true),
    subjectAltName: new Uint8Array(),
  });
  const { certificate, signatureAlgorithm, signOctets } = unit;
  const template = new TokenTemplate({
    ...{ certificate, signatureAlgorithm, policy: TEST_POLICY, accuracy: { millis: 500 }, fractionDigits: 3 },
    ...options.template,
  });
  return {
    ...unit,
    template,
    stamp({ messageImprint, nonce, certReq = true, genTime = GEN_TIME }) {
      const tstInfoDer = template.tstInfo({ messageImprint, serial: newSerial(), genTime, nonce });
      const signedAttributesDer = template.signedAttributes(tstInfoDer);
      return template.token({ tstInfoDer, signedAttributesDer, signature: signOctets(signedAttributesDer), certReq });
    },
  };
}
