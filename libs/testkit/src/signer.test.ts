import { randomBytes } from "node:crypto";
import { signerConformance } from "@vcc-pki/signer/conformance";
import { KEY_ALGORITHMS, type KeyAlgorithmId, verifySignature } from "@vcc-pki/x509";
import { expect, it } from "vitest";
import { fakeClock } from "./clock.ts";
import { softwareSigner } from "./signer.ts";

signerConformance("softwareSigner", async () => {
  const clock = fakeClock();
  const signer = softwareSigner({ clock, admits: ["dssePae"] });
  const quorumSigner = softwareSigner({ clock, admits: ["dssePae"], quorum: { threshold: 2, custodians: 3 } });
  return {
    ...{ signer, quorumSigner },
    payload: () => ({ $case: "dssePae", value: randomBytes(100) }),
    foreignPayload: () => ({ $case: "tbsCertificate", value: randomBytes(100) }),
    failOnce(how) {
      const point = how === "recorded" ? "afterRecord" : "beforeRecord";
      signer.faults[point] = () => {
        signer.faults[point] = undefined;
        throw new Error("injected");
      };
    },
    approve: async (approvalId, custodian) => quorumSigner.decide(approvalId, custodian, "approve"),
    refuse: async (approvalId, custodian) => quorumSigner.decide(approvalId, custodian, "refuse"),
    expireApprovals: () => clock.advance(1_000 * 3_600_000),
    disable: async () => signer.disable(),
    close: async () => {},
  };
});

it.each(Object.keys(KEY_ALGORITHMS) as KeyAlgorithmId[])(
  "a software signer may have a key of kind %s",
  async (keyAlgorithm) => {
    const { algorithm, spkiDer, sign } = softwareSigner({ clock: fakeClock(), keyAlgorithm });
    const value = randomBytes(50);
    expect(verifySignature(spkiDer, algorithm, value, await sign({ $case: "dssePae", value }, "r-1"))).toBe(true);
  },
);
