import type { Certificate } from "../certificate.ts";
import { type Check, failed, type NamedCheck, passed, runCheck } from "./check.ts";
import type { SignedData, SignerInfo } from "./signed-data.ts";
import { findSigner } from "./signer-checks.ts";

const ONE_SIGNER = "one-signer";
const SIGNER_CERTIFICATE = "signer-certificate";

/** Names of what `lookForSigner` looks at. */
export const ONE_SIGNER_CHECKS: readonly string[] = [ONE_SIGNER, SIGNER_CERTIFICATE];

/** Who signed a message, taken once, for every check. */
export interface OneSigner {
  readonly signerInfo: SignerInfo;
  readonly signer: Certificate;
  /** The other certificates there are, which are not trusted. */
  readonly others: readonly Certificate[];
}

/** The one signer of a message, and his certificate among those in it and those that are at hand. `found` is undefined when a check fails. */
export function lookForSigner(
  { signerInfos, certificates }: SignedData,
  atHand: readonly Certificate[] = [],
): { readonly checks: readonly Check[]; readonly found: OneSigner | undefined } {
  const [signerInfo, second] = signerInfos;
  if (signerInfo === undefined || second !== undefined) {
    return { checks: [failed(ONE_SIGNER, `there are ${signerInfos.length}`)], found: undefined };
  }
  const candidates = [...certificates, ...atHand];
  let found: OneSigner | undefined;
  const look: NamedCheck<undefined> = [
    SIGNER_CERTIFICATE,
    () => {
      const signer = findSigner(signerInfo, candidates);
      found = { signerInfo, signer, others: candidates.filter((candidate) => candidate !== signer) };
      return undefined;
    },
  ];
  return { checks: [passed(ONE_SIGNER), runCheck(look, undefined)], found };
}
