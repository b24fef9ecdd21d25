import type { CrlServiceDefinition } from "@vcc-pki/proto/ca";
import type { Remote } from "@vcc-pki/rpc";
import type { Clock } from "@vcc-pki/time";
import { AuthorityParams } from "../api/authorities.ts";
import { CrlQuery } from "../api/crl.ts";
import { type App, onBehalfOf } from "../http.ts";
import { etagOf, isUnchanged } from "./conditional.ts";
import { PKIX_CRL, raw, refusals } from "./documented.ts";

/** Nobody shall hold a CRL for longer than this without asking whether there is a newer one. */
const MAX_AGE_SECONDS = 300;

/** The newest CRL of an authority, with what caches need (RFC 9110 sections 8.8 and 13). */
export function crlRoute(app: App, crls: Remote<CrlServiceDefinition>, clock: Clock): void {
  app.get(
    "/api/v1/crl/:ca_id",
    {
      schema: {
        tags: ["status"],
        summary: "The newest CRL of an authority (DER), full or delta, by shard",
        params: AuthorityParams,
        querystring: CrlQuery,
        response: { 200: { description: "The CRL", content: { [PKIX_CRL]: raw("binary") } }, ...refusals },
      },
    },
    async (request, reply) => {
      const { shard = 0, delta } = request.query;
      const wanted = { authorityId: request.params.ca_id, shard, delta: delta === "true" };
      const crl = await crls.get(wanted, onBehalfOf(request));
      const etag = etagOf(crl.crlDer);
      reply.header("etag", etag).header("cache-control", `private, max-age=${maxAge(crl.nextUpdate, clock)}`);
      if (crl.thisUpdate) reply.header("last-modified", crl.thisUpdate.toUTCString());
      if (isUnchanged(request, etag)) return reply.code(304).send("");
      return reply.type(PKIX_CRL).send(Buffer.from(crl.crlDer));
    },
  );
}

function maxAge(nextUpdate: Date | undefined, clock: Clock): number {
  const leftSeconds = Math.floor(((nextUpdate?.getTime() ?? 0) - clock.now().getTime()) / 1000);
  return Math.max(0, Math.min(MAX_AGE_SECONDS, leftSeconds));
}
