import { setImmediate } from "node:timers/promises";
import type { ArtefactVerification } from "@vcc-pki/artefact";
import { PkiError } from "@vcc-pki/errors";
import {
  VerificationServiceDefinition,
  VerifyDigestsRequest,
  VerifyRequest,
  type VerifyResponse,
} from "@vcc-pki/proto/signing";
import { type Callers, implement, requestKey, type ServiceImplementation } from "@vcc-pki/rpc";
import canonicalize from "canonicalize";
import type { Judged } from "../verify.ts";
import { parseDigestQuestions, parseVerifyQuestion } from "../verify-request.ts";
import { DOOR, reader, type SigningDoor } from "./door.ts";

const CALLERS: Callers<typeof VerificationServiceDefinition> = { verify: DOOR, verifyDigests: DOOR };

export function verificationService(door: SigningDoor): ServiceImplementation {
  const { verification } = door;
  return implement(
    VerificationServiceDefinition,
    {
      async verify(request, context) {
        const { organisation } = await reader(door, context, request.organisation);
        const key = requestKey(context, "verify", VerifyRequest, request);
        const judged = verification.judge(organisation, parseVerifyQuestion(request));
        await verification.count([judged], key, context);
        return answerToProto(judged);
      },
      async verifyDigests(request, context) {
        const { requester } = context;
        const { organisation } = await reader(door, context, request.organisation);
        const key = requestKey(context, "verifyDigests", VerifyDigestsRequest, request);
        if (requester.kind === "workload" && request.signer !== "" && request.signer !== requester.service)
          throw new PkiError("CALLER_NOT_ALLOWED", "a workload asks about its own signatures");
        const judged: Judged[] = [];
        for (const question of parseDigestQuestions(request, requester)) {
          judged.push(verification.judge(organisation, question));
          await setImmediate(); // some milliseconds each: others get their turn in between
        }
        await verification.count(judged, key, context);
        return { results: judged.map(answerToProto) };
      },
    },
    CALLERS,
  );
}

const answerToProto = ({ verification, signature }: Judged): VerifyResponse => ({
  ok: verification.ok,
  verdicts: verification.verdicts.map(({ name, ok, code = "", reason, detail = "" }) => ({
    ...{ name, ok, code, reasonEn: reason?.en ?? "", reasonDe: reason?.de ?? "", detail },
  })),
  ...factsToProto(verification),
  signatureId: signature?.signatureId ?? "",
});

/** What is said of what does not hold is nobody's to believe. */
function factsToProto(verification: ArtefactVerification) {
  if (!verification.ok)
    return {
      ...{ artefactDigest: "", type: "", name: "", version: "", metadataJson: "", signerUri: "", genTime: undefined },
    };
  const { artefactDigest = "", facts, signer, signedAt } = verification;
  return {
    ...{ artefactDigest, type: facts?.type ?? "", name: facts?.name ?? "", version: facts?.version ?? "" },
    metadataJson: facts === undefined ? "" : (canonicalize(facts.metadata) ?? ""),
    ...{ signerUri: signer.uri, genTime: signedAt },
  };
}
