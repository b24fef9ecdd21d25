import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

export interface Place {
  /** How often it was asked. */
  asked: number;
  /** What it says to a path. */
  says: (path: string) => string | Uint8Array;
  status: number;
  readonly origin: string;
  /** For one of its paths, of which all say the same unless `says` tells them apart. */
  readonly request: { readonly url: string; readonly accept: string; readonly maxBytes: number };
  stop(): Promise<void>;
}

/** An HTTP server that says what it is told, until the test ends. */
export async function newPlace(says: Place["says"]): Promise<Place> {
  const server = createServer(({ url = "" }, response) => {
    place.asked++;
    response.writeHead(place.status).end(place.says(url));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const place: Place = {
    ...{ asked: 0, says, status: 200, origin },
    request: { url: `${origin}/list`, accept: "*/*", maxBytes: 100 },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  onTestFinished(() => place.stop());
  return place;
}
