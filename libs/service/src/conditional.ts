import type { IncomingHttpHeaders } from "node:http";

/** What is compared of a representation. */
export interface Validators {
  /** With its quotes. */
  readonly etag: string;
  /** In milliseconds; compared to the second. */
  readonly lastModifiedMs: number;
}

/** True if the client has this representation already: If-None-Match when there is one, otherwise If-Modified-Since (RFC 9110
 *  section 13.2.2). A date that is none is passed over. */
export function isNotModified(headers: IncomingHttpHeaders, { etag, lastModifiedMs }: Validators): boolean {
  const tags = headers["if-none-match"];
  if (tags !== undefined) return tags.trim() === "*" || tags.split(",").some((tag) => isSameTag(tag.trim(), etag));
  const since = headers["if-modified-since"];
  return since !== undefined && Math.floor(lastModifiedMs / 1_000) * 1_000 <= Date.parse(since);
}

/** Weak comparison (RFC 9110 section 8.8.3.2). */
const isSameTag = (tag: string, etag: string): boolean => (tag.startsWith("W/") ? tag.slice(2) : tag) === etag;
