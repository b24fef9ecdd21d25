import { createHash } from "node:crypto";
import { Secret } from "@vcc-pki/proto/envoy-secret";
import type { Layout, Material } from "../layout.ts";

/** What is offered under one name. */
export interface OfferedSecret {
  /** Changes with the secret, and only then. */
  readonly version: string;
  /** envoy.extensions.transport_sockets.tls.v3.Secret. */
  readonly bytes: Uint8Array;
}

/** The secrets that Envoy may ask for: for each identity its certificate under its name and under its SPIFFE id, and the roots under "ROOTCA" and
 *  the id of the trust domain. In memory only. */
export class Secrets {
  readonly #offered = new Map<string, OfferedSecret>();
  readonly #listeners = new Set<() => void>();

  find(name: string): OfferedSecret | undefined {
    return this.#offered.get(name);
  }

  /** Told after every change; returns what ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  offer(names: readonly string[], { chainPem, keyPem, bundlePem }: Material, trustDomain: string): void {
    const tlsCertificate = { certificateChain: inline(chainPem), privateKey: inline(keyPem) };
    for (const name of names) this.#set(name, { $case: "tlsCertificate", value: tlsCertificate });
    for (const name of ["ROOTCA", `spiffe://${trustDomain}`]) {
      this.#set(name, { $case: "validationContext", value: { trustedCa: inline(bundlePem) } });
    }
    for (const listener of this.#listeners) listener();
  }

  #set(name: string, type: Secret["type"]): void {
    const bytes = Secret.encode({ name, type }).finish();
    const version = createHash("sha256").update(bytes).digest("hex").slice(0, 16);
    this.#offered.set(name, { version, bytes });
  }
}

const inline = (pem: string) => ({
  specifier: { $case: "inlineBytes" as const, value: new Uint8Array(Buffer.from(pem)) },
});

/** One identity's place among the secrets, as a layout: what is put there is offered at once, and taken back when it does not work out. */
export function offeredTo(secrets: Secrets, names: readonly string[], trustDomain: string): Layout {
  let current: Material | undefined;
  let settled: Material | undefined;
  const offer = (material: Material) => {
    current = material;
    secrets.offer(names, material, trustDomain);
  };
  return {
    holds: (material) =>
      current !== undefined &&
      current.chainPem === material.chainPem &&
      current.keyPem === material.keyPem &&
      current.bundlePem === material.bundlePem,
    install: offer,
    settle() {
      settled = current;
    },
    restore() {
      if (settled === undefined) return false;
      offer(settled);
      return true;
    },
    recover() {},
  };
}
