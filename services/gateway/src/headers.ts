import type { App } from "./http.ts";

/** Of every answer: nothing is cached, sniffed, framed or run unless a route says otherwise. */
const SECURITY_HEADERS = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "strict-transport-security": "max-age=31536000",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
} as const;

/** Headers by which a proxy would name the client. We terminate TLS ourselves, so whoever sends one is not to be believed:
 *  they are removed before any code can see them. */
const FORWARDED_IDENTITY =
  /^(x-client-cert(ificate)?|x-ssl-client-.*|x-forwarded-.*|forwarded|client-cert(-chain)?|ssl-client-.*|x-user-.*|x-remote-user|x-pki-.*)$/;

export function addSecurityHeaders(app: App): void {
  app.addHook("onRequest", async (request, reply) => {
    reply.headers(SECURITY_HEADERS);
    for (const name of Object.keys(request.raw.headers)) {
      if (FORWARDED_IDENTITY.test(name)) delete request.raw.headers[name];
    }
  });
}
