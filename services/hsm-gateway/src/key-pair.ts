import { randomBytes } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import { type KeyAlgorithmId, type SignatureAlgorithmId, verifySignature } from "@vcc-pki/x509";
import pkcs11js from "pkcs11js";
import { KEY_GENERATION, SIGNING } from "./mechanisms.ts";
import type { Handle, Template } from "./pkcs11.ts";
import { readSpki } from "./public-key.ts";
import type { Connection } from "./token.ts";

/** What is fixed about a key when it is made. */
export interface KeyPairSpecification {
  /** Lower-case hex of CKA_ID, the same on both halves. */
  readonly keyId: string;
  readonly label: string;
  readonly keyAlgorithm: KeyAlgorithmId;
  readonly signatureAlgorithms: readonly SignatureAlgorithmId[];
  readonly copyable: boolean;
}

const P = pkcs11js;

/** Makes a key pair that can do nothing but sign, reads its attributes back, and lets it prove itself before anyone relies on
 *  it. Returns the SubjectPublicKeyInfo. Throws KEY_NOT_ALLOWED when the token cannot make or use such a key; on any failure
 *  the half-made key is destroyed. */
export async function createKeyPair(connection: Connection, key: KeyPairSpecification): Promise<Uint8Array> {
  const { mechanism, publicTemplate } = KEY_GENERATION[key.keyAlgorithm];
  requireMechanisms(connection, [mechanism, ...mechanismsOf(key)]);
  const id = Buffer.from(key.keyId, "hex");
  if (findObjects(connection, P.CKO_PRIVATE_KEY, id).length > 0) throw new Error("CKA_ID is taken");
  const pair = await connection.pool.use((session) =>
    connection.pkcs11.C_GenerateKeyPairAsync(
      session,
      { mechanism },
      [...publicTemplate, ...publicAttributes(key, id)],
      [...privateAttributes(key), { type: P.CKA_ID, value: id }, { type: P.CKA_LABEL, value: key.label }],
    ),
  );
  try {
    requireAttributes(connection, pair.privateKey, key);
    const spkiDer = readSpki(connection, pair.publicKey, key.keyAlgorithm);
    for (const algorithm of key.signatureAlgorithms) await selfTest(connection, pair.privateKey, spkiDer, algorithm);
    return spkiDer;
  } catch (error) {
    destroyKeyPair(connection, key.keyId);
    throw error;
  }
}

/** The private key's handle, or its session copy's when it is copyable. The search is done once per connection. Throws Error
 *  when the token has no such key, or two. */
export function privateKeyOf(connection: Connection, keyId: string, copyable: boolean): Handle {
  const known = connection.keys.get(keyId);
  if (known) return known;
  const [object, second] = findObjects(connection, P.CKO_PRIVATE_KEY, Buffer.from(keyId, "hex"));
  if (!object) throw new PkiError("HSM_UNAVAILABLE", "the token does not hold this key");
  if (second) throw new Error(`the token holds two private keys with id ${keyId}`);
  // A copy signs faster because the token keeps it in memory. It dies with the session that made it, so that is the loop's.
  const handle = copyable ? connection.pkcs11.C_CopyObject(connection.loop, object, SESSION_COPY) : object;
  connection.keys.set(keyId, handle);
  if (copyable) connection.copies.add(keyId);
  return handle;
}

/** Forgets the handle; a session copy is destroyed, for it would go on signing after its original is gone. */
export function evictKey({ pkcs11, loop, keys, copies }: Connection, keyId: string): void {
  const handle = keys.get(keyId);
  keys.delete(keyId);
  if (copies.delete(keyId) && handle) pkcs11.C_DestroyObject(loop, handle);
}

/** Evicts the copies whose originals another process has destroyed. */
export function revalidateCopies(connection: Connection): void {
  for (const keyId of connection.copies) {
    const originals = findObjects(connection, P.CKO_PRIVATE_KEY, Buffer.from(keyId, "hex"));
    if (originals.every((handle) => handle.equals(connection.keys.get(keyId) ?? NO_HANDLE)))
      evictKey(connection, keyId);
  }
}

/** Destroys every object with this id in the token. Done twice, it does no harm. */
export function destroyKeyPair(connection: Connection, keyId: string): void {
  const id = Buffer.from(keyId, "hex");
  evictKey(connection, keyId);
  for (const kind of [P.CKO_PRIVATE_KEY, P.CKO_PUBLIC_KEY]) {
    for (const object of findObjects(connection, kind, id)) connection.pkcs11.C_DestroyObject(connection.loop, object);
  }
}

/** Signs on the event loop. `sha256` is the data's, where it is known. */
export function signNow(
  { pkcs11, loop }: Connection,
  privateKey: Handle,
  algorithm: SignatureAlgorithmId,
  data: Uint8Array,
  sha256?: Buffer,
): Uint8Array {
  const { mechanism, toInput, toSignature } = SIGNING[algorithm];
  pkcs11.C_SignInit(loop, mechanism, privateKey);
  return toSignature(pkcs11.C_Sign(loop, toInput(data, sha256), Buffer.allocUnsafe(MAX_SIGNATURE_OCTETS)));
}

