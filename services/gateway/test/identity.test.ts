import { Agent, request } from "node:https";
import { connect, type TLSSocket } from "node:tls";
import { AuthorityState } from "@vcc-pki/proto/ca";
import { fakeClock } from "@vcc-pki/testkit/clock";
import { createTestHierarchy } from "@vcc-pki/testkit/hierarchy";
import { systemClock } from "@vcc-pki/time";
import { buildName, parseCertificate } from "@vcc-pki/x509";
import { describe, expect, it } from "vitest";
import { addressOf, FOR_ANYONE, FOR_WORKLOADS_TOO } from "../src/http.ts";
import { createStrangers } from "../src/strangers.ts";
import { type DoorOptions, newDoor, OPERATOR, WORKLOAD } from "./door.ts";

/** Any path does: who asks is looked at before what is asked for. */
const path = "/api/v1/ca/list";
/** One that workloads may use. */
const openPath = "/api/v1/tsa/status";
const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";
const inDoor = (addRoutes?: Parameters<typeof newDoor>[0]) =>
  newDoor({
    ...addRoutes,
    addRoutes: (app) => {
      app.get(path, async (asked) => ({ you: asked.requester.uri }));
      app.get(openPath, { config: FOR_WORKLOADS_TOO }, async (asked) => ({ you: asked.requester.uri }));
    },
  });

