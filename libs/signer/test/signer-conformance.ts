import { ERRORS, isErrorCode } from "@vcc-pki/errors";
import { verifySignature } from "@vcc-pki/x509";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Signer, SignPayload } from "../src/index.ts";

/** What the suite needs to know of an implementation in order to put it to the test. */
export interface SignerFixture {
  readonly signer: Signer;
  /** Another one like it, with two of three custodians. */
  readonly quorumSigner: Signer;
  /** A payload that both admit; a new one at each call. */
  payload(): SignPayload;
  /** One that they do not admit. */
  foreignPayload(): SignPayload;
  /** Makes the next signature fail, before it was recorded or after. */
  failOnce(how: "not recorded" | "recorded"): void;
  approve(approvalId: string, custodian: 0 | 1 | 2): Promise<void>;
  refuse(approvalId: string, custodian: 0 | 1 | 2): Promise<void>;
  /** Lets so much time pass that no approval holds. */
  expireApprovals(): void;
  disable(): Promise<void>;
  close(): Promise<void>;
}

/** The contract of `Signer`, which every implementation keeps. */
export function signerConformance(name: string, open: () => Promise<SignerFixture>): void {
  describe(`${name} is a Signer`, () => {
    let fixture: SignerFixture;
    beforeEach(async () => {
      fixture = await open();
    });
    afterEach(() => fixture.close());

    const code = (expected: string) => ({ code: expected });
    const requireValid = ({ spkiDer, algorithm }: Signer, payload: SignPayload, signature: Uint8Array) =>
      expect(verifySignature(spkiDer, algorithm, payload.value, signature)).toBe(true);

    it("signs the octets of the payload with its key", async () => {
      const payload = fixture.payload();
      requireValid(fixture.signer, payload, await fixture.signer.sign(payload, "r-1"));
    });

    it("gives a repeat the first signature", async () => {
      const payload = fixture.payload();
      const first = await fixture.signer.sign(payload, "r-1");
      expect(Buffer.from(await fixture.signer.sign(payload, "r-1"))).toEqual(Buffer.from(first));
    });

    it("refuses another payload under the same request id", async () => {
      await fixture.signer.sign(fixture.payload(), "r-1");
      await expect(fixture.signer.sign(fixture.payload(), "r-1")).rejects.toMatchObject(code("REQUEST_ID_REUSED"));
    });

    it("signs once what is asked for several times at once", async () => {
      const payload = fixture.payload();
      const signatures = await Promise.all(Array.from({ length: 5 }, () => fixture.signer.sign(payload, "r-1")));
      expect(new Set(signatures.map((each) => Buffer.from(each).toString("hex"))).size).toBe(1);
    });

    it("takes many at once, each with its own answer", async () => {
      const payloads = Array.from({ length: 100 }, () => fixture.payload());
      const signatures = await Promise.all(payloads.map((payload, i) => fixture.signer.sign(payload, `r-${i}`)));
      for (const [i, payload] of payloads.entries()) {
        requireValid(fixture.signer, payload, signatures[i] ?? new Uint8Array());
      }
    });

    it("refuses a payload that the key does not sign", async () => {
      await expect(fixture.signer.sign(fixture.foreignPayload(), "r-1")).rejects.toMatchObject(
        code("PAYLOAD_NOT_ADMITTED"),
      );
    });

    it.each(["not recorded", "recorded"] as const)(
      "after a failure (%s), gives the repeat one signature for good",
      async (how) => {
        const payload = fixture.payload();
        fixture.failOnce(how);
        const error: { code?: string } = await fixture.signer.sign(payload, "r-1").then(
          () => ({}),
          (failure) => failure,
        );
        expect(isErrorCode(error.code ?? "") && ERRORS[error.code as keyof typeof ERRORS].retry).toBe(true);
        const signature = await fixture.signer.sign(payload, "r-1");
        requireValid(fixture.signer, payload, signature);
        expect(Buffer.from(await fixture.signer.sign(payload, "r-1"))).toEqual(Buffer.from(signature));
      },
    );

    it("signs no more once its key is disabled, but repeats what it signed", async () => {
      const payload = fixture.payload();
      const first = await fixture.signer.sign(payload, "r-1");
      await fixture.disable();
      await expect(fixture.signer.sign(fixture.payload(), "r-2")).rejects.toMatchObject(code("KEY_NOT_ACTIVE"));
      expect(Buffer.from(await fixture.signer.sign(payload, "r-1"))).toEqual(Buffer.from(first));
    });

    describe("under quorum", () => {
      async function ask(payload: SignPayload): Promise<string> {
        const error = await fixture.quorumSigner.sign(payload, "r-1").then(
          () => undefined,
          (refusal) => refusal,
        );
        expect(error).toMatchObject({
          ...code("APPROVAL_REQUIRED"),
          details: { approvalId: expect.any(String), expiresAt: expect.stringMatching(/^\d{4}-.*Z$/) },
        });
        return error.details.approvalId;
      }

      it("asks for approval, for the same one each time, and signs after two of three have given it", async () => {
        const payload = fixture.payload();
        const approvalId = await ask(payload);
        await fixture.approve(approvalId, 0);
        expect(await ask(payload)).toBe(approvalId);
        await fixture.approve(approvalId, 2);
        requireValid(fixture.quorumSigner, payload, await fixture.quorumSigner.sign(payload, "r-1"));
      });

      it("does not sign what two refused", async () => {
        const payload = fixture.payload();
        const approvalId = await ask(payload);
        await fixture.refuse(approvalId, 0);
        await fixture.refuse(approvalId, 1);
        await expect(fixture.quorumSigner.sign(payload, "r-1")).rejects.toMatchObject(code("APPROVAL_REFUSED"));
      });

      it("does not sign what was not approved in time", async () => {
        const payload = fixture.payload();
        await fixture.approve(await ask(payload), 0);
        fixture.expireApprovals();
        await expect(fixture.quorumSigner.sign(payload, "r-1")).rejects.toMatchObject(code("APPROVAL_EXPIRED"));
      });

      it("refuses another payload under the same request id", async () => {
        await ask(fixture.payload());
        await expect(fixture.quorumSigner.sign(fixture.payload(), "r-1")).rejects.toMatchObject(
          code("REQUEST_ID_REUSED"),
        );
      });
    });
  });
}
