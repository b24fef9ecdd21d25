import { parseArgs } from "node:util";
import { runConformance } from "./run.ts";

const USAGE = `./pki conformance [--only JUDGE]… [--json]

Issues certificates of every profile and key type and CRLs through the real ca and hsm-gateway, and shows them, and corrupted
variants of them, to tools that nobody here wrote. What cannot be installed is skipped by name. Tools are kept in
\${XDG_CACHE_HOME:-~/.cache}/vcc-pki/conformance.

  --only JUDGE   openssl, gnutls, zlint or pkilint; may be repeated
  --json         one JSON document instead of lines
  --help         this text

Exit code: 0 nothing failed, 1 a judge disagrees with us, 2 wrong usage.`;

try {
  const { values } = parseArgs({
    options: {
      only: { type: "string", multiple: true },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) console.log(USAGE);
  else process.exitCode = (await runConformance({ only: values.only, json: values.json })) ? 0 : 1;
} catch (error) {
  if (!(error instanceof Error) || !("code" in error) || !String(error.code).startsWith("ERR_PARSE_ARGS")) throw error;
  console.error(`${error.message}\n\n${USAGE}`);
  process.exitCode = 2;
}
