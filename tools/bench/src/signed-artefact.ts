import { execFileSync } from "node:child_process";
import { hash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type ArtefactFacts,
  type ArtefactType,
  buildBundle,
  IN_TOTO_PAYLOAD_TYPE,
  MANIFEST_FILE,
  MANIFEST_MIME_TYPE,
  MANIFEST_SIGNATURE_FILE,
  MODEL_SIGNATURE_FILE,
  type TrustPolicy,
} from "@vcc-pki/artefact";
import { describeArtefact, describeInShards, verifyArtefact } from "@vcc-pki/client";
import { systemClock } from "@vcc-pki/time";
import { buildPae, imprintData, pemEncode } from "@vcc-pki/x509";
import { makeCodeSigner, signDetached } from "@vcc-pki/x509/test-code-signer";
import { makeUnit } from "@vcc-pki/x509/test-time-stamping-unit";

const VCC_SIGN = fileURLToPath(import.meta.resolve("@vcc-pki/cli/vcc-sign"));

/** Not in the directory, where it would be content to others who verify it. */
const beside = (path: string): string => `${path}-signature`;
const signatureOf = (path: string): string => join(beside(path), MANIFEST_SIGNATURE_FILE);
const bundleOf = (path: string): string => join(beside(path), MODEL_SIGNATURE_FILE);

const factsOf = (type: ArtefactType): ArtefactFacts => ({
  ...{ type, name: "bench", organisation: "brandenburg", metadata: {} },
});

/** Artefacts with a signer and a time-stamping unit whose keys are in this process, and who trusts them. */
export class SignedArtefacts {
  readonly #signer = makeCodeSigner();
  readonly #unit = makeUnit();
  readonly #policy: TrustPolicy;
  readonly #policyFile: string;
  readonly #rootsFile: string;
  readonly #remember: string;

  /** Writes roots and policy into `directory`. */
  constructor(directory: string) {
    this.#policy = {
      issuers: [`sha256:${hash("sha256", this.#signer.ca.spkiDer)}`],
      identities: ["spiffe://vcc.internal/org/brandenburg/service/clara-signer"],
      ...{
        organisation: "brandenburg",
        types: ["lora_adapter", "model_weights", "source_tree"],
        revocation: "where-known",
        recall: "where-known",
      },
    };
    this.#remember = join(directory, "digests");
    mkdirSync(this.#remember, { mode: 0o700 });
    this.#policyFile = join(directory, "policy.yaml");
    writeFileSync(this.#policyFile, JSON.stringify(this.#policy));
    this.#rootsFile = join(directory, "roots.pem");
    const roots = [this.#signer, this.#unit].map(({ ca }) => pemEncode("CERTIFICATE", ca.certificate.der));
    writeFileSync(this.#rootsFile, roots.join(""));
  }

  async sign(path: string, type: ArtefactType): Promise<void> {
    const { manifest } = await describeArtefact(path, factsOf(type), { clock: systemClock, remember: false });
    mkdirSync(beside(path));
    writeFileSync(join(beside(path), MANIFEST_FILE), manifest);
    writeFileSync(
      signatureOf(path),
      signDetached(this.#signer, manifest, this.#unit, { mimeType: MANIFEST_MIME_TYPE }),
    );
  }

  /** In pieces of so many octets, as OpenSSF Model Signing has them. */
  async signShards(path: string, shardOctets: number): Promise<void> {
    const options = { clock: systemClock, remember: false, shardOctets } as const;
    const { statement: payload } = await describeInShards(path, factsOf("model_weights"), options);
    const payloadType = IN_TOTO_PAYLOAD_TYPE;
    const signature = this.#signer.signOctets(buildPae({ payloadType, payload }));
    const bundle = buildBundle({
      ...{ form: "chain", certificates: [this.#signer.certificate, this.#signer.ca.certificate] },
      envelope: { payloadType, payload, signatures: [signature] },
      timeStamps: [this.#unit.stamp({ messageImprint: imprintData("sha256", signature) })],
    });
    mkdirSync(beside(path), { recursive: true });
    writeFileSync(bundleOf(path), bundle);
  }

  /** Milliseconds of a verification in this process, by manifest or by bundle; with digests remembered or without. */
  async verifyMs(path: string, { isRemembered = false, inShards = false } = {}): Promise<number> {
    const startedAt = systemClock.monotonicMs();
    const { ok, verdicts } = await verifyArtefact(path, {
      ...{ clock: systemClock, policy: this.#policy, signatureFile: inShards ? bundleOf(path) : signatureOf(path) },
      remember: isRemembered && this.#remember,
      trust: { anchors: [this.#signer.ca.certificate], timeStampAnchors: [this.#unit.ca.certificate] },
    });
    const ms = systemClock.monotonicMs() - startedAt;
    if (!ok) throw new Error(`not verified: ${JSON.stringify(verdicts.filter((verdict) => !verdict.ok))}`);
    return ms;
  }

  /** Milliseconds of `vcc-sign verify`, the start of its process included. */
  commandMs(path: string): number {
    const trusting = ["--trust", this.#rootsFile, "--trust-policy", this.#policyFile];
    const signed = ["--package", path, "--signature", signatureOf(path)];
    const words = [VCC_SIGN, "verify", ...signed, ...trusting, "--offline", "--no-cache", "--json"];
    const startedAt = systemClock.monotonicMs();
    execFileSync(process.execPath, words, { stdio: ["ignore", "ignore", "pipe"] });
    return systemClock.monotonicMs() - startedAt;
  }
}
