import { buildPae, type Certificate, imprintData } from "@vcc-pki/x509";
import type { CodeSigner } from "@vcc-pki/x509/test-code-signer";
import { type Bundle, buildBundle, buildOmsStatement, IN_TOTO_PAYLOAD_TYPE } from "../src/index.ts";
import { ADAPTER } from "./adapter.ts";
import { signer, unit } from "./relying-party.ts";

interface BundleCraft {
  readonly by?: CodeSigner;
  /** Of the signer first. */
  readonly certificates?: readonly Certificate[];
  readonly stampedBy?: typeof unit;
  readonly payloadType?: string;
  readonly form?: Bundle["form"];
}

/** A bundle over the adapter, or another payload. */
export function signBundle(payload: Uint8Array = buildOmsStatement(ADAPTER), craft: BundleCraft = {}): Bundle {
  const { by = signer, stampedBy = unit, payloadType = IN_TOTO_PAYLOAD_TYPE, form = "chain" } = craft;
  const { certificates = [by.certificate, by.ca.certificate] } = craft;
  const signature = by.signOctets(buildPae({ payloadType, payload }));
  return {
    ...{ form, certificates, envelope: { payloadType, payload, signatures: [signature] } },
    timeStamps: [stampedBy.stamp({ messageImprint: imprintData("sha256", signature) })],
  };
}

export const materialOf = (bundle: Bundle) => ({ format: "bundle", bundle: buildBundle(bundle) }) as const;
