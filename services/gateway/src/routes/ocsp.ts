import { PkiError } from "@vcc-pki/errors";
import type { AuthorityServiceDefinition, Issuer } from "@vcc-pki/proto/ca";
import type { StatusServiceDefinition } from "@vcc-pki/proto/ocsp";
import type { Remote } from "@vcc-pki/rpc";
import { type Certificate, equalBytes, isSignedBy, parseCertificate, pemDecode } from "@vcc-pki/x509";
import { z } from "zod";
import { OcspAnswer, OcspQuestion } from "../api/ocsp.ts";
import { type App, onBehalfOf } from "../http.ts";
import type { Responder } from "../responder.ts";
import { ocspStatusToJson } from "../wire/ocsp.ts";
import { integerOctets } from "../wire/values.ts";
import { raw, refusals } from "./documented.ts";

const OCSP_REQUEST = "application/ocsp-request";
const OCSP_RESPONSE = "application/ocsp-response";
/** The most the responder itself takes. */
const MAX_REQUEST_BYTES = 10 * 1024;
const BODY_LIMIT_BYTES = 64 * 1024;

/** A body of type application/ocsp-request (RFC 6960 appendix C.1), unparsed. */
const OcspRequest = z
  .instanceof(Buffer)
  .meta({ type: "string", format: "binary", description: "OCSPRequest of RFC 6960, DER, at most 10 KiB" });

export interface OcspRouteOptions {
  readonly responder: Responder;
  readonly status: Pick<Remote<StatusServiceDefinition>, "get">;
  readonly authorities: Pick<Remote<AuthorityServiceDefinition>, "listIssuers">;
}

/** Whether a certificate is good, for those who reach this door alone. As public as the responder behind it: whoever can name a
 *  certificate may know. No other route takes a body of this type. */
export function ocspRoute(app: App, { responder, status, authorities }: OcspRouteOptions): void {
  app.register(async (scope: App) => {
    scope.removeContentTypeParser("application/pkcs10");
    scope.addContentTypeParser(OCSP_REQUEST, { parseAs: "buffer" }, (_request, body, done) => done(null, body));
    scope.post(
      "/api/v1/ocsp",
      {
        bodyLimit: BODY_LIMIT_BYTES,
        schema: {
          tags: ["status"],
          summary: "Whether a certificate is good, revoked or unknown",
          description:
            "An OCSPRequest (application/ocsp-request) is answered by the responder of its issuer, signed; refusals are in band " +
            "(OCSPResponseStatus). A question in JSON is answered in JSON, unsigned.",
          body: { content: { "application/json": { schema: OcspQuestion }, [OCSP_REQUEST]: { schema: OcspRequest } } },
          response: {
            200: {
              description: "The status",
              content: { "application/json": { schema: OcspAnswer }, [OCSP_RESPONSE]: raw("binary") },
            },
            ...refusals,
          },
        },
      },
      async (request, reply) => {
        if (Buffer.isBuffer(request.body)) {
          return reply.type(OCSP_RESPONSE).send(await responder.ask(checkedSize(request.body)));
        }
        // Fastify checks nothing when there is no body at all.
        const question = OcspQuestion.safeParse(request.body);
        if (!question.success) throw new PkiError("REQUEST_MALFORMED", `send a JSON or ${OCSP_REQUEST} body`);
        const { authorityId, serialHex } = await nameOf(question.data, async () => {
          const { issuers } = await authorities.listIssuers({}, onBehalfOf(request));
          return issuers;
        });
        // Asked in our own name: what anybody may know, nobody is asked about.
        const answer = await status.get({ authorityId, serial: integerOctets(serialHex) });
        return reply.send(ocspStatusToJson(authorityId, serialHex, answer));
      },
    );
  });
}

function checkedSize(body: Buffer): Buffer {
  if (body.length === 0) throw new PkiError("REQUEST_MALFORMED", "the OCSP request is empty");
  if (body.length > MAX_REQUEST_BYTES) throw new PkiError("REQUEST_TOO_LARGE", "the OCSP request is too large");
  return body;
}

interface CertificateName {
  readonly authorityId: string;
  readonly serialHex: string;
}

async function nameOf(question: OcspQuestion, listIssuers: () => Promise<Issuer[]>): Promise<CertificateName> {
  if ("certificate" in question) {
    const certificate = readCertificate(question.certificate);
    const { authorityId } = issuerOf(certificate, await listIssuers());
    return { authorityId, serialHex: certificate.serialHex };
  }
  const [authorityId, serial] =
    "cert_id" in question ? question.cert_id.split(":") : [question.ca_id, question.serial_number];
  if (authorityId === undefined || serial === undefined) throw new Error("the schema admits no other question");
  return { authorityId, serialHex: serial.toLowerCase() };
}

/** Throws CERTIFICATE_MALFORMED unless the text is exactly one certificate. */
function readCertificate(text: string): Certificate {
  try {
    const [der, ...others] = pemDecode(text, "CERTIFICATE");
    if (der !== undefined && others.length === 0) return parseCertificate(der);
  } catch (cause) {
    throw new PkiError("CERTIFICATE_MALFORMED", "the certificate is malformed", { cause });
  }
  throw new PkiError("CERTIFICATE_MALFORMED", "expected exactly one PEM block CERTIFICATE");
}

/** Whoever signed it: a name alone would not do, for any authority may carry any name. Throws NOT_FOUND. */
function issuerOf(certificate: Certificate, issuers: readonly Issuer[]): Issuer {
  const issuer = issuers.find(({ certificateDer }) => {
    const { subject, spkiDer } = parseCertificate(certificateDer);
    return equalBytes(subject.der, certificate.issuer.der) && isSignedBy(certificate, spkiDer);
  });
  if (issuer === undefined) throw new PkiError("NOT_FOUND", "no authority of this suite has issued the certificate");
  return issuer;
}
