import { defineService } from "@vcc-pki/service";
import { openStore } from "@vcc-pki/store";
import { HsmGatewayConfig } from "./config.ts";
import { startGateway } from "./gateway.ts";
import { loadPkcs11 } from "./pkcs11.ts";

/** CRLs are signed whole. */
const MAX_RECEIVE_BYTES = 64 * 1024 * 1024;

/** The hsm-gateway: the only process with keys. */
export const hsmGateway = defineService({
  name: "hsm-gateway",
  config: HsmGatewayConfig,
  async start(config, { clock, log, telemetry }) {
    const pkcs11 = loadPkcs11(config.token);
    const store = openStore({ ...config.store, migrations: MIGRATIONS, clock });
    const { meter } = telemetry;
    try {
      const gateway = await startGateway({ config, trustDomain: config.trustDomain, pkcs11, store, clock, log, meter });
      return { ...gateway, store, limits: { maxReceiveBytes: MAX_RECEIVE_BYTES } };
    } catch (error) {
      await store.close();
      throw error;
    }
  },
});

const MIGRATIONS = new URL("../migrations/", import.meta.url);
