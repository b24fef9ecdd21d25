import { constants } from "node:crypto";
import type { SecureContextOptions } from "node:tls";
import { ServerCredentials } from "@grpc/grpc-js";
import type { IdentitySource } from "./identity.ts";
import type { RpcLimits } from "./limits.ts";

/** TLS 1.3 suites of BSI TR-02102-2. */
export const TLS_13_CIPHERS = "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256";

/** Mutual TLS as we need it, which `ServerCredentials.createSsl` cannot say:
 *
 *  - TLS 1.3 only. grpc-js leaves Node's default, which admits TLS 1.2.
 *  - No session tickets. A client that resumes a session is not asked for its certificate again: it is taken for whoever it was
 *    before, even when that certificate has expired or its CA is gone. Measured on Node 20 and 26.
 *  - Bounds on request headers and calls per connection.
 *  - A renewed identity serves new connections at once; open ones keep what they have until their age ends.
 *
 *  Node's `setSecureContext`, which grpc-js calls on renewal, forgets what it is not told again. So the version and the ticket
 *  option are part of the context options, not only of the constructor's. `mutual-tls.test.ts` proves all of it. */
export class MutualTlsServerCredentials extends ServerCredentials {
  readonly #stopWatching: () => void;

  constructor(identity: IdentitySource, limits: RpcLimits) {
    const settings = {
      maxHeaderListSize: limits.maxMetadataBytes,
      maxConcurrentStreams: limits.maxConcurrentCalls,
    };
    super({ requestCert: true, rejectUnauthorized: true, settings }, contextOptions(identity));
    this.#stopWatching = identity.onChange(() => this.updateSecureContextOptions(contextOptions(identity)));
  }

  stopWatching(): void {
    this.#stopWatching();
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

function contextOptions(identity: IdentitySource): SecureContextOptions {
  const { keyPem, chainPem, trustPem } = identity.current();
  return {
    key: keyPem,
    cert: chainPem,
    ca: trustPem,
    minVersion: "TLSv1.3",
    ciphers: TLS_13_CIPHERS,
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}
