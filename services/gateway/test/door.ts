import type { AddressInfo } from "node:net";
import { PkiError } from "@vcc-pki/errors";
import { type Authority, AuthorityState, CertificateState, RevocationReason } from "@vcc-pki/proto/ca";
import { createDenyList, type IdentitySource, suiteId } from "@vcc-pki/rpc";
import { silentLogger, startTelemetry } from "@vcc-pki/telemetry";
import { createTestHierarchy, type TestAuthority, type TestCertificateOptions } from "@vcc-pki/testkit/hierarchy";
import { type Clock, systemClock } from "@vcc-pki/time";
import { onTestFinished } from "vitest";
import { createApp } from "../src/app.ts";
import { createClientIssuers } from "../src/client-issuers.ts";
import { createClientStatus } from "../src/client-status.ts";
import type { App } from "../src/http.ts";
import { createIdentify } from "../src/identity.ts";
import { createRateLimiter, type RateLimitOptions } from "../src/rate-limit.ts";
import { createStrangers, type StrangersOptions } from "../src/strangers.ts";
import { createTlsServer } from "../src/tls.ts";
import { type Knock, type Knocker, knock } from "./https.ts";
import { NO_LIMITS } from "./suite.ts";

export const OPERATOR = "spiffe://vcc.internal/org/vcc/admin/operator";

export const WORKLOAD = "spiffe://vcc.internal/org/brandenburg/service/argus";

export interface DoorOptions {
  readonly clock?: Clock;
  readonly rateLimit?: RateLimitOptions;
  readonly strangers?: StrangersOptions;
  readonly addRoutes?: (app: App) => void;
}

/** The door on a free port, with authorities of the test's own making so that a test can issue what no ca would. TLS lives by
 *  the machine's clock, everything after the handshake by `clock`. */
export async function newDoor({ clock = systemClock, rateLimit, strangers, addRoutes }: DoorOptions = {}) {
  const hierarchy = createTestHierarchy({ clock: systemClock });
  const adminCa = hierarchy.root.issueAuthority("VCC Admin CA", 0);
  const servicesCa = hierarchy.root.issueAuthority("VCC Services CA", 0);
  const platformCa = hierarchy.root.issueAuthority("VCC Platform CA", 0);
  const denyList = createDenyList();
  const state = {
    adminCa: AuthorityState.ACTIVE as AuthorityState,
    reachable: true,
    /** By certificate id: revoked, or never issued as far as the ca knows. */
    revoked: new Set<string>(),
    unknown: new Set<string>(),
  };

  const issuersOf = (authorityId: string, authority: () => Authority) =>
    createClientIssuers({
      authorities: {
        async get() {
          if (!state.reachable) throw new PkiError("PEER_UNAVAILABLE", "the ca is away");
          return authority();
        },
      },
      authorityIds: [authorityId],
      organisation: "vcc",
      refreshMs: 60_000,
      clock,
      log: silentLogger,
    });
  const issuers = {
    admin: issuersOf("vcc-admin-ca", () => authorityOf("vcc-admin-ca", adminCa, state.adminCa)),
    workload: issuersOf("vcc-services-ca", () => authorityOf("vcc-services-ca", servicesCa, AuthorityState.ACTIVE)),
  };
  const status = createClientStatus({
    certificates: {
      async getStatus({ certificateId }) {
        if (!state.reachable) throw new PkiError("PEER_UNAVAILABLE", "the ca is away");
        if (state.unknown.has(certificateId)) throw new PkiError("NOT_FOUND", "no such certificate");
        const isRevoked = state.revoked.has(certificateId);
        return {
          certificateId,
          state: isRevoked ? CertificateState.REVOKED : CertificateState.VALID,
          revokedAt: undefined,
          revocationReason: RevocationReason.UNSPECIFIED,
          notAfter: undefined,
        };
      },
    },
    refreshMs: 5_000,
    clock,
    log: silentLogger,
  });
  const identify = createIdentify({ issuers, status, denyList, trustDomain: "vcc.internal", clock });
  const serverIdentity = renewable(platformCa, hierarchy.trustPem);
  const app = createApp({
    createServer: (listener) => createTlsServer(serverIdentity, listener),
    identify,
    rateLimiter: createRateLimiter(rateLimit ?? { perSecond: 1000, burst: 1000 }, clock),
    strangers: createStrangers(strangers ?? NO_LIMITS, clock),
    log: silentLogger,
    telemetry: startTelemetry({ service: "gateway-test" }),
  });
  addRoutes?.(app);
  await app.listen({ host: "127.0.0.1", port: 0 });
  onTestFinished(() => app.close());
  const { port } = app.server.address() as AddressInfo;

  const issueAdmin = (options: TestCertificateOptions = {}): Issued =>
    adminCa.issue({ subjectAltNames: { uri: [OPERATOR] }, extendedKeyUsages: [CLIENT_AUTH], ...options });
  const issueWorkload = (options: TestCertificateOptions = {}): Issued =>
    servicesCa.issue({ subjectAltNames: { uri: [WORKLOAD] }, extendedKeyUsages: [CLIENT_AUTH], ...options });
  return {
    ...{ app, port, hierarchy, adminCa, platformCa, denyList, state, serverIdentity, issueAdmin, issueWorkload },
    admin: issueAdmin(),
    workload: issueWorkload(),
    knock: (options: Omit<Knock, "port" | "trustPem">) => knock({ port, trustPem: hierarchy.trustPem, ...options }),
  };
}

const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";

type Issued = Knocker & ReturnType<TestAuthority["issue"]>;

function authorityOf(authorityId: string, authority: TestAuthority, state: AuthorityState): Authority {
  const { der, notBefore, notAfter } = authority.certificate;
  return {
    authorityId,
    organisation: "vcc",
    parentId: "vcc-root-ca",
    state,
    subject: `CN=${authorityId}`,
    keyAlgorithm: "ec-p256",
    certificateDer: der,
    notBefore,
    notAfter,
    profiles: ["admin"],
    approvalId: "",
    createdAt: notBefore,
    token: "memory of the test",
  };
}

/** The gateway's own identity, as its renewal loop would replace it. */
function renewable(platformCa: TestAuthority, trustPem: string): IdentitySource & { renew(): string } {
  const listeners = new Set<() => void>();
  const issue = () =>
    platformCa.issue({ subjectAltNames: { uri: [suiteId("gateway")], dns: ["localhost"], ip: ["127.0.0.1"] } });
  let issued = issue();
  return {
    current: () => ({ keyPem: issued.keyPem, chainPem: issued.chainPem, trustPem }),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    renew() {
      issued = issue();
      for (const listener of listeners) listener();
      return issued.certificate.serialHex;
    },
  };
}
