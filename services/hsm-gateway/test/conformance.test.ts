import { randomUUID } from "node:crypto";
import { KeyPurpose } from "@vcc-pki/proto/hsm";
import { type SignerFixture, signerConformance } from "@vcc-pki/signer/conformance";
import { newHsmGateway } from "./harness.ts";
import { leafTbs, pae } from "./payloads.ts";

const open = async (thread: boolean): Promise<SignerFixture> => {
  const gateway = await newHsmGateway({ thread });
  const custodians = await gateway.registerCustodians(3, 2);
  const key = await gateway.createKey({ purpose: KeyPurpose.CODE_SIGNING });
  const underQuorum = await gateway.createKey({ purpose: KeyPurpose.CODE_SIGNING, policy: { quorumThreshold: 2 } });
  const { approvals } = gateway.as("gateway");
  return {
    signer: gateway.signer(key),
    quorumSigner: gateway.signer(underQuorum),
    payload: () => ({ $case: "dssePae", value: pae(randomUUID()) }),
    foreignPayload: () => ({ $case: "tbsCertificate", value: leafTbs() }),
    failOnce(how) {
      const point = how === "recorded" ? "afterCommit" : "beforeCommit";
      gateway.storeFaults[point] = () => {
        gateway.storeFaults[point] = undefined;
        throw new Error("injected");
      };
    },
    approve: async (approvalId, custodian) => void (await custodians[custodian]?.approve(approvalId, approvals)),
    refuse: async (approvalId, custodian) => void (await custodians[custodian]?.refuse(approvalId, approvals)),
    expireApprovals: () => gateway.clock.advance(1_000 * 3_600_000),
    disable: async () => {
      const { organisation } = gateway.signer(key);
      await gateway.as("signing").keys.disableKey({ organisation, keyId: key.keyId, requestId: randomUUID() });
    },
    close: () => gateway.close(),
  };
};

signerConformance("remoteSigner over the hsm-gateway and SoftHSM", () => open(false));
signerConformance("the same with a signing thread", () => open(true));
