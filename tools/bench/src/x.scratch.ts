import { mkdtempSync } from "node:fs";
import { hsmStream } from "./benches/hsm-stream.ts";
import { describeMachine } from "./machine.ts";
import { buildReport, renderTable } from "./report.ts";

const workDirectory = mkdtempSync("/tmp/pkib-");
const f = await hsmStream.run({
  runs: Number(process.argv[2] ?? 1),
  workDirectory,
  progress: (m) => console.error(" ", m),
});
console.log(renderTable(buildReport("hsm-stream", describeMachine(), f)));
