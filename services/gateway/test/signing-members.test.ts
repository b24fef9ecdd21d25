import { hash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { refused } from "./https.ts";
import { newSigningDoor, type SigningDoor } from "./signing-door.ts";

let door: SigningDoor;
beforeAll(async () => {
  door = await newSigningDoor();
});
afterAll(() => door.close());

const OURS = "?organisation=brandenburg";
const digest = `sha256:${hash("sha256", "x")}`;
const wheel = {
  ...{ name: "recht", shape: "directory", signer: "clara" },
  files: [{ path: "a.py", sha256: hash("sha256", "a") }],
};

describe("an administrator of another organisation who is a member", () => {
  it("makes signers for it, has it sign, finds that there, and verifies and recalls it", async () => {
    const as = door.operator;
    const made = await door.knock({ path: `/api/v1/signers${OURS}`, body: { signer: "clara" }, as });
    expect([made.status, made.json()]).toMatchObject([201, { signer: "clara", organization_id: "brandenburg" }]);
    const signed = await door.knock({ path: `/api/v1/sign/python-package${OURS}`, body: wheel, as });
    const { signature_id, artefact_digest, signature, manifest } = signed.json();
    expect(manifest).toContain('"organisation":"brandenburg"');
    const audit = (query: string) => door.knock({ path: `/api/v1/sign/audit/${signature_id}${query}`, as });
    expect((await audit(OURS)).status).toBe(200);
    expect(await refused(audit(""))).toEqual([404, "NOT_FOUND"]);
    expect((await door.knock({ path: "/api/v1/signatures", as })).json()).toEqual({ signatures: [] });
    await door.signing.publishLists();
    const question = { signature, manifest, files: wheel.files };
    const verified = await door.knock({ path: `/api/v1/verify/signature${OURS}`, body: question, as });
    expect(verified.json()).toMatchObject({ ok: true, signature_id });
    const recall = { digest: artefact_digest, reason: "a test", dry_run: true };
    expect((await door.knock({ path: `/api/v1/recalls${OURS}`, body: recall, as })).json()).toMatchObject({ count: 1 });
  });
});

describe.each<[string, object | undefined]>([
  ["/api/v1/signers", { signer: "x" }],
  ["/api/v1/signers", undefined],
  ["/api/v1/signers/x/retire", {}],
  ["/api/v1/sign/python-package", wheel],
  ["/api/v1/tsa/sign-and-timestamp", { digest: digest.slice(7), signer: "clara" }],
  ["/api/v1/sign", { hash_b64: hash("sha256", "x", "base64"), service_id: "clara" }],
  ["/api/v1/sign/audit/x", undefined],
  ["/api/v1/sign/audit/x/usage", undefined],
  ["/api/v1/sign/audit/x/usage", { action: "loaded" }],
  ["/api/v1/signatures", undefined],
  [`/api/v1/lineage/${digest}`, undefined],
  ["/api/v1/recalls", { digest, reason: "x" }],
  ["/api/v1/recalls", undefined],
  ["/api/v1/verify/signature", { bundle: "{}", digest }],
  ["/api/v1/verify/file", { bundle: "{}", digest }],
  ["/api/v1/verify", { hash_b64: hash("sha256", "x", "base64"), signature_b64: "AAAA", service_id: "clara" }],
])("%s", (path, body) => {
  it("of an organisation that is none of one's business cannot be told from one that is not there", async () => {
    const ask = (organisation: string) =>
      door.knock({ path: `${path}?organisation=${organisation}`, body, as: door.stranger });
    const [ours, nobodys] = [await ask("brandenburg"), await ask("atlantis")];
    const plain = ({ status, json }: typeof ours) => {
      const { trace_id: _, instance: __, ...problem } = json();
      return [status, problem];
    };
    expect(ours.json()).toMatchObject({ status: 404, code: "NOT_FOUND" });
    expect(plain(ours)).toEqual(plain(nobodys));
    expect(await refused(ask("Brandenburg!"))).toEqual([400, "REQUEST_MALFORMED"]);
  });
});
