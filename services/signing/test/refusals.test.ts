import { randomUUID } from "node:crypto";
import { Shape } from "@vcc-pki/proto/signing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ADMIN, CLARA, newSigning, type SigningHarness, STRANGER } from "./harness.ts";
import { ADAPTER_FILES, artefact, digestsRequest, manifestRequest, resourcesOf } from "./requests.ts";

let harness: SigningHarness;

beforeAll(async () => {
  harness = await newSigning();
  await harness.createSigner("clara");
  await harness.createSigner("wide", "ec-p384");
});
afterAll(() => harness.close());

const refusal = (request: Promise<unknown>) =>
  request.then(
    () => "nothing",
    ({ code, details }: { code: string; details?: { rule?: string } }) =>
      [code, ...(details?.rule ? [details.rule] : [])].join(" "),
  );
const without = (path: string) => Object.fromEntries(Object.entries(ADAPTER_FILES).filter(([name]) => name !== path));
const withFile = (path: string) => resourcesOf({ ...ADAPTER_FILES, [path]: "x" });
const metadata = (value: unknown) => JSON.stringify(value);

describe("an artefact is not signed", () => {
  it.each([
    ["of an unknown type", { type: "novel" }, "ARTEFACT_MALFORMED"],
    ["without name", { name: "" }, "ARTEFACT_MALFORMED"],
    ["with a control character in its version", { version: "1\n# artefact: {}" }, "ARTEFACT_MALFORMED"],
    ["whose metadata are not JSON", { metadataJson: "{" }, "ARTEFACT_MALFORMED"],
    [
      "whose metadata say a thing twice",
      { metadataJson: '{"riskClass":"high","riskClass":"minimal"}' },
      "ARTEFACT_MALFORMED",
    ],
    ["whose metadata say what is not known", { metadataJson: metadata({ color: "red" }) }, "ARTEFACT_MALFORMED"],
    ["whose metadata are too long", { metadataJson: " ".repeat(300_000) }, "REQUEST_TOO_LARGE"],
    ["without shape", { shape: Shape.UNSPECIFIED }, "REQUEST_MALFORMED"],
    ["that is a file and has several", { shape: Shape.FILE }, "REQUEST_MALFORMED"],
    ["without files", { resources: [] }, "REQUEST_MALFORMED"],
    ["with a digest that is short", { resources: [{ path: "a", sha256: Buffer.alloc(31) }] }, "REQUEST_MALFORMED"],
    ["with a path upwards", { resources: withFile("../etc/passwd") }, "NAME_MALFORMED"],
    ["with an absolute path", { resources: withFile("/etc/passwd") }, "NAME_MALFORMED"],
    ["with paths that differ in case", { resources: withFile("readme.md") }, "NAME_MALFORMED"],
    ["with a pickle", { resources: withFile("adapter_model.BIN") }, "ARTEFACT_NOT_ADMITTED refusedFiles"],
    [
      "without what its type has",
      { resources: resourcesOf(without("adapter_config.json")) },
      "ARTEFACT_NOT_ADMITTED requiredFiles",
    ],
    [
      "without its base model",
      { metadataJson: metadata({ riskClass: "limited" }) },
      "ARTEFACT_NOT_ADMITTED requiredMetadata",
    ],
  ])("%s", async (_, fields, code) => {
    const request = manifestRequest({ artefact: artefact(fields) });
    expect(await refusal(harness.as().signatures.signManifest(request))).toBe(code);
  });

  it("when the request has none, or no id", async () => {
    const { signatures } = harness.as();
    expect(await refusal(signatures.signManifest(manifestRequest({ artefact: undefined })))).toBe("REQUEST_MALFORMED");
    expect(await refusal(signatures.signManifest(manifestRequest({ requestId: "" })))).toBe("REQUEST_MALFORMED");
  });
});

