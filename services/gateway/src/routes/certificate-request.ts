import { PkiError } from "@vcc-pki/errors";
import type { CertificateServiceDefinition, IssueRequest } from "@vcc-pki/proto/ca";
import type { Remote } from "@vcc-pki/rpc";
import type { z } from "zod";
import { CertificateRequest, CertificateRequestQuery, CertificateWithChain } from "../api/certificates.ts";
import { IdempotencyHeaders } from "../api/fields.ts";
import { checkedSize, decodeCsr } from "../csr.ts";
import { type App, onBehalfOf, organisationOf, requestIdOf } from "../http.ts";
import { withChain } from "../wire/certificate.ts";
import { accepts, PEM_CHAIN, pending, raw, refusals } from "./documented.ts";
import { Pkcs10 } from "./pkcs10.ts";

type Query = z.output<typeof CertificateRequestQuery>;
type Asked = Pick<IssueRequest, "csrDer" | "profile" | "authorityId" | "validitySeconds">;

/** From a CSR to a certificate. The key stays with the subscriber; there is nothing to download but certificates. */
export function certificateRequestRoute(app: App, certificates: Remote<CertificateServiceDefinition>): void {
  app.post(
    "/api/v1/certs/request",
    {
      schema: {
        tags: ["certificates"],
        summary: "Issue a certificate for a PKCS#10 request",
        description:
          "JSON with the CSR as PEM or base64 of DER, or the DER itself as application/pkcs10 with the options in the query. " +
          "Accept: application/pem-certificate-chain answers with the chain alone.",
        querystring: CertificateRequestQuery,
        headers: IdempotencyHeaders,
        body: {
          content: { "application/json": { schema: CertificateRequest }, "application/pkcs10": { schema: Pkcs10 } },
        },
        response: {
          201: {
            description: "Issued, and durable",
            content: { "application/json": { schema: CertificateWithChain }, [PEM_CHAIN]: raw("pem") },
          },
          ...pending,
          ...refusals,
        },
      },
    },
    async (request, reply) => {
      const requestId = requestIdOf(request);
      const organisation = organisationOf(request);
      const asked = Buffer.isBuffer(request.body)
        ? fromRaw(request.body, request.query)
        : fromJson(request.body, request.query);
      const answer = await certificates.issue({ requestId, organisation, ...asked }, onBehalfOf(request));

      const issued = withChain(answer);
      reply.code(201).header("location", `/api/v1/certs/${issued.cert_id}`).header("vary", "accept");
      if (accepts(request, PEM_CHAIN)) return reply.type(PEM_CHAIN).send(issued.chain_pem);
      return reply.send(issued);
    },
  );
}

function fromRaw(body: Buffer, query: Query): Asked {
  if (query.profile === undefined) throw new PkiError("REQUEST_MALFORMED", "name the profile in the query: ?profile=");
  return {
    csrDer: checkedSize(body),
    profile: query.profile,
    authorityId: query.ca_id ?? "",
    validitySeconds: query.validity_seconds ?? 0,
  };
}

/** Fastify picks the body's schema by content type and checks nothing when there is no body at all. */
function fromJson(body: unknown, query: Query): Asked {
  if (query.profile !== undefined || query.ca_id !== undefined || query.validity_seconds !== undefined) {
    throw new PkiError("REQUEST_MALFORMED", "with a JSON body the options belong into the body");
  }
  const checked = CertificateRequest.safeParse(body);
  if (!checked.success) throw new PkiError("REQUEST_MALFORMED", "send a JSON or application/pkcs10 body");
  return {
    csrDer: decodeCsr(checked.data.csr),
    profile: checked.data.profile,
    authorityId: checked.data.ca_id ?? "",
    validitySeconds: checked.data.validity_seconds ?? 0,
  };
}
