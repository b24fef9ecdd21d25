import { PkiError } from "@vcc-pki/errors";
import pkcs11js from "pkcs11js";
import { withPin } from "./pin.ts";
import { type Handle, loadPkcs11, type ModuleConfig, type Pkcs11 } from "./pkcs11.ts";

const { CKF_OS_LOCKING_OK, CKF_RW_SESSION, CKF_SERIAL_SESSION, CKF_TOKEN_INITIALIZED } = pkcs11js;
const { CKA_CLASS, CKA_LABEL, CKO_PRIVATE_KEY, CKU_SO, CKU_USER } = pkcs11js;

/** PKCS#11 v2.40 section 5.5: a label is 32 octets, padded with blanks, without an end mark. */
const LABEL_OCTETS = 32;

export interface TokenSetup extends ModuleConfig {
  readonly label: string;
  /** The user's PIN. Readable by the owner alone, and so is the next. */
  readonly pinFile: string;
}

/** A token as the ceremony writes it down. */
export interface TokenFacts {
  readonly manufacturer: string;
  readonly model: string;
  readonly serialNumber: string;
}

/** Initialises the first free token of the module (PKCS#11 v2.40, C_InitToken, C_InitPIN). Only before a gateway runs in this
 *  process. Throws ALREADY_EXISTS when a token has this label, CONFIG_INVALID when none is free. */
export function initialiseToken(setup: TokenSetup & { readonly soPinFile: string }): TokenFacts {
  return withModule(setup, (pkcs11) => {
    const slots = pkcs11.C_GetSlotList(true);
    if (slots.some((slot) => labelOf(pkcs11, slot) === setup.label)) {
      throw new PkiError("ALREADY_EXISTS", `there is a token labelled ${setup.label} already`);
    }
    const slot = slots.find((each) => (pkcs11.C_GetTokenInfo(each).flags & CKF_TOKEN_INITIALIZED) === 0);
    if (slot === undefined) throw new PkiError("CONFIG_INVALID", `${setup.module} has no free token`);

    withPin(setup.soPinFile, (soPin) => {
      pkcs11.C_InitToken(slot, soPin, setup.label.padEnd(LABEL_OCTETS));
      const session = pkcs11.C_OpenSession(slot, CKF_RW_SESSION | CKF_SERIAL_SESSION);
      pkcs11.C_Login(session, CKU_SO, soPin);
      withPin(setup.pinFile, (pin) => pkcs11.C_InitPIN(session, pin));
      pkcs11.C_Logout(session);
      pkcs11.C_CloseSession(session);
    });
    return factsOf(pkcs11, slot);
  });
}

/** What a token says about one of its private keys. */
export interface PrivateKeyFacts {
  readonly label: string;
  readonly sensitive: boolean;
  readonly alwaysSensitive: boolean;
  readonly extractable: boolean;
  readonly neverExtractable: boolean;
  readonly copyable: boolean;
  readonly sign: boolean;
  readonly decrypt: boolean;
  readonly unwrap: boolean;
  readonly derive: boolean;
}

/** Looks at a token: what it is, and which private keys it holds, whosever they are. Only while no gateway runs in this process.
 *  Throws NOT_FOUND when no token has this label, or what the token says to the PIN. */
export function inspectToken(setup: TokenSetup): TokenFacts & { readonly privateKeys: readonly PrivateKeyFacts[] } {
  return withModule(setup, (pkcs11) => {
    const slot = pkcs11.C_GetSlotList(true).find((each) => labelOf(pkcs11, each) === setup.label);
    if (slot === undefined) throw new PkiError("NOT_FOUND", `no token is labelled ${setup.label}`);
    const session = pkcs11.C_OpenSession(slot, CKF_SERIAL_SESSION);
    withPin(setup.pinFile, (pin) => pkcs11.C_Login(session, CKU_USER, pin));
    const privateKeys = findPrivateKeys(pkcs11, session).map((key) => keyFactsOf(pkcs11, session, key));
    pkcs11.C_CloseSession(session);
    return { ...factsOf(pkcs11, slot), privateKeys };
  });
}

function findPrivateKeys(pkcs11: Pkcs11, session: Handle): Handle[] {
  pkcs11.C_FindObjectsInit(session, [{ type: CKA_CLASS, value: CKO_PRIVATE_KEY }]);
  const found: Handle[] = [];
  for (let some = pkcs11.C_FindObjects(session, 100); some.length > 0; some = pkcs11.C_FindObjects(session, 100)) {
    found.push(...some);
  }
  pkcs11.C_FindObjectsFinal(session);
  return found;
}

function keyFactsOf(pkcs11: Pkcs11, session: Handle, key: Handle): PrivateKeyFacts {
  const read = (type: number): Buffer => pkcs11.C_GetAttributeValue(session, key, [{ type }])[0]?.value as Buffer;
  const isTrue = (type: number): boolean => read(type)[0] === 1;
  return {
    label: read(CKA_LABEL).toString("utf8"),
    sensitive: isTrue(pkcs11js.CKA_SENSITIVE),
    alwaysSensitive: isTrue(pkcs11js.CKA_ALWAYS_SENSITIVE),
    extractable: isTrue(pkcs11js.CKA_EXTRACTABLE),
    neverExtractable: isTrue(pkcs11js.CKA_NEVER_EXTRACTABLE),
    copyable: isTrue(pkcs11js.CKA_COPYABLE),
    sign: isTrue(pkcs11js.CKA_SIGN),
    decrypt: isTrue(pkcs11js.CKA_DECRYPT),
    unwrap: isTrue(pkcs11js.CKA_UNWRAP),
    derive: isTrue(pkcs11js.CKA_DERIVE),
  };
}

function withModule<T>(config: ModuleConfig, work: (pkcs11: Pkcs11) => T): T {
  const pkcs11 = loadPkcs11(config);
  pkcs11.C_Initialize({ flags: CKF_OS_LOCKING_OK });
  try {
    return work(pkcs11);
  } finally {
    pkcs11.C_Finalize();
  }
}

const labelOf = (pkcs11: Pkcs11, slot: Handle): string => pkcs11.C_GetTokenInfo(slot).label.trimEnd();

function factsOf(pkcs11: Pkcs11, slot: Handle): TokenFacts {
  const { manufacturerID, model, serialNumber } = pkcs11.C_GetTokenInfo(slot);
  return { manufacturer: manufacturerID.trim(), model: model.trim(), serialNumber: serialNumber.trim() };
}
