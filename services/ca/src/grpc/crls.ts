import { CrlServiceDefinition, type GetCrlResponse, PublishCrlRequest, type PublishedCrl } from "@vcc-pki/proto/ca";
import { type Callers, implement, type ServiceImplementation } from "@vcc-pki/rpc";
import { requireAdmin } from "../actor.ts";
import type { Crls } from "../crl.ts";
import type { StoredCrl } from "../store/crls.ts";
import { type Door, guarded, requestKey } from "./guard.ts";

const CALLERS: Callers<typeof CrlServiceDefinition> = {
  get: ["anyone"],
  list: ["anyone"],
  publish: ["gateway", "ceremony"],
};

export function crlService(door: Door, crls: Crls): ServiceImplementation {
  return implement(
    CrlServiceDefinition,
    {
      /** Public data: whoever is authenticated may have it, of every authority. */
      get: async ({ authorityId, shard, delta }) => toProto(crls.get(authorityId, shard, delta ? "delta" : "full")),

      list: async () => ({ crls: crls.list().map(publishedToProto) }),

      publish: guarded(
        door,
        "crl.publish",
        ({ organisation }) => organisation,
        async (request, actor) => {
          requireAdmin(actor);
          const key = requestKey(actor, "PublishCrl", PublishCrlRequest, request);
          return toProto(await crls.publish(actor, key, request.authorityId, request.ahead));
        },
      ),
    },
    CALLERS,
  );
}

const publishedToProto = ({
  authorityId,
  crlShard,
  kind,
  crlNumber,
  thisUpdate,
  nextUpdate,
}: StoredCrl): PublishedCrl => ({
  ...{ authorityId, shard: crlShard, delta: kind === "delta", crlNumber, thisUpdate, nextUpdate },
});

const toProto = ({ crlDer, crlNumber, thisUpdate, nextUpdate }: StoredCrl): GetCrlResponse => ({
  crlDer: crlDer ?? new Uint8Array(),
  ...{ crlNumber, thisUpdate, nextUpdate },
});
