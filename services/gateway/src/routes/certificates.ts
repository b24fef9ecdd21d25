import type { CertificateServiceDefinition } from "@vcc-pki/proto/ca";
import type { Remote } from "@vcc-pki/rpc";
import {
  Certificate,
  CertificateList,
  CertificateListQuery,
  CertificateParams,
  CertificateRevocation,
  CertificateStatusAnswer,
  CertificateWithChain,
} from "../api/certificates.ts";
import { IdempotencyHeaders, Scope } from "../api/fields.ts";
import { type App, onBehalfOf, organisationOf, requestIdOf } from "../http.ts";
import {
  certificateToJson,
  reasonToProto,
  revocationToJson,
  statusToJson,
  statusToProto,
  withChain,
} from "../wire/certificate.ts";
import { present, requiredTimestamp } from "../wire/values.ts";
import { accepts, PEM_CHAIN, PKIX_CERT, raw, refusals } from "./documented.ts";

const tags = ["certificates"];

/** Certificates once they are issued: found, read, revoked. */
export function certificateRoutes(app: App, certificates: Remote<CertificateServiceDefinition>): void {
  app.get(
    "/api/v1/certs/list",
    {
      schema: {
        tags,
        summary: "Certificates of the organisation, newest first, a page at a time",
        querystring: CertificateListQuery,
        response: { 200: CertificateList, ...refusals },
      },
    },
    async (request) => {
      const { query } = request;
      const filter = {
        organisation: organisationOf(request),
        authorityId: query.ca_id ?? "",
        profile: query.profile ?? "",
        state: statusToProto(query.status),
        name: query.name ?? "",
        expiresBefore: query.expires_before === undefined ? undefined : new Date(query.expires_before),
        pageSize: query.page_size ?? 0,
        pageToken: query.page_token ?? "",
      };
      const page = await certificates.list(filter, onBehalfOf(request));
      return {
        certificates: page.certificates.map(certificateToJson),
        next_page_token: present(page.nextPageToken),
      };
    },
  );

  app.get(
    "/api/v1/certs/status/:cert_id",
    {
      schema: {
        tags,
        summary: "Whether a certificate is valid, revoked or expired",
        params: CertificateParams,
        querystring: Scope,
        response: { 200: CertificateStatusAnswer, ...refusals },
      },
    },
    async (request) => {
      const target = { organisation: organisationOf(request), certificateId: request.params.cert_id };
      const status = await certificates.getStatus(target, onBehalfOf(request));
      return {
        cert_id: status.certificateId,
        status: statusToJson(status.state),
        ...revocationToJson(status.revokedAt, status.revocationReason),
        expires_at: requiredTimestamp(status.notAfter, "not_after"),
      };
    },
  );

  app.get(
    "/api/v1/certs/:cert_id",
    {
      schema: {
        tags,
        summary: "One certificate with its chain: JSON, PEM chain or DER by Accept",
        params: CertificateParams,
        querystring: Scope,
        response: {
          200: {
            description: "The certificate",
            content: {
              "application/json": { schema: CertificateWithChain },
              [PEM_CHAIN]: raw("pem"),
              [PKIX_CERT]: raw("binary"),
            },
          },
          ...refusals,
        },
      },
    },
    async (request, reply) => {
      const target = { organisation: organisationOf(request), certificateId: request.params.cert_id };
      const answer = await certificates.get(target, onBehalfOf(request));
      reply.header("vary", "accept");
      if (accepts(request, PKIX_CERT)) {
        return reply.type(PKIX_CERT).send(Buffer.from(answer.certificate?.certificateDer ?? []));
      }
      const certificate = withChain(answer);
      if (accepts(request, PEM_CHAIN)) return reply.type(PEM_CHAIN).send(certificate.chain_pem);
      return reply.send(certificate);
    },
  );

  app.post(
    "/api/v1/certs/revoke/:cert_id",
    {
      schema: {
        tags,
        summary: "Revoke a certificate: for good, unless the reason is certificate_hold",
        params: CertificateParams,
        querystring: Scope,
        headers: IdempotencyHeaders,
        body: CertificateRevocation,
        response: { 200: Certificate, ...refusals },
      },
    },
    async (request) => {
      const { reason, invalidity_date } = request.body;
      const revocation = {
        requestId: requestIdOf(request),
        organisation: organisationOf(request),
        certificateId: request.params.cert_id,
        reason: reasonToProto(reason),
        invalidityDate: invalidity_date === undefined ? undefined : new Date(invalidity_date),
      };
      return certificateToJson(await certificates.revoke(revocation, onBehalfOf(request)));
    },
  );

  app.post(
    "/api/v1/certs/release/:cert_id",
    {
      schema: {
        tags,
        summary: "Release a certificate from a hold; any other revocation is for good",
        params: CertificateParams,
        querystring: Scope,
        headers: IdempotencyHeaders,
        response: { 200: Certificate, ...refusals },
      },
    },
    async (request) => {
      const certificateId = request.params.cert_id;
      const release = { requestId: requestIdOf(request), organisation: organisationOf(request), certificateId };
      return certificateToJson(await certificates.release(release, onBehalfOf(request)));
    },
  );
}
