/** True if this Content-Type names the media type, with or without parameters, in any case (RFC 9110 section 8.3.1). */
export function isMediaType(contentType: string, expected: string): boolean {
  const end = contentType.indexOf(";");
  const essence = end === -1 ? contentType : contentType.slice(0, end);
  return essence.trim().toLowerCase() === expected;
}
