import { hash } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import { pemEncode } from "@vcc-pki/x509";
import type { RunStep } from "../context.ts";
import { writeWhole } from "../files.ts";
import { pemOf } from "../platform-identity.ts";
import type { StepOf } from "../script.ts";

/** What relying parties need: the root alone, and the root with all authorities below it. */
export const writeTrust: RunStep<StepOf<"write-trust">> = async ({ root }, { home, organisation, operator, suite }) => {
  const { authorities } = await suite();
  const { certificateDer } = await authorities.get({ organisation, authorityId: root }, operator);
  const { rootsDer, intermediatesDer } = await authorities.getTrustBundle({});
  if (!rootsDer.some((der) => Buffer.from(der).equals(certificateDer))) {
    throw new PkiError("AUTHORITY_NOT_ACTIVE", `${root} is not a root that relying parties may trust`);
  }
  writeWhole(home.trust.root, pemEncode("CERTIFICATE", certificateDer), 0o644);
  writeWhole(home.trust.bundle, pemOf([...rootsDer, ...intermediatesDer]), 0o644);
  return { root, rootSha256: hash("sha256", certificateDer), authorities: intermediatesDer.length };
};
