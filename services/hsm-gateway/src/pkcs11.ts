import { PkiError } from "@vcc-pki/errors";
import pkcs11js from "pkcs11js";

/** The part of PKCS#11 v2.40 that the gateway uses, with the conventions of pkcs11js: a return value other than CKR_OK is thrown
 *  as an Error whose `code` is the CKR number and whose message is its name. Tests wrap it to make the token fail. */
export type Pkcs11 = Pick<
  pkcs11js.PKCS11,
  | "C_Initialize"
  | "C_Finalize"
  | "C_GetSlotList"
  | "C_GetTokenInfo"
  | "C_GetMechanismList"
  | "C_InitToken"
  | "C_InitPIN"
  | "C_OpenSession"
  | "C_CloseSession"
  | "C_GetSessionInfo"
  | "C_Login"
  | "C_Logout"
  | "C_FindObjectsInit"
  | "C_FindObjects"
  | "C_FindObjectsFinal"
  | "C_GetAttributeValue"
  | "C_CopyObject"
  | "C_DestroyObject"
  | "C_GenerateKeyPairAsync"
  | "C_SignInit"
  | "C_Sign"
  | "C_SignAsync"
>;

export type Handle = pkcs11js.Handle;
export type Template = pkcs11js.Attribute[];
export type Mechanism = pkcs11js.Mechanism;

/** Return values that mean something to us (PKCS#11 v2.40, section 5.1). */
export const CKR = {
  HOST_MEMORY: 0x02,
  SLOT_ID_INVALID: 0x03,
  GENERAL_ERROR: 0x05,
  FUNCTION_FAILED: 0x06,
  DEVICE_ERROR: 0x30,
  DEVICE_MEMORY: 0x31,
  DEVICE_REMOVED: 0x32,
  KEY_HANDLE_INVALID: 0x60,
  OBJECT_HANDLE_INVALID: 0x82,
  OPERATION_ACTIVE: 0x90,
  OPERATION_NOT_INITIALIZED: 0x91,
  PIN_INCORRECT: 0xa0,
  PIN_INVALID: 0xa1,
  PIN_LEN_RANGE: 0xa2,
  PIN_EXPIRED: 0xa3,
  PIN_LOCKED: 0xa4,
  SESSION_CLOSED: 0xb0,
  SESSION_HANDLE_INVALID: 0xb3,
  TOKEN_NOT_PRESENT: 0xe0,
  TOKEN_NOT_RECOGNIZED: 0xe1,
  USER_ALREADY_LOGGED_IN: 0x100,
  USER_NOT_LOGGED_IN: 0x101,
  CRYPTOKI_NOT_INITIALIZED: 0x190,
  CRYPTOKI_ALREADY_INITIALIZED: 0x191,
} as const;

/** After these, sessions or handles are worth nothing: connect anew and try once more. */
const LOST: ReadonlySet<number> = new Set([
  CKR.HOST_MEMORY,
  CKR.SLOT_ID_INVALID,
  CKR.GENERAL_ERROR,
  CKR.FUNCTION_FAILED,
  CKR.DEVICE_ERROR,
  CKR.DEVICE_MEMORY,
  CKR.DEVICE_REMOVED,
  CKR.KEY_HANDLE_INVALID,
  CKR.OBJECT_HANDLE_INVALID,
  CKR.OPERATION_ACTIVE,
  CKR.OPERATION_NOT_INITIALIZED,
  CKR.SESSION_CLOSED,
  CKR.SESSION_HANDLE_INVALID,
  CKR.TOKEN_NOT_PRESENT,
  CKR.TOKEN_NOT_RECOGNIZED,
  CKR.USER_NOT_LOGGED_IN,
  CKR.CRYPTOKI_NOT_INITIALIZED,
]);

/** After these the PIN in our file is not the token's. Another attempt could lock the token. */
const PIN_REJECTED: ReadonlySet<number> = new Set([
  CKR.PIN_INCORRECT,
  CKR.PIN_INVALID,
  CKR.PIN_LEN_RANGE,
  CKR.PIN_EXPIRED,
  CKR.PIN_LOCKED,
]);

/** The CKR number of what pkcs11js threw; undefined for anything else. */
export function returnValueOf(error: unknown): number | undefined {
  return error instanceof Error && error.message.startsWith("CKR_") && "code" in error && typeof error.code === "number"
    ? error.code
    : undefined;
}

export const isLost = (error: unknown): boolean => LOST.has(returnValueOf(error) ?? -1);

export const isPinRejected = (error: unknown): boolean => PIN_REJECTED.has(returnValueOf(error) ?? -1);

export interface ModuleConfig {
  /** Path of the vendor's shared library. */
  readonly module: string;
  /** Variables the library reads when it is initialised, e.g. SOFTHSM2_CONF. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Loads the vendor's library into this process. Throws CONFIG_INVALID. */
export function loadPkcs11({ module, environment }: ModuleConfig): Pkcs11 {
  Object.assign(process.env, environment);
  const pkcs11 = new pkcs11js.PKCS11();
  try {
    pkcs11.load(module);
  } catch (cause) {
    throw new PkiError("CONFIG_INVALID", `the PKCS#11 module ${module} cannot be loaded`, { cause });
  }
  return pkcs11;
}
