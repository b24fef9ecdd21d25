import pkcs11js from "pkcs11js";
import { CKR, type Handle, type Pkcs11 } from "../src/pkcs11.ts";

type Method = keyof Pkcs11;
export type ReturnValue = keyof typeof CKR;

export interface FaultyPkcs11 {
  /** The module; what is not made to fail reaches the real one. */
  readonly pkcs11: Pkcs11;
  /** Makes the next `times` calls of `method` return `returnValue`, without reaching the token. */
  fail(method: Method, returnValue: ReturnValue, times?: number): void;
  /** Pulls the token out: every call fails until `plugIn`. */
  unplug(): void;
  plugIn(): void;
  calls(method: Method): number;
  /** Flips a bit in every signature made on the event loop, as a fault in the token might. */
  spoilSignatures(spoil: boolean): void;
  /** Forgets the faults that are still planned. */
  clear(): void;
  /** Private keys that the token holds, as a session of the gateway's login sees them. */
  countPrivateKeys(): number;
  /** Destroys the token's private keys behind the gateway's back. */
  destroyPrivateKeys(): void;
}

/** The PKCS#11 seam with faults. Errors look as pkcs11js throws them. */
export function faultyPkcs11(real: Pkcs11): FaultyPkcs11 {
  const planned: { method: Method; returnValue: ReturnValue }[] = [];
  const counts = new Map<string, number>();
  let spoiled = false;
  let unplugged = false;
  const pkcs11 = new Proxy(real, {
    get(target, method: Method) {
      const call = target[method] as (...parameters: unknown[]) => unknown;
      return (...parameters: unknown[]) => {
        counts.set(method, (counts.get(method) ?? 0) + 1);
        const index = planned.findIndex((fault) => fault.method === method);
        const [fault] = index === -1 ? [] : planned.splice(index, 1);
        const error = fault ? pkcs11Error(fault.returnValue) : unplugged ? removed(method) : undefined;
        if (!error)
          return spoiled && method === "C_Sign"
            ? flipBit(call.apply(target, parameters) as Buffer)
            : call.apply(target, parameters);
        if (method.endsWith("Async")) return Promise.reject(error);
        throw error;
      };
    },
  });
  return {
    pkcs11,
    fail: (method, returnValue, times = 1) => {
      for (let i = 0; i < times; i++) planned.push({ method, returnValue });
    },
    unplug: () => {
      unplugged = true;
    },
    plugIn: () => {
      unplugged = false;
    },
    calls: (method) => counts.get(method) ?? 0,
    spoilSignatures: (spoil) => {
      spoiled = spoil;
    },
    clear: () => {
      planned.length = 0;
    },
    countPrivateKeys: () => withPrivateKeys(real, (keys) => keys.length),
    destroyPrivateKeys: () =>
      withPrivateKeys(real, (keys, session) => {
        for (const key of keys) real.C_DestroyObject(session, key);
      }),
  };
}

/** Runs `work` on the private keys in the token, session copies not counted, in a session of its own. */
function withPrivateKeys<T>(pkcs11: Pkcs11, work: (keys: Handle[], session: Handle) => T): T {
  const slot = pkcs11.C_GetSlotList(true).find((each) => pkcs11.C_GetTokenInfo(each).label.trim() !== "");
  if (!slot) throw new Error("no token");
  const session = pkcs11.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION);
  try {
    pkcs11.C_FindObjectsInit(session, [
      { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY },
      { type: pkcs11js.CKA_TOKEN, value: true },
    ]);
    const keys = pkcs11.C_FindObjects(session, 1_000);
    pkcs11.C_FindObjectsFinal(session);
    return work(keys, session);
  } finally {
    pkcs11.C_CloseSession(session);
  }
}

function flipBit(signature: Buffer): Buffer {
  signature[5] = (signature[5] ?? 0) ^ 1;
  return signature;
}

/** Without the token the library itself still answers. */
function removed(method: Method): Error | undefined {
  return method === "C_Initialize" || method === "C_Finalize" ? undefined : pkcs11Error("DEVICE_REMOVED");
}

function pkcs11Error(returnValue: ReturnValue): Error {
  return Object.assign(new Error(`CKR_${returnValue}`), { code: CKR[returnValue] });
}
