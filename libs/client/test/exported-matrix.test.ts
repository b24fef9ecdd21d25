import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { matrixToJson, readMatrix } from "@vcc-pki/matrix";
import { systemClock } from "@vcc-pki/time";
import { describe, expect, it } from "vitest";
import { ExportedMatrix } from "../src/index.ts";
import { sha256Hex } from "./scratch.ts";
import { hands, newAdapter, policyFor, trustIn } from "./signed.ts";

const { matrix } = readMatrix(
  `service_communication_policies:
  argus: { allowed_outbound: [clara] }
  covina: { allowed_outbound: [{ service: clara, methods: [POST] }], special_permissions: [loading] }
  clara: {}
special_permissions:
  loading: { service: clara, paths: [/load_adapter] }
`,
  { types: { "clara-serving": "clara" } },
);
if (matrix === undefined) throw new Error("no matrix");
const document = matrixToJson(matrix, { organisation: "brandenburg", version: 7 });
const text = JSON.stringify(document);
const octets = Buffer.from(text);
const code = (expected: string) => expect.objectContaining({ code: expected });
const uri = (service: string, organisation = "brandenburg") =>
  `spiffe://vcc.internal/org/${organisation}/service/${service}`;
const ask = (by: ExportedMatrix, caller: string, method = "GET", path = "/status?x=1") => {
  const { allowed, reason } = by.decide({ caller, target: "clara-serving", method, path });
  return allowed ? "allowed" : reason;
};

describe("a matrix that was exported", () => {
  const pinned = ExportedMatrix.pinned(octets, sha256Hex(text));

  it("decides as the suite does", () => {
    expect(pinned).toMatchObject({ organisation: "brandenburg", version: 7 });
    expect(ask(pinned, uri("argus"))).toBe("allowed");
    expect(ask(pinned, uri("covina"), "POST", "/load_adapter")).toBe("allowed");
    expect(ask(pinned, uri("covina"), "GET")).toBe("not-here");
    expect(ask(pinned, uri("argus"), "POST", "/LOAD_adapter")).toBe("permission-needed");
    expect(ask(pinned, uri("argus"), "POST", "/a/..%2fload_adapter")).toBe("path-malformed");
  });

  it.each([
    ["another organisation", uri("argus", "berlin")],
    ["another trust domain", uri("argus").replace("vcc.internal", "evil.example")],
    ["a person", "spiffe://vcc.internal/org/brandenburg/admin/argus"],
    ["a bare name", "argus"],
    ["nobody", ""],
  ])("denies %s", (_, caller) => {
    expect(ask(pinned, caller)).toBe("no-rule");
  });

  it.each([
    ["other octets than are pinned", Buffer.from(`${text} `), sha256Hex(text), "ARTEFACT_REFUSED"],
    ["a pin that is none", octets, "", "ARTEFACT_REFUSED"],
    ["a shorter pin", octets, sha256Hex(text).slice(0, 32), "ARTEFACT_REFUSED"],
    ["what is no JSON", Buffer.from("{"), sha256Hex("{"), "CONFIG_INVALID"],
    ["what is no matrix", Buffer.from("{}"), sha256Hex("{}"), "CONFIG_INVALID"],
  ])("is not %s", (_, given, pin, expected) => {
    expect(() => ExportedMatrix.pinned(given, pin)).toThrow(code(expected));
  });
});

describe("a matrix that was signed", () => {
  const options = {
    ...{ clock: systemClock, trust: trustIn(hands) },
    policy: policyFor(hands.signer, { types: ["pipeline_config"] }),
  };
  const facts = { type: "pipeline_config", name: "matrix", metadata: {} } as const;

  it("decides when the signature holds, and is refused when a file was changed", async () => {
    const { model, sign } = newAdapter();
    const file = join(model, "matrix.json");
    writeFileSync(file, text);
    sign(facts);
    expect(ask(await ExportedMatrix.signed(model, options), uri("argus"))).toBe("allowed");
    appendFileSync(file, " ");
    await expect(ExportedMatrix.signed(model, options)).rejects.toThrow(code("ARTEFACT_REFUSED"));
  });

  it("has to be in what was signed", async () => {
    const { model, sign } = newAdapter();
    sign(facts);
    await expect(ExportedMatrix.signed(model, options)).rejects.toThrow(code("CONFIG_INVALID"));
  });
});
