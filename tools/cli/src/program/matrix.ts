import { type Command, Option } from "commander";
import {
  type CheckOptions,
  checkCall,
  type PutMatrixOptions,
  putMatrix,
  type ShowMatrixOptions,
  showMatrix,
  showReach,
} from "../commands/matrix.ts";
import {
  diffMatrix,
  drawMatrix,
  type ExportOptions,
  exportMatrix,
  type WriteOptions,
} from "../commands/matrix-files.ts";
import type { RunIn } from "./run.ts";

export function addMatrixCommands(program: Command, inSession: RunIn): void {
  const matrix = program.command("matrix").description("whom each service may call");
  matrix
    .command("show")
    .description("the matrix in force, with its rules and what there is to be said of them")
    .option("--version <number>", "an earlier one")
    .option("--yaml", "as it was put")
    .action((options: ShowMatrixOptions) => inSession((session) => showMatrix(options, session)));
  matrix
    .command("put")
    .description("put a matrix into force; with mistakes it is refused, each with its line")
    .argument("<file>", "YAML; - is standard input")
    .option("--dry-run", "say what there is to find, and change nothing")
    .option("--replaces <version>", "fail unless this is the one in force")
    .option("--request-id <id>", "of an attempt that got no answer: does it once")
    .action((file: string, options: PutMatrixOptions) => inSession((session) => putMatrix(file, options, session)));
  matrix
    .command("check")
    .description("may the one call the other? Exit code 0: yes, 3: no")
    .argument("<from>", "a service of the same organisation as the other, or a SPIFFE URI")
    .argument("<to>", "a service")
    .argument("[path]", "such as /api/v1/jobs; without it: anywhere at all")
    .option("--method <method>", "such as POST")
    .option("--to-organisation <id>", "of the one that is called")
    .action((from: string, to: string, path: string | undefined, options: CheckOptions) =>
      inSession((session) => checkCall(from, to, path, options, session)),
    );
  matrix
    .command("reach")
    .description("can the one ever reach the other, over others, too? Exit code 0: yes, 3: no")
    .argument("<from>", "a service or a type of services")
    .argument("<to>", "a service or a type of services")
    .action((from: string, to: string) => inSession((session) => showReach(from, to, session)));
  matrix
    .command("diff")
    .description("who may call whom that might not before, and the other way round")
    .argument("<first>", "a version or a file; alone, it is compared with the one in force")
    .argument("[second]", "a version or a file")
    .action((first: string, second: string | undefined) => inSession((session) => diffMatrix(first, second, session)));
  matrix
    .command("graph")
    .description("draw it")
    .option("--output <file>", ".svg or .png (default: matrix.svg)")
    .option("--force", "replace the file")
    .action((options: WriteOptions) => inSession((session) => drawMatrix(options, session)));
  matrix
    .command("export")
    .description("in the words of others, to be enforced there")
    .addOption(
      new Option("--format <format>", "json: for SDKs; envoy: HTTP filters; istio: AuthorizationPolicies")
        .choices(["json", "envoy", "istio"])
        .default("json"),
    )
    .option("--service <service>", "envoy, istio: before which")
    .option("--namespace <namespace>", "istio: of its pods", "default")
    .option("--trust-domain <domain>", "of identities", "vcc.internal")
    .option("--output <file>", "instead of standard output")
    .option("--force", "replace the file")
    .action((options: ExportOptions) => inSession((session) => exportMatrix(options, session)));
}
