import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifySchema } from "fastify";
import { jsonSchemaTransform, jsonSchemaTransformObject } from "fastify-type-provider-zod";
import type { App } from "./http.ts";

/** Everything the page needs comes from ourselves. Swagger UI draws its icons as data: images and sets styles from script. */
const DOCS_CSP =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; " +
  "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/** OpenAPI 3.1 has it; the types of the library stop at 3.0. */
const MUTUAL_TLS = { type: "mutualTLS", description: "An administrator's client certificate" } as never;

/** OpenAPI 3.1 at /api/openapi.json, made from the routes' own schemas, and a page to browse it at /api/docs. Registered
 *  before the routes, which it collects. */
export async function addOpenApi(app: App, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "VCC PKI",
        version,
        description:
          "Certificates, authorities and approvals. Every request needs an administrator's client certificate (mutual TLS). " +
          "Errors are problem+json (RFC 9457) with a stable `code`.",
      },
      components: { securitySchemes: { mutualTLS: MUTUAL_TLS } },
      security: [{ mutualTLS: [] }],
    },
    transform: transformByContentType,
    transformObject,
  });
  await app.register(swaggerUi, {
    routePrefix: "/api/docs",
    staticCSP: DOCS_CSP,
    uiConfig: { url: "/api/openapi.json", docExpansion: "list", deepLinking: true },
  });
  app.get("/api/openapi.json", { schema: { hide: true } }, async () => app.swagger());
}

type Transform = typeof jsonSchemaTransform;
type Content = Record<string, { schema: unknown }>;

/** The library's transform takes one schema per body; ours may have one per content type. */
const transformByContentType: Transform = (input) => {
  const content = contentOf("schema" in input ? input.schema : undefined);
  if (content === undefined) return jsonSchemaTransform(input);
  const bodies = Object.entries(content).map(([type, { schema: body }]) => {
    const { schema } = jsonSchemaTransform({ ...input, schema: { body } });
    return [type, { schema: schema.body ?? {} }];
  });
  const { schema, url } = jsonSchemaTransform({ ...input, schema: { ...input.schema, body: undefined } });
  return { schema: { ...schema, body: { content: Object.fromEntries(bodies) } }, url };
};

function contentOf(schema: FastifySchema | undefined): Content | undefined {
  const body = schema?.body;
  return typeof body === "object" && body !== null && "content" in body ? (body.content as Content) : undefined;
}

/** The library writes each schema twice, as it is sent and as it is received. What nothing refers to is left out. */
const transformObject: typeof jsonSchemaTransformObject = (input) => {
  const document = jsonSchemaTransformObject(input);
  const schemas = "components" in document ? document.components?.schemas : undefined;
  let unused = Object.keys(schemas ?? {});
  while (schemas && unused.length > 0) {
    const text = JSON.stringify(document);
    unused = Object.keys(schemas).filter((name) => !text.includes(`"#/components/schemas/${name}"`));
    for (const name of unused) delete schemas[name];
  }
  return document;
};
