import type { AuthorityServiceDefinition } from "@vcc-pki/proto/ca";
import type { Remote } from "@vcc-pki/rpc";
import { type App, FOR_ANYONE } from "../http.ts";
import { chainPem } from "../wire/values.ts";
import { etagOf, isUnchanged } from "./conditional.ts";
import { PEM_CHAIN, raw, refusals } from "./documented.ts";

/** What relying parties need: the roots first, then every intermediate. */
export function trustRoute(app: App, authorities: Remote<AuthorityServiceDefinition>): void {
  app.get(
    "/api/v1/trust/bundle",
    {
      config: FOR_ANYONE,
      schema: {
        tags: ["trust"],
        summary:
          "Trust anchors and intermediates (PEM), for anyone: what is to be trusted is told by a fingerprint on another way",
        security: [],
        response: {
          200: { description: "Roots first, then intermediates", content: { [PEM_CHAIN]: raw("pem") } },
          ...refusals,
        },
      },
    },
    async (request, reply) => {
      const { rootsDer, intermediatesDer } = await authorities.getTrustBundle({});
      const bundle = chainPem([...rootsDer, ...intermediatesDer]);
      const etag = etagOf(bundle);
      reply.header("etag", etag).header("cache-control", "no-cache");
      if (isUnchanged(request, etag)) return reply.code(304).send("");
      return reply.type(PEM_CHAIN).send(bundle);
    },
  );
}
