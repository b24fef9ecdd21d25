import { IsolationLevel } from "@vcc-pki/proto/ca";
import type { RunStep } from "../context.ts";
import type { StepOf } from "../script.ts";

const ISOLATION = {
  strict: IsolationLevel.STRICT,
  collaborative: IsolationLevel.COLLABORATIVE,
  federated: IsolationLevel.FEDERATED,
} as const satisfies Record<StepOf<"create-organisation">["isolation"], IsolationLevel>;

/** A tenant, and who of the operator may administer it. */
export const createOrganisation: RunStep<StepOf<"create-organisation">> = async (step, context) => {
  const { organisations } = await context.suite();
  const { organisation, name, isolation, allowedNames, allowedNetworks, authorities, contact, members } = step;
  await organisations.create(
    {
      ...{ requestId: context.requestId(`organisation:${organisation}`), organisation, name },
      ...{ allowedNames, allowedNetworks },
      ...{ isolationLevel: ISOLATION[isolation], adminContact: contact, isolationPolicy: undefined },
      authorityIds: authorities,
    },
    context.operator,
  );
  for (const member of members) {
    const membership = { organisation, identity: context.personUri(member), expiresAt: undefined };
    const requestId = context.requestId(`membership:${organisation}:${member}`);
    await organisations.grantMembership({ requestId, membership }, context.operator);
  }
  return {
    organisation,
    name,
    isolation,
    allowedNames,
    allowedNetworks,
    authorities,
    members: members.map(context.personUri),
  };
};
