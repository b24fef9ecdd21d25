import type { Home } from "./home.ts";

const GATEWAY_PORT = 8443;

/** What a person may want to do next. */
export function whereToLook({ home, portOffset }: { readonly home: Home; readonly portOffset: number }): string {
  const door = `https://localhost:${GATEWAY_PORT + portOffset}`;
  return `The suite is up.
  REST      ${door}/api/docs   (client certificate required: ${home.operator.chain})
            curl --cert ${home.operator.chain} --key ${home.operator.key} --cacert ${home.trust.root} ${door}/api/v1/health
  look      ./pki status        ./pki ca tree        ./pki cert list        ./pki events tail
  issue     ./pki cert issue --profile mtls_service --name NAME.vcc.internal --key-out key.pem --out cert.pem
  logs      ./pki logs          ${home.log("*")}
  all       ./pki help`;
}
