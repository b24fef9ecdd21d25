import type { IncomingMessage, ServerResponse } from "node:http";
import { isNotModified } from "@vcc-pki/service";
import type { Clock } from "@vcc-pki/time";
import type { DistributedFile, Files } from "../files.ts";

export interface DownloadsOptions {
  readonly files: Files;
  /** How long caches may keep a file, at most. */
  readonly cacheForMs: number;
  readonly clock: Clock;
}

/** Lists, certificates and bundles over HTTP (RFC 5280 section 4.2.1.13, RFC 2585, RFC 4387's media types). */
export class Downloads {
  readonly #options: DownloadsOptions;

  constructor(options: DownloadsOptions) {
    this.#options = options;
  }

  /** False: there is nothing under this path. */
  get(request: IncomingMessage, response: ServerResponse, path: string): boolean {
    const file = this.#options.files.find(path);
    if (file === undefined) return false;
    const headers = this.#headersOf(file);
    if (isNotModified(request.headers, { etag: file.etag, lastModifiedMs: file.lastModified.getTime() })) {
      response.writeHead(304, headers);
      response.end();
      return true;
    }
    response.writeHead(200, [...headers, "Content-Type", file.mediaType, "Content-Length", String(file.body.length)]);
    if (request.method === "HEAD") response.end();
    else response.end(file.body);
    return true;
  }

  #headersOf({ etag, lastModified, nextUpdate }: DistributedFile): string[] {
    const { cacheForMs, clock } = this.#options;
    const most = Math.floor(cacheForMs / 1_000);
    const left = nextUpdate && Math.max(0, Math.floor((nextUpdate.getTime() - clock.now().getTime()) / 1_000) - 1);
    return [
      ...["ETag", etag, "Last-Modified", lastModified.toUTCString()],
      ...["Cache-Control", `max-age=${Math.min(most, left ?? most)}, public, no-transform`],
      ...(nextUpdate === undefined ? [] : ["Expires", nextUpdate.toUTCString()]),
    ];
  }
}
