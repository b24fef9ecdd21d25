#!/usr/bin/env node
import { EXIT } from "./exit-codes.ts";
import { processIo } from "./io.ts";
import { run } from "./program.ts";

process.once("SIGINT", () => process.exit(EXIT.interrupted));
process.exitCode = await run(process.argv.slice(2), processIo);
