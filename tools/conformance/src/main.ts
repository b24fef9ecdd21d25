import { parseArgs } from "node:util";
import { CANDIDATES, runConformance } from "./run.ts";

const USAGE = `./pki conformance [--only JUDGE]… [--json]

Issues certificates of every profile and key type, CRLs, OCSP responses, time stamps and signatures through the real services, and shows them,
and corrupted variants of them, to tools that nobody here wrote. Has foreign authorities make time stamps, and shows those as well. What cannot be installed is skipped by name. Tools are kept in
\${XDG_CACHE_HOME:-~/.cache}/vcc-pki/conformance.

  --only JUDGE   ${CANDIDATES.map(({ name }) => name).join(", ")}; may be repeated
  --json         one JSON document instead of lines
  --help         this text

Exit code: 0 nothing failed, 1 a judge disagrees with us, 2 wrong usage.`;

function readCommandLine() {
  const { values } = parseArgs({
    options: {
      only: { type: "string", multiple: true },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const unknown = values.only?.find((name) => !CANDIDATES.some((candidate) => candidate.name === name));
  if (unknown !== undefined) throw new Error(`no judge is called ${unknown}`);
  return values;
}

let options: ReturnType<typeof readCommandLine>;
try {
  options = readCommandLine();
} catch (error) {
  console.error(`${(error as Error).message}\n\n${USAGE}`);
  process.exit(2);
}
if (options.help) console.log(USAGE);
else process.exitCode = (await runConformance(options)) ? 0 : 1;
