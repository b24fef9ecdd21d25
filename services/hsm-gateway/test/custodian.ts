import { generateKeyPairSync, type KeyObject } from "node:crypto";
import type { ApprovalServiceDefinition, Custodian } from "@vcc-pki/proto/hsm";
import { type Approval, Decision } from "@vcc-pki/proto/hsm";
import type { Remote } from "@vcc-pki/rpc";
import { type ApprovalDecision, signDecision } from "@vcc-pki/signer";

type Approvals = Remote<typeof ApprovalServiceDefinition>;

/** A person with a key who reads what they sign. */
export interface TestCustodian extends Custodian {
  readonly privateKey: KeyObject;
  approve(approvalId: string, approvals: Approvals): Promise<Approval>;
  refuse(approvalId: string, approvals: Approvals): Promise<Approval>;
}

export function newCustodian(name: string, keyType: "ec" | "ed25519" = "ec"): TestCustodian {
  const { publicKey, privateKey } =
    keyType === "ec" ? generateKeyPairSync("ec", { namedCurve: "prime256v1" }) : generateKeyPairSync("ed25519");
  const custodianId = name;
  const decide = async (decision: ApprovalDecision, approvalId: string, approvals: Approvals) => {
    const { canonicalRequest } = await approvals.get({ approvalId });
    const signature = signDecision(privateKey, canonicalRequest, decision);
    return approvals.decide({
      ...{ approvalId, custodianId, signature },
      decision: decision === "approve" ? Decision.APPROVE : Decision.REFUSE,
    });
  };
  return {
    ...{ custodianId, privateKey },
    identity: `spiffe://vcc.internal/org/vcc/admin/${name}`,
    spkiDer: new Uint8Array(publicKey.export({ type: "spki", format: "der" })),
    approve: (approvalId, approvals) => decide("approve", approvalId, approvals),
    refuse: (approvalId, approvals) => decide("refuse", approvalId, approvals),
  };
}