/** Signs on another thread. */
export function signOnPool(
  { pkcs11, pool }: Connection,
  privateKey: Handle,
  algorithm: SignatureAlgorithmId,
  data: Uint8Array,
): Promise<Uint8Array> {
  const { mechanism, toInput, toSignature } = SIGNING[algorithm];
  return pool.use(async (session) => {
    pkcs11.C_SignInit(session, mechanism, privateKey);
    return toSignature(await pkcs11.C_SignAsync(session, toInput(data), Buffer.alloc(MAX_SIGNATURE_OCTETS)));
  });
}

const NO_HANDLE = Buffer.alloc(0);

const SESSION_COPY: Template = [
  { type: P.CKA_TOKEN, value: false },
  { type: P.CKA_MODIFIABLE, value: false },
];

/** RSA-4096. */
const MAX_SIGNATURE_OCTETS = 512;

function mechanismsOf({ signatureAlgorithms }: KeyPairSpecification): number[] {
  return [...new Set(signatureAlgorithms.map((algorithm) => SIGNING[algorithm].mechanism.mechanism))];
}

function requireMechanisms({ mechanisms }: Connection, needed: readonly number[]): void {
  if (!needed.every((mechanism) => mechanisms.has(mechanism))) {
    throw new PkiError("KEY_NOT_ALLOWED", "the token has no mechanism for this kind of key");
  }
}

function publicAttributes({ label }: KeyPairSpecification, id: Buffer): Template {
  return [
    { type: P.CKA_TOKEN, value: true },
    { type: P.CKA_VERIFY, value: true },
    { type: P.CKA_MODIFIABLE, value: false },
    { type: P.CKA_ID, value: id },
    { type: P.CKA_LABEL, value: label },
  ];
}

/** Tokens default the right to decrypt and unwrap to true: what is not wanted must be said. Tokens copy only what is modifiable;
 *  secrecy and mechanisms of such a key stay fixed nevertheless. */
function privateAttributes(key: KeyPairSpecification): { type: number; value: boolean | Buffer }[] {
  return [
    { type: P.CKA_TOKEN, value: true },
    { type: P.CKA_PRIVATE, value: true },
    { type: P.CKA_SENSITIVE, value: true },
    { type: P.CKA_EXTRACTABLE, value: false },
    { type: P.CKA_MODIFIABLE, value: key.copyable },
    { type: P.CKA_COPYABLE, value: key.copyable },
    { type: P.CKA_SIGN, value: true },
    { type: P.CKA_SIGN_RECOVER, value: false },
    { type: P.CKA_DECRYPT, value: false },
    { type: P.CKA_UNWRAP, value: false },
    { type: P.CKA_DERIVE, value: false },
    { type: P.CKA_WRAP_WITH_TRUSTED, value: true },
    { type: P.CKA_ALLOWED_MECHANISMS, value: mechanismList(mechanismsOf(key)) },
  ];
}

/** What the token says of a key that was born in it and never left. */
const BORN_HERE = [P.CKA_LOCAL, P.CKA_ALWAYS_SENSITIVE, P.CKA_NEVER_EXTRACTABLE].map((type) => ({ type, value: true }));

/** A token may ignore what a template asks for. What it made is what it says it made. */
function requireAttributes({ pkcs11, loop }: Connection, privateKey: Handle, key: KeyPairSpecification): void {
  const wanted = [...privateAttributes(key), ...BORN_HERE];
  const actual = pkcs11.C_GetAttributeValue(
    loop,
    privateKey,
    wanted.map(({ type }) => ({ type })),
  );
  for (const [i, { type, value }] of wanted.entries()) {
    const expected = typeof value === "boolean" ? Buffer.of(value ? 1 : 0) : value;
    if (!actual[i]?.value.equals(expected)) {
      throw new Error(`token made a key whose attribute 0x${type.toString(16)} is not as asked`);
    }
  }
}

/** CK_MECHANISM_TYPE[] as it lies in memory: CK_ULONG in the machine's own order, which is little-endian wherever we run. */
function mechanismList(mechanisms: readonly number[]): Buffer {
  const list = Buffer.alloc(8 * mechanisms.length);
  for (const [i, mechanism] of mechanisms.entries()) list.writeBigUInt64LE(BigInt(mechanism), 8 * i);
  return list;
}

async function selfTest(
  connection: Connection,
  privateKey: Handle,
  spkiDer: Uint8Array,
  algorithm: SignatureAlgorithmId,
): Promise<void> {
  const data = randomBytes(64);
  const signature = await signOnPool(connection, privateKey, algorithm, data);
  if (!verifySignature(spkiDer, algorithm, data, signature)) {
    throw new Error(`the new key's ${algorithm} signature does not verify`);
  }
}

function findObjects({ pkcs11, loop }: Connection, kind: number, id: Buffer): Handle[] {
  pkcs11.C_FindObjectsInit(loop, [
    { type: P.CKA_CLASS, value: kind },
    { type: P.CKA_ID, value: id },
  ]);
  try {
    return pkcs11.C_FindObjects(loop, 16);
  } finally {
    pkcs11.C_FindObjectsFinal(loop);
  }
}
