import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

/** A service as people write them: `node https-service.ts DIRECTORY PORT`. Reads cert.pem and key.pem at its start and on SIGHUP, without dropping a
 *  connection; writes its number to DIRECTORY/pid. With STUBBORN=1 it takes no notice of SIGHUP. */
const [, , directory = "", port = "0"] = process.argv;
const read = () => ({
  cert: readFileSync(join(directory, "cert.pem")),
  key: readFileSync(join(directory, "key.pem")),
});
const server = createServer(read(), (_request, response) => response.end("ok"));
process.on("SIGHUP", () => {
  if (process.env.STUBBORN !== "1") server.setSecureContext(read());
});
server.listen(Number(port), "127.0.0.1", () => {
  writeFileSync(join(directory, "pid"), `${process.pid}\n`);
  console.log((server.address() as AddressInfo).port);
});
