import type { VerifyRequest, VerifyResponse } from "@vcc-pki/proto/signing";
import type { VerificationAnswer, VerificationQuestion } from "../api/verification.ts";
import { resourcesToProto, SHAPE_TO_PROTO } from "./signing.ts";
import { broughtToProto, octets, present, timestamp } from "./values.ts";

/** `type` is empty for any. Throws REQUEST_MALFORMED for what is no PEM. */
export function verificationToProto(type: string, question: VerificationQuestion, requestId: string): VerifyRequest {
  const { policy = "", expected, issuers = [] } = question;
  return {
    ...{ requestId, policy, type, material: materialOf(question), there: thereOf(question) },
    expected: expected && {
      ...{ name: expected.name ?? "", version: expected.version ?? "", baseModel: expected.base_model ?? "" },
    },
    ...{ issuers, ...broughtToProto(question) },
  };
}

function materialOf({ signature = "", manifest, bundle }: VerificationQuestion): VerifyRequest["material"] {
  if (bundle !== undefined) return { $case: "bundleJson", value: Buffer.from(bundle) };
  const signedDataDer = octets(signature);
  if (manifest === undefined) return { $case: "signedDataDer", value: signedDataDer };
  return { $case: "manifest", value: { manifest: Buffer.from(manifest), signedDataDer } };
}

function thereOf(question: VerificationQuestion): VerifyRequest["there"] {
  const { digest, files = [], shape = "directory", shard_octets: shardOctets } = question;
  if (digest !== undefined) return { $case: "artefactDigest", value: digest };
  return { $case: "files", value: { shape: SHAPE_TO_PROTO[shape], resources: resourcesToProto(files), shardOctets } };
}

export function verificationToJson(answer: VerifyResponse): VerificationAnswer {
  return {
    ok: answer.ok,
    checks: answer.verdicts.map(({ name, ok, code, reasonEn: en, reasonDe: de, detail }) => ({
      ...{ name, ok, code: present(code), reason: ok ? undefined : { en, de }, detail: present(detail) },
    })),
    artefact_digest: present(answer.artefactDigest),
    type: present(answer.type),
    name: present(answer.name),
    version: present(answer.version),
    metadata: answer.metadataJson === "" ? undefined : JSON.parse(answer.metadataJson),
    signed_by: present(answer.signerUri),
    signed_at: timestamp(answer.genTime),
    signature_id: present(answer.signatureId),
  };
}
