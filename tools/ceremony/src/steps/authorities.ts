import { hash } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import { type Authority, AuthorityState } from "@vcc-pki/proto/ca";
import { parseCertificate } from "@vcc-pki/x509";
import type { RunStep, StepContext } from "../context.ts";
import type { AuthorityPlan, StepOf } from "../script.ts";
import type { Facts } from "../transcript.ts";

const DAY_MS = 86_400_000;

/** Keys and certificates of authorities. All are asked for first; those that wait for custodians are then approved together. */
export const createAuthorities: RunStep<StepOf<"create-authorities">> = async ({ authorities }, context) => {
  const asked = await askAll(authorities, context);
  const waiting = asked.filter(({ state }) => state === AuthorityState.PENDING).map(({ approvalId }) => approvalId);
  if (waiting.length > 0) await context.approver(waiting);
  const made = waiting.length > 0 ? await askAll(authorities, context) : asked;
  for (const { authorityId, state } of made) {
    if (state !== AuthorityState.ACTIVE) throw new PkiError("AUTHORITY_NOT_ACTIVE", `${authorityId} was not created`);
  }
  return { authorities: made.map(factsOf) };
};

async function askAll(plans: readonly AuthorityPlan[], context: StepContext): Promise<Authority[]> {
  const answers: Authority[] = [];
  for (const plan of plans) answers.push(await ask(plan, context));
  return answers;
}

/** When the custodians let an earlier attempt expire, a new one begins. */
async function ask(plan: AuthorityPlan, context: StepContext): Promise<Authority> {
  const { authorities } = await context.suite();
  const { transcript, organisation, operator } = context;
  const expired = transcript.entries.filter(
    ({ event, facts }) => event === "approval expired" && facts.authority === plan.id,
  ).length;
  const request = {
    requestId: context.requestId(`authority:${plan.id}:${expired + 1}`),
    organisation,
    authorityId: plan.id,
    parentId: plan.parent ?? "",
    commonName: plan.name,
    keyAlgorithm: plan.keyAlgorithm,
    validityDays: Math.floor(plan.validity / DAY_MS),
    profiles: plan.profiles,
    mayIssueAuthorities: plan.mayIssueAuthorities,
    nameConstraints: undefined,
    quorumThreshold: plan.quorum,
  };
  try {
    return await authorities.create(request, operator);
  } catch (error) {
    if (!(error instanceof PkiError) || error.code !== "APPROVAL_EXPIRED") throw error;
    transcript.add("approval expired", { authority: plan.id });
    return ask(plan, context);
  }
}

function factsOf({ authorityId, parentId, certificateDer, keyAlgorithm, profiles, token }: Authority): Facts {
  const { subject, serialHex, notAfter } = parseCertificate(certificateDer);
  return {
    ...{ authority: authorityId, parent: parentId || undefined, keyAlgorithm, profiles, token },
    ...{ serial: serialHex, notAfter: notAfter.toISOString(), subjectSha256: hash("sha256", subject.der) },
    certificateSha256: hash("sha256", certificateDer),
  };
}