describe("who gets through the door", () => {
  it("an administrator", async () => {
    const { knock, admin } = await inDoor();
    const answer = await knock({ path, as: admin });
    expect([answer.status, answer.json()]).toEqual([200, { you: OPERATOR }]);
  });

  it("a workload, where a route is for it, and nowhere else", async () => {
    const door = await inDoor();
    const { knock, workload, admin } = door;
    const answer = await knock({ path: openPath, as: workload });
    expect([answer.status, answer.json()]).toEqual([200, { you: WORKLOAD }]);
    expect((await knock({ path: openPath, as: admin })).status).toBe(200);
    for (const closed of [path, "/nothing/here"]) {
      const refused = await knock({ path: closed, as: workload });
      expect([refused.status, refused.json().code]).toEqual([403, "CALLER_NOT_ALLOWED"]);
    }
  });

  it("no workload's name from the Admin CA, no admin's name from the Services CA", async () => {
    const door = await inDoor();
    const impostors = [
      door.issueAdmin({ subjectAltNames: { uri: [WORKLOAD] } }),
      door.issueWorkload({ subjectAltNames: { uri: [OPERATOR] } }),
    ];
    for (const as of impostors) {
      const refused = await door.knock({ path: openPath, as });
      expect([refused.status, refused.json().code]).toEqual([403, "CALLER_NOT_ALLOWED"]);
    }
  });

  it("no workload that is revoked at the ca", async () => {
    const door = await inDoor();
    door.state.revoked.add(`vcc-services-ca:${door.workload.certificate.serialHex}`);
    const refused = await door.knock({ path: openPath, as: door.workload });
    expect([refused.status, refused.json().code]).toEqual([401, "CALLER_REVOKED"]);
  });

  it("nobody without a certificate, on any path but those that are open", async () => {
    const { knock } = await inDoor();
    for (const closed of [path, openPath, "/nothing/here"]) {
      const refused = await knock({ path: closed });
      expect([refused.status, refused.json().code]).toEqual([401, "CALLER_UNAUTHENTICATED"]);
      expect(refused.headers.connection).toBe("close");
    }
  });

  it("nobody from a foreign root, whatever the names say", async () => {
    const { knock } = await inDoor();
    const foreign = createTestHierarchy({ clock: systemClock }).root.issueAuthority("VCC Admin CA", 0);
    const impostor = foreign.issue({ subjectAltNames: { uri: [OPERATOR] }, extendedKeyUsages: [CLIENT_AUTH] });
    for (const closed of [path, openPath]) {
      const refused = await knock({ path: closed, as: impostor });
      expect([refused.status, refused.json().code]).toEqual([401, "CALLER_UNAUTHENTICATED"]);
    }
  });

  it("nobody with a certificate that has expired", async () => {
    const { knock, issueAdmin } = await inDoor();
    const past = (days: number) => new Date(Date.now() - days * 86_400_000);
    const as = issueAdmin({ notBefore: past(3), notAfter: past(2) });
    const refused = await knock({ path, as });
    expect([refused.status, refused.json().code]).toEqual([401, "CALLER_UNAUTHENTICATED"]);
  });

  it("nobody with TLS 1.2", async () => {
    const { knock, admin } = await inDoor();
    await expect(knock({ path, as: admin, tls: { maxVersion: "TLSv1.2" } })).rejects.toThrow();
  });

  const problemOf = async (door: Awaited<ReturnType<typeof inDoor>>, as: Parameters<typeof door.knock>[0]["as"]) => {
    const answer = await door.knock({ path, as });
    expect(answer.headers["content-type"]).toContain("application/problem+json");
    return [answer.status, answer.json().code];
  };

  it("no workload and no service of the suite", async () => {
    const door = await inDoor();
    for (const uri of ["spiffe://vcc.internal/org/brandenburg/service/argus", "spiffe://vcc.internal/pki/ca"]) {
      const as = door.issueAdmin({ subjectAltNames: { uri: [uri] } });
      expect(await problemOf(door, as)).toEqual([403, "CALLER_NOT_ALLOWED"]);
    }
  });

  it("no admin name from another authority of ours", async () => {
    const door = await inDoor();
    const as = door.platformCa.issue({ subjectAltNames: { uri: [OPERATOR] }, extendedKeyUsages: [CLIENT_AUTH] });
    expect(await problemOf(door, as)).toEqual([403, "CALLER_NOT_ALLOWED"]);
  });

  it("no authority that merely bears the Admin CA's name", async () => {
    const door = await inDoor();
    const twin = door.hierarchy.root.issueAuthority("VCC Admin CA", 0);
    const as = twin.issue({ subjectAltNames: { uri: [OPERATOR] }, extendedKeyUsages: [CLIENT_AUTH] });
    expect(await problemOf(door, as)).toEqual([403, "CALLER_NOT_ALLOWED"]);
  });

  it.each([
    ["two URI names", { subjectAltNames: { uri: [OPERATOR, `${OPERATOR}2`] } }],
    [
      "the name in the CN only",
      { subjectAltNames: { dns: ["a.vcc.internal"] }, subject: buildName([["CN", OPERATOR]]) },
    ],
    ["a name of another trust domain", { subjectAltNames: { uri: ["spiffe://evil.example/org/vcc/admin/operator"] } }],
    ["no extended key usage", { extendedKeyUsages: [] }],
  ])("nobody with %s", async (_what, options) => {
    const door = await inDoor();
    expect(await problemOf(door, door.issueAdmin(options))).toEqual([401, "CALLER_UNAUTHENTICATED"]);
  });

  it("no server certificate", async () => {
    const door = await inDoor();
    const as = door.issueAdmin({ extendedKeyUsages: [SERVER_AUTH] });
    expect(await problemOf(door, as)).toEqual([401, "CALLER_UNAUTHENTICATED"]);
  });

  it("nobody revoked", async () => {
    const door = await inDoor();
    const as = door.issueAdmin();
    const { serialHex, authorityKeyIdentifier = new Uint8Array() } = as.certificate;
    door.denyList.deny({ serialHex, issuerKeyId: Buffer.from(authorityKeyIdentifier).toString("hex") });
    expect(await problemOf(door, as)).toEqual([401, "CALLER_REVOKED"]);
    expect((await door.knock({ path, as: door.admin })).status).toBe(200);
  });

  it("nobody revoked at the ca, without any push, and nobody whom the ca never issued a certificate", async () => {
    const clock = fakeClock(new Date());
    const door = await inDoor({ clock });
    for (const list of [door.state.revoked, door.state.unknown]) {
      const as = door.issueAdmin();
      expect((await door.knock({ path, as })).status).toBe(200);
      list.add(`vcc-admin-ca:${as.certificate.serialHex}`);
      clock.advance(5_000);
      expect(await problemOf(door, as)).toEqual([401, "CALLER_REVOKED"]);
      door.state.reachable = false;
      clock.advance(5_000);
      expect(await problemOf(door, as)).toEqual([401, "CALLER_REVOKED"]);
      door.state.reachable = true;
    }
  });

  it("nobody once the Admin CA itself is revoked", async () => {
    const door = await inDoor();
    door.state.adminCa = AuthorityState.REVOKED;
    expect(await problemOf(door, door.admin)).toEqual([403, "CALLER_NOT_ALLOWED"]);
  });

  it("who asks is learned before what: an unknown path tells a stranger nothing", async () => {
    const door = await inDoor();
    const as = door.platformCa.issue({ subjectAltNames: { uri: ["spiffe://vcc.internal/pki/ca"] } });
    const answer = await door.knock({ path: "/nothing/here", as });
    expect(answer.json().code).toBe("CALLER_NOT_ALLOWED");
    expect((await door.knock({ path: "/nothing/here", as: door.admin })).json().code).toBe("METHOD_UNKNOWN");
  });
});

