// A supervisor of three children in a process of its own, for tests that kill it: prints the children's pids as JSON
// once all are ready.
import { join } from "node:path";
import { systemClock } from "@vcc-pki/time";
import { Supervisor } from "../src/supervisor.ts";
import { childSpec } from "./harness.ts";

const directory = process.argv[2] ?? "";
const supervisor = new Supervisor({
  specs: [
    childSpec(directory, "token"),
    childSpec(directory, "ca", { after: ["token"] }),
    childSpec(directory, "stubborn", { behaviour: "stubborn" }),
  ],
  logPath: (name) => join(directory, `${name}.log`),
  clock: systemClock,
  report: () => undefined,
});
await supervisor.start();
console.log(JSON.stringify(supervisor.snapshots().map(({ pid }) => pid)));
