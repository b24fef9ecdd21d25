import type { IncomingMessage, ServerResponse } from "node:http";
import { endHttp, type HttpServer, isNotModified, openHttpServer } from "@vcc-pki/service";
import type { Logger } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import type { SigningConfig } from "./config.ts";
import type { RecallLists } from "./recall-lists.ts";
import type { PublishedList } from "./store/recall-lists.ts";

export interface HttpDoorOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly limits: SigningConfig["limits"];
  readonly lists: Pick<RecallLists, "find">;
  readonly clock: Clock;
  readonly log: Logger;
}

const MAX_HEADER_OCTETS = 8 * 1024;
/** Seconds that caches may keep a list: so late may a recall come through one. */
const MAX_AGE = 15;

/** Where relying parties fetch recall lists: plain HTTP, for lists are signed. Rejects when the port cannot be bound. */
export const openHttpDoor = ({ lists, ...options }: HttpDoorOptions): Promise<HttpServer> =>
  openHttpServer({
    ...options,
    maxHeaderOctets: MAX_HEADER_OCTETS,
    handle(request, response, path) {
      const [, digit] = /^\/recall\/([0-9a-f])\.json$/.exec(path) ?? [];
      const list = digit === undefined ? undefined : lists.find(Number.parseInt(digit, 16));
      if (list === undefined) endHttp(response, 404);
      else if (request.method !== "GET" && request.method !== "HEAD") endHttp(response, 405);
      else answer(list, request, response);
    },
  });

function answer(list: PublishedList, request: IncomingMessage, response: ServerResponse): void {
  const etag = `"${list.number}"`;
  const headers = [
    ...["ETag", etag, "Last-Modified", list.thisUpdate.toUTCString(), "Cache-Control", `max-age=${MAX_AGE}`],
  ];
  if (isNotModified(request.headers, { etag, lastModifiedMs: list.thisUpdate.getTime() })) {
    response.writeHead(304, headers);
    response.end();
    return;
  }
  const about = ["Content-Type", "application/json", "Content-Length", String(list.bundle.length)];
  response.writeHead(200, [...headers, ...about]);
  response.end(request.method === "HEAD" ? undefined : list.bundle);
}
