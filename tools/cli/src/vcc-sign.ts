#!/usr/bin/env node
import { EXIT } from "./exit-codes.ts";
import { processIo } from "./io.ts";
import { runSign } from "./sign-program.ts";

process.once("SIGINT", () => process.exit(EXIT.interrupted));
process.exitCode = await runSign(process.argv.slice(2), processIo);
