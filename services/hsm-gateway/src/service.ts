import { defineService } from "@vcc-pki/service";
import { openStore } from "@vcc-pki/store";
import { HsmGatewayConfig } from "./config.ts";
import { startGateway } from "./gateway.ts";
import { loadPkcs11 } from "./pkcs11.ts";
import { SigningThread } from "./signing-thread.ts";

/** A CRL comes whole, as one request. */
const MAX_RECEIVE_BYTES = 64 * 1024 * 1024;

const MIGRATIONS = new URL("../migrations/", import.meta.url);

/** The hsm-gateway: the only process with keys. */
export const hsmGateway = defineService({
  name: "hsm-gateway",
  config: HsmGatewayConfig,
  async start(config, { clock, log, telemetry }) {
    const pkcs11 = loadPkcs11(config.token);
    const store = openStore({ ...config.store, migrations: MIGRATIONS, clock });
    const { trustDomain } = config;
    const thread = new SigningThread(config.token.module);
    try {
      const gateway = await startGateway({ config, trustDomain, pkcs11, thread, store, clock, log, telemetry });
      return {
        ...gateway,
        ...{ store, limits: { maxReceiveBytes: MAX_RECEIVE_BYTES } },
        async close() {
          await gateway.close();
          await store.close();
        },
      };
    } catch (error) {
      await store.close();
      throw error;
    }
  },
});
