import { randomUUID } from "node:crypto";
import { type GetCrlRequest, type GetCrlResponse, RevocationReason } from "@vcc-pki/proto/ca";
import { type CertificateList, parseCertificateList } from "@vcc-pki/x509";
import { type CaHarness, newCa } from "./harness.ts";
import { openSsl } from "./openssl.ts";

/** Whose certificates may be put on hold. */
export const AUTHORITY = "vcc-admin-ca";

export type Issued = Awaited<ReturnType<CaHarness["issue"]>>;
const idOf = ({ certificate }: Issued) => certificate?.certificateId ?? "";
export const entryOf = (crl: CertificateList, { certificate }: Issued) => crl.findRevoked(certificate?.serialHex ?? "");

export type Lists = Awaited<ReturnType<typeof newLists>>;

/** A ca that has signed every kind of list once, and what a test does with them. Full lists live for four hours. */
export async function newLists() {
  const suite = await newCa({
    authorities: [AUTHORITY, "vcc-code-signing-ca", "vcc-external-orgs-ca", "vcc-services-ca", "vcc-platform-ca"],
    config: { crl: { shards: { "vcc-services-ca": 3 }, validity: "4h" } },
  });
  const tool = openSsl();

  const get = async (fields: Partial<GetCrlRequest> = {}) =>
    (await suite.as("ocsp", undefined).crls.get({ authorityId: AUTHORITY, shard: 0, delta: false, ...fields })).crlDer;
  const list = async (fields: Partial<GetCrlRequest> = {}) => parseCertificateList(await get(fields));

  async function chores(): Promise<void> {
    suite.clock.advance(1_000);
    await suite.ca.runChores();
  }

  const revoke = (issued: Issued, reason: RevocationReason = RevocationReason.SUPERSEDED, fields: object = {}) =>
    suite.as().certificates.revoke({
      ...{ requestId: randomUUID(), organisation: issued.certificate?.organisation ?? "", certificateId: idOf(issued) },
      ...{ reason, invalidityDate: undefined, ...fields },
    });

  /** What OpenSSL says about the certificate with these lists and the root's: "OK" or the error. */
  async function judge(issued: Issued, ...lists: Uint8Array[]): Promise<string> {
    const { rootsDer } = await suite.as().authorities.getTrustBundle({});
    const [leaf = new Uint8Array(), ...chain] = issued.chainDer;
    tool.pem("root.pem", "CERTIFICATE", ...rootsDer);
    tool.pem("chain.pem", "CERTIFICATE", ...chain);
    tool.pem("lists.pem", "X509 CRL", await get({ authorityId: "vcc-root-ca" }), ...lists);
    const file = tool.pem("leaf.pem", "CERTIFICATE", leaf);
    const flags = ["-x509_strict", "-crl_check_all", "-extended_crl", "-use_deltas"];
    const time = ["-attime", String(Math.floor(suite.clock.now().getTime() / 1_000))];
    const files = ["-CAfile", "root.pem", "-untrusted", "chain.pem", "-CRLfile", "lists.pem"];
    try {
      return tool.run("verify", ...flags, ...time, ...files, file).includes("OK") ? "OK" : "?";
    } catch (error) {
      return /error \d+ at \d+ depth lookup: (.*)/.exec(String((error as { stderr: string }).stderr))?.[1] ?? "?";
    }
  }

  await publishRoot(suite);
  await suite.ca.runChores();
  await chores();
  return {
    ...{ suite, get, list, chores, revoke, judge },
    both: async (fields: Partial<GetCrlRequest> = {}) =>
      [await list(fields), await list({ ...fields, delta: true })] as const,
    administrator: () =>
      suite.issue({
        ...{ profile: "admin", organisation: "vcc" },
        names: { uri: ["spiffe://vcc.internal/org/vcc/admin/anna"] },
      }),
    hold: (issued: Issued) => revoke(issued, RevocationReason.CERTIFICATE_HOLD),
    release: (issued: Issued) =>
      suite.as().certificates.release({ requestId: randomUUID(), organisation: "vcc", certificateId: idOf(issued) }),
    async close() {
      tool.close();
      await suite.close();
    },
  };
}

async function publishRoot(suite: CaHarness): Promise<GetCrlResponse> {
  const request = { requestId: randomUUID(), organisation: "vcc", authorityId: "vcc-root-ca", ahead: 1 };
  const wait = await suite
    .as()
    .crls.publish(request)
    .catch((error) => error);
  await suite.approve(wait.details.approvalId);
  return suite.as().crls.publish(request);
}
