import { join } from "node:path";
import { startDriver } from "../driver.ts";
import { cached, pipInstall } from "../install.ts";
import { ACCEPTS, type Candidate, passes, refuses } from "../judge.ts";
import type { TimeStampSpecimen } from "../specimen.ts";

const VERSION = "1.0.9";
const DRIVER = join(import.meta.dirname, "rfc3161_driver.py");

/** It gives up on a SignedData whose certificates are not sorted, which RFC 5652 section 5.1 does not ask for and OpenSSL does not do. */
const UNSORTED = /InvalidSetOrdering.*"SignedData::certificates"/;

/** Trail of Bits' client, which sigstore's Python tools verify with: Rust, and OpenSSL's PKCS #7. */
export const rfc3161Client: Candidate = {
  name: "rfc3161-client",
  async install(cacheDirectory) {
    const directory = await cached(cacheDirectory, `rfc3161-client-${VERSION}`, (target) =>
      pipInstall(`rfc3161-client==${VERSION}`, target),
    );
    const driver = startDriver("rfc3161-client", join(directory, "bin", "python3"), [DRIVER]);
    const timeStamp = async ({ question, responseFile, root, certificates }: TimeStampSpecimen) => {
      const { messageImprint, nonce, reqPolicy } = question;
      const hex = (octets: Uint8Array) => Buffer.from(octets).toString("hex");
      const asked = { digest: hex(messageImprint.digest), nonce: nonce && hex(nonce), policy: reqPolicy };
      const files = {
        response: responseFile,
        root: root.derFile,
        certificates: certificates.map((one) => one.derFile),
      };
      const said = await driver.ask(JSON.stringify({ ...asked, ...files }));
      if (UNSORTED.test(said)) return passes("rfc3161-client reads certificates in the order of DER only");
      return said === "valid" ? ACCEPTS : refuses(said);
    };
    return {
      ...{ name: "rfc3161-client", version: VERSION, unknownAlgorithms: /^rsa-pss$/ },
      ...{ opinions: { "time-stamp": timeStamp }, close: driver.close },
    };
  },
};
