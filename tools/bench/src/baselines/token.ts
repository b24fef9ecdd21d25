import { randomBytes } from "node:crypto";
import { createKeyPair, loadPkcs11, privateKeyOf, signNow, Token } from "@vcc-pki/hsm-gateway/token";
import { silentLogger } from "@vcc-pki/telemetry";
import { createTestToken } from "@vcc-pki/testkit/token";
import type { Clock } from "@vcc-pki/time";

export interface TokenLoad {
  /** Whether a session copy of the key signs, or the token's own object. */
  readonly copyable: boolean;
  readonly clock: Clock;
  readonly measureMs?: number;
}

/** P-256 signatures per second of a fresh software token in this process, one after another, through the gateway's own token layer: what
 *  is left when RPC, policy and ledger are taken away. */
export async function measureToken({ copyable, clock, measureMs = 2_000 }: TokenLoad): Promise<number> {
  const files = createTestToken("bench-bare");
  const pkcs11 = loadPkcs11({ module: files.modulePath, environment: { SOFTHSM2_CONF: files.confPath } });
  const { tokenLabel: label, pinFile } = files;
  const token = new Token({ pkcs11, label, pinFile, poolSize: 1, clock, log: silentLogger });
  try {
    const connection = await token.connect();
    const keyId = randomBytes(16).toString("hex");
    const algorithm = "ecdsa-p256-sha256";
    const specification = { keyId, label: "bench", keyAlgorithm: "ec-p256", signatureAlgorithms: [algorithm] } as const;
    await createKeyPair(connection, { ...specification, copyable });
    const privateKey = privateKeyOf(connection, keyId, copyable);
    const data = randomBytes(300);

    const startedAt = clock.monotonicMs();
    let count = 0;
    while (clock.monotonicMs() - startedAt < measureMs) {
      signNow(connection, privateKey, algorithm, data);
      count++;
    }
    return (count * 1_000) / (clock.monotonicMs() - startedAt);
  } finally {
    await token.close();
    files.destroy();
  }
}
