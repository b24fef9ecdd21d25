import { defaultHomeDirectory, type Home } from "./home.ts";

const GATEWAY_PORT = 8443;
const STATUS_PORT = 8081;
const TIME_PORT = 8082;

/** What a person may want to do next. */
export function whereToLook({ home, portOffset }: { readonly home: Home; readonly portOffset: number }): string {
  const door = `https://localhost:${GATEWAY_PORT + portOffset}`;
  const status = `http://127.0.0.1:${STATUS_PORT + portOffset}`;
  const time = `http://127.0.0.1:${TIME_PORT + portOffset}`;
  const { operator, trust } = home;
  const elsewhere = home.directory === defaultHomeDirectory() ? [] : [`  first     export PKI_HOME=${home.directory}`];
  return [
    "The suite is up.",
    ...elsewhere,
    "  look      ./pki status      ./pki ca tree      ./pki cert list      ./pki events tail      ./pki logs -f",
    "  issue     ./pki cert issue --profile mtls_service --name NAME.vcc.internal --key-out key.pem --out cert.pem",
    `  browse    ${door}/api/docs   (asks for the client certificate ${operator.chain})`,
    `  or        curl --cert ${operator.chain} --key ${operator.key} --cacert ${trust.root} ${door}/api/v1/health`,
    `  status    ${status}/ocsp   ${status}/crl/vcc-services-ca/0.crl   ${status}/trust/bundle-with-crls.pem`,
    `  time      openssl ts -query -data FILE -cert | curl -sH 'Content-Type: application/timestamp-query' --data-binary @- ${time}/tsa`,
    "  all       ./pki help",
  ].join("\n");
}
