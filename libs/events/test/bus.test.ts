import { silentLogger } from "@vcc-pki/telemetry";
import { connectBus } from "../src/index.ts";
import { describeBus } from "./bus-conformance.ts";
import { startTestNats } from "./nats-server.ts";

describeBus("NATS JetStream", async () => {
  const nats = await startTestNats();
  const bus = connectBus({ servers: nats.servers, identity: nats.identity, name: "test", log: silentLogger });
  return {
    bus,
    goAway: () => nats.kill(),
    comeBack: () => nats.start(),
    async close() {
      await bus.close();
      await nats.destroy();
    },
  };
});
