import { RecallRequest, RecallServiceDefinition } from "@vcc-pki/proto/signing";
import { type Callers, implement, requestKey, type ServiceImplementation } from "@vcc-pki/rpc";
import { MAX_DIGESTS_TOLD } from "../messages.ts";
import { parseDigest, parseReason, parseRecallTarget } from "../request.ts";
import { administered, DEFAULT_PAGE, DOOR, reader, type SigningDoor } from "./door.ts";

const RECALL_CALLERS: Callers<typeof RecallServiceDefinition> = { recall: DOOR, listRecalls: DOOR };

export function recallService(door: SigningDoor): ServiceImplementation {
  const { recalls, recallTable, messages } = door;
  return implement(
    RecallServiceDefinition,
    {
      async recall(request, context) {
        const organisation = await administered(door, context, request.organisation, "recalls");
        const key = requestKey(context, "recall", RecallRequest, request);
        const target = parseRecallTarget(request.target);
        const reason = parseReason(request.reason);
        if (!request.dryRun)
          return messages.recall(await recalls.recall(organisation, { target, reason, request: key }, context));
        const digests = recalls.affected(organisation, target);
        return {
          ...{ recallId: "", reason, requester: context.requester.uri, recalledAt: undefined },
          ...{ count: digests.length, artefactDigests: digests.slice(0, MAX_DIGESTS_TOLD) },
        };
      },
      async listRecalls({ artefactDigest, organisation: named }, context) {
        const { organisation } = await reader(door, context, named);
        if (artefactDigest === "")
          return { recalls: recallTable.list(organisation, DEFAULT_PAGE).map((recall) => messages.recall(recall)) };
        const found = recallTable.findOf(organisation, parseDigest(artefactDigest));
        return { recalls: found === undefined ? [] : [messages.recall(found)] };
      },
    },
    RECALL_CALLERS,
  );
}
