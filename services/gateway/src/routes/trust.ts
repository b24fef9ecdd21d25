import type { AuthorityServiceDefinition } from "@vcc-pki/proto/ca";
import type { Remote } from "@vcc-pki/rpc";
import { type App, FOR_WORKLOADS_TOO, onBehalfOf } from "../http.ts";
import { chainPem } from "../wire/values.ts";
import { PEM_CHAIN, raw, refusals } from "./documented.ts";

/** What relying parties need: the roots first, then every intermediate. */
export function trustRoute(app: App, authorities: Remote<AuthorityServiceDefinition>): void {
  app.get(
    "/api/v1/trust/bundle",
    {
      config: FOR_WORKLOADS_TOO,
      schema: {
        tags: ["trust"],
        summary: "Trust anchors and intermediates (PEM)",
        response: {
          200: { description: "Roots first, then intermediates", content: { [PEM_CHAIN]: raw("pem") } },
          ...refusals,
        },
      },
    },
    async (request, reply) => {
      const { rootsDer, intermediatesDer } = await authorities.getTrustBundle({}, onBehalfOf(request));
      return reply.type(PEM_CHAIN).send(chainPem([...rootsDer, ...intermediatesDer]));
    },
  );
}
