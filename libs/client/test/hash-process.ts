import { type Host, hashTree, RememberedDigests, thisHost, walkTree } from "../src/index.ts";

/** Hashes a directory in shards of 1 MiB, and is killed when it has remembered so many. */
const KILLED_AFTER = 20;
const [directory = "", cache = ""] = process.argv.slice(2);
const host: Host = { ...(thisHost() as Host), keepsTimes: () => true };
const clock = { now: () => new Date(Date.now() + 120_000), monotonicMs: () => performance.now() };
const tree = walkTree(directory);
const remembered = RememberedDigests.open(tree, { directory: cache, host, clock });
const remember = remembered?.remember.bind(remembered);
let count = 0;
if (remembered && remember) {
  remembered.remember = (...digest) => {
    remember(...digest);
    if (++count === KILLED_AFTER) process.kill(process.pid, "SIGKILL");
  };
}
await hashTree(tree, { clock, remembered, shardOctets: 1024 * 1024 });
