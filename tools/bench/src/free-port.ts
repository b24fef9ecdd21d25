import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

/** A TCP port on loopback that nobody uses right now. */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
