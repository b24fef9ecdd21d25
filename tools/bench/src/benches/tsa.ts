import { startSuite } from "@vcc-pki/suite-tool";
import type { Bench } from "../bench.ts";
import { measureBulk } from "../time-stamps/bulk.ts";
import { timestampService } from "../time-stamps/questions.ts";
import { measureStamping } from "../time-stamps/stamping.ts";
import { measureVerifying } from "../time-stamps/verifying.ts";

/** Time stamps of a running suite: one by one over HTTP, in bulk and verified over gRPC. Its unit is the development suite's, marked "test",
 *  whose clock nobody vouches for; every token goes the same way as any other. */
export const tsa: Bench = {
  name: "tsa",
  summary: "time-stamp tokens over HTTP, in bulk and verified; openssl ts -reply and the bare token beside them",
  needs: ["wrk"],
  async run(context) {
    context.progress("starting a suite");
    const suite = await startSuite(context.workDirectory);
    try {
      const service = timestampService(suite);
      return [
        ...(await measureStamping(context, suite)),
        ...(await measureBulk(context, service)),
        ...(await measureVerifying(context, service)),
      ];
    } finally {
      await suite.stop();
    }
  },
};
