import { hash, randomUUIDv7 } from "node:crypto";
import {
  type ArtefactType,
  type Observed,
  parseBundle,
  type SignatureMaterial,
  verifySignedArtefact,
} from "@vcc-pki/artefact";
import { certificatesIn } from "@vcc-pki/client";
import { PkiError } from "@vcc-pki/errors";
import { type ArtefactToSign, Signature } from "@vcc-pki/gateway/api";
import { equalBytes } from "@vcc-pki/x509";
import { readTrusted } from "./issuer.ts";
import { codeSigningAuthorities, signerPattern } from "./local-trust-policy.ts";
import { type Session, scopeOf } from "./session.ts";
import type { Settings } from "./settings.ts";
import { fields } from "./table.ts";

export interface ToSign {
  readonly body: ArtefactToSign;
  readonly format: ArtefactToSign["format"];
  readonly type: ArtefactType;
  /** What has to come back signed, octet by octet. */
  readonly content: Uint8Array;
  readonly observed: Observed;
  readonly signer?: string;
  readonly requestId?: string;
}

/** Has it signed, and believes what comes back only when it is this, octet by octet, by the signer that was asked for, and holds as a relying party sees
 *  it. `octets` are to be written as the form says. Throws SIGNATURE_INVALID. */
export async function askToSign(
  { body, format, type, content, observed, signer, requestId = randomUUIDv7() }: ToSign,
  session: Session,
): Promise<{ readonly signature: Signature; readonly octets: readonly Uint8Array[] }> {
  const path = `/api/v1/sign/${type.replaceAll("_", "-")}`;
  const call = {
    method: "POST",
    path,
    query: scopeOf(session),
    body: { ...body, signer, format },
    requestId,
    answer: Signature,
  } as const;
  const signature = await session.during(`having ${body.name} signed`, session.client.call(call));
  const answered = readAnswer(signature);
  if (!equalBytes(answered.content, content))
    throw new PkiError("SIGNATURE_INVALID", "what was signed is something else");
  requireSound(answered.material, { observed, type, signer: signer ?? signature.signer }, session.settings);
  return { signature, octets: answered.octets };
}

function readAnswer({ manifest, signature, bundle }: Signature): {
  readonly material: SignatureMaterial;
  readonly content: Uint8Array;
  readonly octets: readonly Uint8Array[];
} {
  if (bundle === undefined) {
    const [content, cms] = [Buffer.from(manifest ?? ""), Buffer.from(signature ?? "", "base64")];
    return { material: { format: "manifest", manifest: content, cms }, content, octets: [content, cms] };
  }
  const octets = Buffer.from(bundle);
  const { payload } = parseBundle(octets).envelope;
  return { material: { format: "bundle", bundle: octets }, content: payload, octets: [octets] };
}

/** Down to the root, by every check there is. Whether the signer's certificate is revoked the signing service has looked at. */
function requireSound(
  material: SignatureMaterial,
  { observed, type, signer }: { readonly observed: Observed; readonly type: ArtefactType; readonly signer: string },
  settings: Settings,
): void {
  const { roots, bundle } = readTrusted(settings);
  const known = codeSigningAuthorities(bundle);
  // Without the suite's bundle at hand, whoever issued to the signer under its root.
  const issuers = known.length > 0 ? known : certificatesIn(material).filter(({ isCa }) => isCa);
  const { organisation } = settings;
  const { verdicts } = verifySignedArtefact({
    ...{ material, observed },
    trust: { anchors: roots, timeStampAnchors: roots, intermediates: bundle },
    policy: {
      issuers: issuers.map(({ spkiDer }) => `sha256:${hash("sha256", spkiDer)}` as const),
      identities: [signerPattern(organisation, signer)],
      ...{ organisation, types: [type], revocation: "where-known", recall: "where-known" },
    },
  });
  const faults = verdicts.flatMap(({ name, ok, code }) => (ok ? [] : [`${name}: ${code}`]));
  if (faults.length > 0) throw new PkiError("SIGNATURE_INVALID", `the signature does not hold (${faults.join(", ")})`);
}

/** Tells what was signed; `more` is for scripts, `rows` are for people. */
export function tellSigned(
  { signature_id, artefact_digest, signer, signed_at, cert_serial, type, name, format }: Signature,
  { path, more }: { readonly path: string; readonly more: object },
  session: Session,
  rows: readonly (readonly [string, string])[] = [],
): void {
  const told = { signature_id, path, format, artefact_digest, signer, signed_at, cert_serial, ...more };
  session.result(told, () =>
    fields([
      ["signed", path],
      ["artefact", `${type} ${name}`],
      ["digest", artefact_digest],
      ...rows,
      ["signer", signer],
      ["time", signed_at],
      ["signature", signature_id],
    ]),
  );
}