describe("an open connection", () => {
  const onOneConnection = (door: Awaited<ReturnType<typeof inDoor>>) => {
    const { keyPem: key, chainPem: cert } = door.admin;
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: door.hierarchy.trustPem, key, cert });
    const sockets = new Set<unknown>();
    const ask = () =>
      new Promise<number>((resolve, reject) => {
        const asking = request({ host: "localhost", port: door.port, path, agent }, (response) => {
          response.resume().once("end", () => resolve(response.statusCode ?? 0));
        });
        asking
          .once("socket", (socket) => sockets.add(socket))
          .once("error", reject)
          .end();
      });
    return { ask, sockets, agent };
  };

  it("ends with the certificate, not with the connection", async () => {
    const clock = fakeClock(new Date());
    const door = await inDoor({ clock });
    const { ask, sockets, agent } = onOneConnection(door);
    expect(await ask()).toBe(200);
    const { notAfter } = door.admin.certificate;
    clock.step(notAfter.getTime() - clock.now().getTime());
    expect(await ask()).toBe(200);
    clock.step(1000);
    expect(await ask()).toBe(401);
    expect(sockets.size).toBe(1);
    agent.destroy();
  });

  it("ends with a revocation", async () => {
    const door = await inDoor();
    const { ask, sockets, agent } = onOneConnection(door);
    expect(await ask()).toBe(200);
    const { serialHex, authorityKeyIdentifier = new Uint8Array() } = door.admin.certificate;
    door.denyList.deny({ serialHex, issuerKeyId: Buffer.from(authorityKeyIdentifier).toString("hex") });
    expect(await ask()).toBe(401);
    expect(sockets.size).toBe(1);
    agent.destroy();
  });
});

describe("when the ca is away", () => {
  it("nobody is let in before the authorities are known, and known ones last while it is away", async () => {
    const clock = fakeClock(new Date());
    const door = await inDoor({ clock });
    door.state.reachable = false;
    expect((await door.knock({ path, as: door.admin })).status).toBe(503);
    door.state.reachable = true;
    expect((await door.knock({ path, as: door.admin })).status).toBe(200);
    door.state.reachable = false;
    clock.advance(120_000);
    expect((await door.knock({ path, as: door.admin })).status).toBe(200);
  });
});

