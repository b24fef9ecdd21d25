import {
  ARTEFACT_TYPES,
  type ArtefactType,
  type Digest,
  type Expected,
  isDigest,
  type Observed,
  type SignatureMaterial,
} from "@vcc-pki/artefact";
import type { DigestSignature, VerifyDigestsRequest, VerifyRequest } from "@vcc-pki/proto/signing";
import type { SpiffeId } from "@vcc-pki/rpc";
import {
  type Certificate,
  type CertificateList,
  type OcspResponse,
  parseCertificate,
  parseCertificateList,
  parseOcspResponse,
} from "@vcc-pki/x509";
import { parseFiles } from "./artefact-request.ts";
import { malformed, parseDigest, parseDigests, parseSigner } from "./request.ts";

/** Whom and what a question is to be judged by beside the suite's own. */
export interface Brought {
  readonly anchors: readonly Certificate[];
  /** Keys of issuing authorities. */
  readonly issuers: readonly Digest[];
  readonly certificates: readonly Certificate[];
  readonly crls: readonly CertificateList[];
  readonly ocspResponses: readonly OcspResponse[];
}

/** Whether what is there may be used, by what vouches for it and a policy. */
export interface VerifyQuestion {
  readonly policy: string;
  /** Undefined: any that the policy takes. */
  readonly type: ArtefactType | undefined;
  /** Undefined: any that the policy takes. */
  readonly signer: string | undefined;
  readonly material: SignatureMaterial;
  readonly observed: Observed;
  readonly expected: Expected;
  readonly brought: Brought;
}

const DEFAULT_POLICY = "artefacts";
const DIGEST_POLICY = "digests";
/** Of each kind of thing a request may bring along. */
const MAX_BROUGHT = 32;
const NOTHING: Brought = { anchors: [], issuers: [], certificates: [], crls: [], ocspResponses: [] };

/** Throws REQUEST_MALFORMED, and what the parsers of what is brought along throw. What vouches for the artefact, and names of files, are judged, not parsed. */
export function parseVerifyQuestion(request: VerifyRequest): VerifyQuestion {
  const { policy, type, material, there, expected } = request;
  return {
    ...{ policy: policy || DEFAULT_POLICY, type: parseType(type), signer: undefined },
    ...{ material: parseMaterial(material), observed: parseThere(there) },
    expected: parseExpected(expected),
    brought: parseBrought(request),
  };
}

/** One question for each digest. Throws REQUEST_MALFORMED. */
export function parseDigestQuestions({ signer, items }: VerifyDigestsRequest, requester: SpiffeId): VerifyQuestion[] {
  const named = parseSigner(signer, requester);
  parseDigests(items.map(({ sha256 }) => sha256));
  return items.map(({ sha256, signedDataDer }: DigestSignature) => ({
    ...{ policy: DIGEST_POLICY, type: undefined, signer: named, expected: {}, brought: NOTHING },
    material: { format: "cms", cms: signedDataDer },
    observed: { shape: "digest", hash: "sha256", digest: sha256 },
  }));
}

function parseType(type: string): ArtefactType | undefined {
  const known = ARTEFACT_TYPES.find((each) => each === type);
  if (type !== "" && known === undefined) throw malformed("no such type of artefact");
  return known;
}

function parseMaterial(material: VerifyRequest["material"]): SignatureMaterial {
  switch (material?.$case) {
    case "manifest":
      return { format: "manifest", manifest: material.value.manifest, cms: material.value.signedDataDer };
    case "signedDataDer":
      return { format: "cms", cms: material.value };
    case "bundleJson":
      return { format: "bundle", bundle: material.value };
    case undefined:
      throw malformed("what vouches for the artefact is missing");
  }
}

function parseThere(there: VerifyRequest["there"]): Observed {
  switch (there?.$case) {
    case "files":
      return parseFiles(there.value);
    case "artefactDigest": {
      const digest = Uint8Array.fromHex(parseDigest(there.value).slice("sha256:".length));
      return { shape: "digest", hash: "sha256", digest };
    }
    case undefined:
      throw malformed("it is not said what is there");
  }
}

function parseExpected({
  name = "",
  version = "",
  baseModel = "",
}: Partial<NonNullable<VerifyRequest["expected"]>> = {}): Expected {
  return {
    ...(name !== "" && { name }),
    ...(version !== "" && { version }),
    ...(baseModel !== "" && { baseModel: parseDigest(baseModel) }),
  };
}

function parseBrought(request: VerifyRequest): Brought {
  const { anchorsDer, issuers, certificatesDer, crlsDer, ocspResponsesDer } = request;
  const brought = [anchorsDer, issuers, certificatesDer, crlsDer, ocspResponsesDer];
  if (brought.some(({ length }) => length > MAX_BROUGHT))
    throw malformed(`at most ${MAX_BROUGHT} certificates, issuers, lists or responses`);
  if (!issuers.every(isDigest)) throw malformed("an issuer is sha256: and 64 lower-case hex digits");
  return {
    ...{ anchors: anchorsDer.map(parseCertificate), issuers },
    ...{ certificates: certificatesDer.map(parseCertificate), crls: crlsDer.map(parseCertificateList) },
    ocspResponses: ocspResponsesDer.map(parseOcspResponse),
  };
}
