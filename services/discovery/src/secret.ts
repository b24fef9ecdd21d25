import { hash, randomBytes, timingSafeEqual } from "node:crypto";

const SECRET_OCTETS = 32;
const ID_OCTETS = 12;

/** Something that is told once and of which only the SHA-256 is kept. */
export interface Secret {
  readonly text: string;
  readonly sha256: Uint8Array;
}

/** 256 bits, base64url. They need no salt: nobody guesses them. */
export function newSecret(): Secret {
  const text = randomBytes(SECRET_OCTETS).toString("base64url");
  return { text, sha256: sha256Of(text) };
}

/** An id that says nothing: 96 bits, base64url. */
export const newId = (): string => randomBytes(ID_OCTETS).toString("base64url");

/** In the same time whatever the text is. */
export const isSecret = (text: string, sha256: Uint8Array): boolean => timingSafeEqual(sha256Of(text), sha256);

const sha256Of = (text: string): Buffer => hash("sha256", text, "buffer");

const TOKEN = /^vcc-enrol-1\.([A-Za-z0-9_-]{16})\.([A-Za-z0-9_-]{43})$/;

/** "vcc-enrol-1.<id>.<secret>": what a token is, which one, and the proof. */
export const formatToken = (tokenId: string, { text }: Secret): string => `vcc-enrol-1.${tokenId}.${text}`;

/** undefined: it is none. */
export function parseToken(token: string): { readonly tokenId: string; readonly secret: string } | undefined {
  const [, tokenId, secret] = TOKEN.exec(token) ?? [];
  return tokenId === undefined || secret === undefined ? undefined : { tokenId, secret };
}