describe("digests are not signed", () => {
  it.each([
    ["that are none", { sha256: [] }, "REQUEST_MALFORMED"],
    ["that are too many", { sha256: Array.from({ length: 101 }, () => Buffer.alloc(32)) }, "REQUEST_MALFORMED"],
    ["of another hash", { sha256: [Buffer.alloc(48)] }, "REQUEST_MALFORMED"],
    ["in another's name", { signer: "wide" }, "SIGNING_NOT_ALLOWED"],
  ])("%s", async (_, fields, code) => {
    expect(await refusal(harness.as(CLARA).signatures.signDigests(digestsRequest(fields)))).toBe(code);
  });

  it("for people", async () => {
    const request = digestsRequest({ signer: "clara" });
    expect(await refusal(harness.as().signatures.signDigests(request))).toBe("SIGNING_NOT_ALLOWED");
  });

  it("with a key of another hash", async () => {
    const wide = harness.as(CLARA.replace("clara", "wide"));
    expect(await refusal(wide.signatures.signDigests(digestsRequest()))).toBe("ALGORITHM_NOT_ALLOWED");
    expect(await refusal(wide.signatures.signManifest(manifestRequest({ signer: "" })))).toBe("nothing");
  });
});

describe("who may not", () => {
  it("is anybody but the gateway", async () => {
    for (const caller of ["tsa", "ca", ADMIN, CLARA]) {
      const { signatures, signers } = harness.as(undefined, caller);
      expect(await refusal(signatures.signManifest(manifestRequest()))).toBe("CALLER_NOT_ALLOWED");
      expect(await refusal(signatures.signDigests(digestsRequest()))).toBe("CALLER_NOT_ALLOWED");
      expect(await refusal(signatures.getSignature({ signatureId: "x" }))).toBe("CALLER_NOT_ALLOWED");
      expect(await refusal(signers.listSigners({ signer: "" }))).toBe("CALLER_NOT_ALLOWED");
    }
  });

  it("is the suite itself", async () => {
    const { signatures } = harness.as("spiffe://vcc.internal/pki/gateway");
    expect(await refusal(signatures.signManifest(manifestRequest()))).toBe("CALLER_NOT_ALLOWED");
  });

  it("is a workload in another's name, and a signer that does not exist", async () => {
    const covina = CLARA.replace("clara", "covina");
    expect(await refusal(harness.as(covina).signatures.signManifest(manifestRequest()))).toBe("SIGNING_NOT_ALLOWED");
    const request = manifestRequest({ signer: "" });
    expect(await refusal(harness.as(covina).signatures.signManifest(request))).toBe("NOT_FOUND");
  });

  it("is another organisation, for which nothing of ours exists", async () => {
    const { signatureId } = await harness.as().signatures.signManifest(manifestRequest());
    const { signatures } = harness.as(STRANGER);
    expect(await refusal(signatures.signManifest(manifestRequest()))).toBe("NOT_FOUND");
    expect(await refusal(signatures.getSignature({ signatureId }))).toBe("NOT_FOUND");
    const all = { artefactDigest: "", type: "", signer: "", pageSize: 0, pageToken: "" };
    expect((await signatures.listSignatures(all)).signatures).toEqual([]);
    for (const malformed of [{ pageToken: "1 OR 1" }, { artefactDigest: "sha256:zz" }]) {
      expect(await refusal(signatures.listSignatures({ ...all, ...malformed }))).toBe("REQUEST_MALFORMED");
    }
  });
});

describe("a request id", () => {
  it("is for one request: another artefact under it is refused, by another requester it is another's", async () => {
    const { signatures } = harness.as();
    const requestId = randomUUID();
    const first = await signatures.signManifest(manifestRequest({ requestId }));
    expect(await signatures.signManifest(manifestRequest({ requestId }))).toEqual(first);
    const other = artefact({ version: "2" });
    expect(await refusal(signatures.signManifest(manifestRequest({ requestId, artefact: other })))).toBe(
      "REQUEST_ID_REUSED",
    );
    const workloads = await harness.as(CLARA).signatures.signManifest(manifestRequest({ requestId }));
    expect(workloads.signatureId).not.toBe(first.signatureId);
  });
});
