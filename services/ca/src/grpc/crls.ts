import { CrlServiceDefinition, type GetCrlResponse, PublishCrlRequest } from "@vcc-pki/proto/ca";
import { type Callers, implement, type ServiceImplementation } from "@vcc-pki/rpc";
import { requireAdmin } from "../actor.ts";
import type { Crls } from "../crl.ts";
import type { StoredCrl } from "../store/crls.ts";
import { type Door, guarded, requestKey } from "./guard.ts";

const CALLERS: Callers<typeof CrlServiceDefinition> = {
  get: ["anyone"],
  publish: ["gateway", "ceremony"],
};

export function crlService(door: Door, crls: Crls): ServiceImplementation {
  return implement(
    CrlServiceDefinition,
    {
      /** Public data: whoever is authenticated may have it, of every authority. */
      get: async (request) => toProto(crls.get(request.authorityId)),

      publish: guarded(
        door,
        "crl.publish",
        ({ organisation }) => organisation,
        async (request, actor) => {
          requireAdmin(actor);
          const key = requestKey(actor, "PublishCrl", PublishCrlRequest, request);
          return toProto(await crls.publish(actor, key, request.authorityId));
        },
      ),
    },
    CALLERS,
  );
}

const toProto = ({ crlDer, crlNumber, thisUpdate, nextUpdate }: StoredCrl): GetCrlResponse => ({
  crlDer: crlDer ?? new Uint8Array(),
  ...{ crlNumber, thisUpdate, nextUpdate },
});
