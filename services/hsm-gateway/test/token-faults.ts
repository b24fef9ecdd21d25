import { CKR, type Pkcs11 } from "../src/pkcs11.ts";

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
}

/** The PKCS#11 seam with faults. Errors look as pkcs11js throws them. */
export function faultyPkcs11(real: Pkcs11): FaultyPkcs11 {
  const planned: { method: Method; returnValue: ReturnValue }[] = [];
  const counts = new Map<string, number>();
  let unplugged = false;
  const pkcs11 = new Proxy(real, {
    get(target, method: Method) {
      const call = target[method] as (...parameters: unknown[]) => unknown;
      return (...parameters: unknown[]) => {
        counts.set(method, (counts.get(method) ?? 0) + 1);
        const index = planned.findIndex((fault) => fault.method === method);
        const [fault] = index === -1 ? [] : planned.splice(index, 1);
        const error = fault ? pkcs11Error(fault.returnValue) : unplugged ? removed(method) : undefined;
        if (!error) return call.apply(target, parameters);
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
  };
}

/** Without the token the library itself still answers. */
function removed(method: Method): Error | undefined {
  return method === "C_Initialize" || method === "C_Finalize" ? undefined : pkcs11Error("DEVICE_REMOVED");
}

function pkcs11Error(returnValue: ReturnValue): Error {
  return Object.assign(new Error(`CKR_${returnValue}`), { code: CKR[returnValue] });
}
