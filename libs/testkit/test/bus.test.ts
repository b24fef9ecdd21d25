import { describeBus } from "@vcc-pki/events/conformance";
import { inMemoryBus } from "../src/bus.ts";

describeBus("in memory", async () => {
  const bus = inMemoryBus();
  return { bus, goAway: async () => bus.goAway(), comeBack: async () => bus.comeBack(), close: () => bus.close() };
});
