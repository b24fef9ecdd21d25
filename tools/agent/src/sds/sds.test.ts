import type { DiscoveryRequest } from "@vcc-pki/proto/envoy-discovery";
import { Secret } from "@vcc-pki/proto/envoy-secret";
import { silentLogger } from "@vcc-pki/telemetry";
import { describe, expect, it } from "vitest";
import { sdsHandlers } from "./sds.ts";
import { offeredTo, Secrets } from "./secrets.ts";

const TYPE = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";
const material = (word: string) => ({ chainPem: `chain ${word}`, keyPem: `key ${word}`, bundlePem: "roots" });
const ask = (names: string[], more: Partial<DiscoveryRequest> = {}): DiscoveryRequest => ({
  ...{ versionInfo: "", node: { id: "envoy", cluster: "test" }, resourceNames: names, typeUrl: TYPE },
  ...{ responseNonce: "", errorDetail: undefined, ...more },
});

/** A stream whose requests the test writes one by one. */
function newStream() {
  const secrets = new Secrets();
  const layout = offeredTo(secrets, ["argus", "spiffe://vcc.internal/org/brandenburg/service/argus"], "vcc.internal");
  const queue: DiscoveryRequest[] = [];
  let wake = () => {};
  const end = new AbortController();
  async function* requests() {
    while (!end.signal.aborted) {
      const next = queue.shift();
      if (next) yield next;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  const answers = sdsHandlers(secrets, silentLogger).streamSecrets(requests(), { signal: end.signal });
  const iterator = answers[Symbol.asyncIterator]();
  return {
    layout,
    say(request: DiscoveryRequest) {
      queue.push(request);
      wake();
    },
    next: async () => {
      const { value } = await iterator.next();
      const found = value.resources.map(({ value: bytes }: { value: Uint8Array }) => Secret.decode(bytes));
      return { nonce: value.nonce, version: value.versionInfo, names: found.map(({ name }: Secret) => name), found };
    },
  };
}

describe("secrets for Envoy", () => {
  it("come when they are asked for, and again when they change", async () => {
    const { layout, say, next } = newStream();
    layout.install(material("one"));
    say(ask(["argus"]));
    const first = await next();
    expect(first.names).toEqual(["argus"]);
    expect(first.found[0].type).toMatchObject({
      $case: "tlsCertificate",
      value: { privateKey: { specifier: { value: expect.objectContaining(Buffer.from("key one")) } } },
    });
    say(ask(["argus"], { responseNonce: first.nonce, versionInfo: first.version }));
    layout.install(material("two"));
    const second = await next();
    expect(second.version).not.toBe(first.version);
    expect(second.nonce).not.toBe(first.nonce);
  });

  it("are waited for when there are none yet", async () => {
    const { layout, say, next } = newStream();
    say(ask(["ROOTCA"]));
    const answer = next();
    layout.install(material("one"));
    expect((await answer).found[0].type.$case).toBe("validationContext");
  });

  it("are not sent again to one that refuses them, until there are others", async () => {
    const { layout, say, next } = newStream();
    layout.install(material("bad"));
    say(ask(["argus"]));
    const bad = await next();
    say(ask(["argus"], { responseNonce: bad.nonce, errorDetail: { code: 3, message: "no key" } }));
    const later = next();
    layout.install(material("good"));
    expect((await later).version).not.toBe(bad.version);
  });

  it("go back with a certificate that did not work out", async () => {
    const { layout, say, next } = newStream();
    expect(layout.restore()).toBe(false);
    layout.install(material("one"));
    layout.settle();
    say(ask(["argus"]));
    const first = await next();
    layout.install(material("two"));
    await next();
    expect(layout.restore()).toBe(true);
    expect((await next()).version).toBe(first.version);
  });

  it("are fetched once, or there are none", async () => {
    const secrets = new Secrets();
    const { fetchSecrets } = sdsHandlers(secrets, silentLogger);
    const { signal } = new AbortController();
    await expect(fetchSecrets(ask(["argus"]), { signal })).rejects.toEqual(
      expect.objectContaining({ code: "NOT_FOUND" }),
    );
    offeredTo(secrets, ["argus"], "vcc.internal").install(material("one"));
    expect((await fetchSecrets(ask(["argus", "spiffe://vcc.internal"]), { signal })).resources).toHaveLength(2);
    const other = ask(["argus"], { typeUrl: "type.googleapis.com/envoy.config.cluster.v3.Cluster" });
    await expect(fetchSecrets(other, { signal })).rejects.toEqual(
      expect.objectContaining({ code: "REQUEST_MALFORMED" }),
    );
  });
});
