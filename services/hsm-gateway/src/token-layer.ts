/** The token without the gateway around it, for `./pki bench`. A process that is not the gateway has no other business with it. */
export { createKeyPair, privateKeyOf, signNow } from "./key-pair.ts";
export { loadPkcs11 } from "./pkcs11.ts";
export { Token } from "./token.ts";