describe("TLS", () => {
  const dial = (door: Awaited<ReturnType<typeof inDoor>>, options: object) =>
    new Promise<TLSSocket>((resolve, reject) => {
      const { port, hierarchy } = door;
      const base = { host: "localhost", servername: "localhost", port, ca: hierarchy.trustPem };
      const socket = connect({ ...base, ...options }, () => resolve(socket));
      socket.once("error", reject);
    });

  it("does not resume a session: who comes back without a certificate is refused", async () => {
    const door = await inDoor();
    const { keyPem: key, chainPem: cert } = door.admin;
    const first = await dial(door, { key, cert });
    const sessions: Buffer[] = [];
    first.on("session", (session) => sessions.push(session));
    first.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
    const answer = (await first.toArray()).join("");
    expect(answer).toContain("200 OK");

    const session = sessions.at(-1) ?? first.getSession();
    const second = await dial(door, { session });
    expect(second.isSessionReused()).toBe(false);
    second.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
    expect((await second.toArray()).join("")).toContain("401 Unauthorized");
  });

  it("shows a renewed identity to the next connection and keeps the open ones", async () => {
    const door = await inDoor();
    const { keyPem: key, chainPem: cert } = door.admin;
    const before = await dial(door, { key, cert });
    const serial = door.serverIdentity.renew();
    const after = await dial(door, { key, cert });
    const shown = after.getPeerX509Certificate()?.raw;
    expect(shown && parseCertificate(shown).serialHex).toBe(serial);
    before.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
    expect((await before.toArray()).join("")).toContain("200 OK");
    after.destroy();
    await expect(dial(door, { key, cert, maxVersion: "TLSv1.2" })).rejects.toThrow();
    expect((await door.knock({ path })).status).toBe(401);
  });
});

describe("a route that is open to anyone", () => {
  const forAnyone = "/api/v1/enrol";
  const strangers = { perAddress: { perSecond: 1, burst: 2 }, together: { perSecond: 1, burst: 3 } };
  const open = (options?: DoorOptions) =>
    newDoor({
      ...options,
      addRoutes: (app) => {
        app.get(forAnyone, { config: FOR_ANYONE }, async (asked) => ({
          from: addressOf(asked),
          who: asked.requester ?? null,
        }));
      },
    });

  it("asks nobody who it is, and believes no certificate", async () => {
    const door = await open();
    const foreign = createTestHierarchy({ clock: systemClock }).root.issue({ subjectAltNames: { uri: [OPERATOR] } });
    for (const as of [undefined, door.admin, foreign]) {
      const answer = await door.knock({ path: forAnyone, as });
      expect([answer.status, answer.json()]).toEqual([
        200,
        { from: expect.stringMatching(/^127\.0\.0\.1$|^::1$/), who: null },
      ]);
    }
    const other = await door.knock({ path: forAnyone, method: "DELETE" });
    expect([other.status, other.json().code]).toEqual([401, "CALLER_UNAUTHENTICATED"]);
  });

  it("is asked by nobody without end, and clients do not wait for strangers", async () => {
    const door = await open({ strangers, clock: fakeClock(new Date()) });
    const answers = [];
    for (let i = 0; i < 3; i++) answers.push((await door.knock({ path: forAnyone })).status);
    expect(answers).toEqual([200, 200, 429]);
    expect((await door.knock({ path: "/nothing/here", as: door.admin })).status).toBe(404);
  });

  it("counts strangers by address, and all together", () => {
    const clock = fakeClock(new Date());
    const counted = createStrangers(strangers, clock);
    expect([counted.take("10.0.0.1"), counted.take("10.0.0.1")]).toEqual([0, 0]);
    expect(counted.take("10.0.0.1")).toBeGreaterThan(0);
    expect(counted.take("2001:db8:1:2::1")).toBe(0);
    expect(counted.take("2001:db8:1:2::2")).toBeGreaterThan(0);
    expect(counted.take("10.0.0.2")).toBeGreaterThan(0);
    clock.advance(1_000);
    expect(counted.take("10.0.0.2")).toBe(0);
  });
});
