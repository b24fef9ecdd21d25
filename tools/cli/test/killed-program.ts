import { RememberedDigests } from "@vcc-pki/client";
import { processIo } from "../src/io.ts";
import { runSign } from "../src/sign-program.ts";

// vcc-sign, two minutes from now, when the files have rested; killed when it has hashed so many ranges, 0 for never.
const [killedAfter = "", ...words] = process.argv.slice(2);
const { remember } = RememberedDigests.prototype;
let count = 0;
RememberedDigests.prototype.remember = function (...digest) {
  remember.apply(this, digest);
  if (++count === Number(killedAfter)) process.kill(process.pid, "SIGKILL");
};
const now = () => new Date(Date.now() + 120_000);
process.exitCode = await runSign(words, { ...processIo, clock: { ...processIo.clock, now } });
