import { hash, timingSafeEqual } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import { Decider, type Decision, matrixFromJson } from "@vcc-pki/matrix";
import { DEFAULT_TRUST_DOMAIN, parseSpiffeId } from "@vcc-pki/x509";
import { loadVerified } from "../load-verified.ts";

/** A request, as the service that is called sees it. */
export interface IncomingRequest {
  /** SPIFFE URI of the peer, from its certificate as TLS has verified it. Nothing of what a header says. */
  readonly caller: string;
  /** The service that is called: a name of the matrix's organisation. */
  readonly target: string;
  readonly method: string;
  /** The request target, as it came in. */
  readonly path: string;
}

/** The communication matrix of an organisation, as `vcc-pki matrix export` or GET /api/v1/vcc/matrix (`document`) gives it: decides without asking
 *  anybody. Calls from other organisations hang on grants that end, and are denied here; the suite decides those. */
export class ExportedMatrix {
  readonly organisation: string;
  readonly version: number;
  readonly #decider: Decider;
  readonly #trustDomain: string;

  private constructor(octets: Uint8Array, trustDomain: string) {
    const document = parseJson(octets);
    this.#decider = new Decider(matrixFromJson(document));
    ({ organisation: this.organisation, version: this.version } = document as ExportedMatrix);
    this.#trustDomain = trustDomain;
  }

  /** By its SHA-256, hex, which came another way than the octets. Throws ARTEFACT_REFUSED for others, CONFIG_INVALID for what is no matrix. */
  static pinned(octets: Uint8Array, sha256Hex: string, trustDomain: string = DEFAULT_TRUST_DOMAIN): ExportedMatrix {
    const wanted = Buffer.from(sha256Hex, "hex");
    const found = hash("sha256", octets, "buffer");
    if (wanted.length !== found.length || !timingSafeEqual(wanted, found))
      throw new PkiError("ARTEFACT_REFUSED", "the matrix is not the one that is pinned");
    return new ExportedMatrix(octets, trustDomain);
  }

  /** `matrix.json` of a signed directory (`vcc-sign sign --path DIR --type pipeline_config`). Throws as `loadVerified` does, and CONFIG_INVALID for what is no matrix. */
  static async signed(
    directory: string,
    options: Parameters<typeof loadVerified>[1],
    trustDomain: string = DEFAULT_TRUST_DOMAIN,
  ): Promise<ExportedMatrix> {
    const { files } = await loadVerified(directory, options);
    const octets = files.get(SIGNED_FILE);
    if (octets === undefined) throw new PkiError("CONFIG_INVALID", `no ${SIGNED_FILE} was signed`);
    return new ExportedMatrix(octets, trustDomain);
  }

  /** Never throws: who or what cannot be understood is denied. */
  decide({ caller, target, method, path }: IncomingRequest): Decision {
    const source = this.#serviceOf(caller);
    if (source === undefined) return { allowed: false, reason: "no-rule", text: "the caller is no service from here" };
    return this.#decider.decide({ source, target, method, path });
  }

  #serviceOf(caller: string): string | undefined {
    try {
      const id = parseSpiffeId(caller, this.#trustDomain);
      return id.kind === "workload" && id.organisation === this.organisation ? id.service : undefined;
    } catch {
      return undefined;
    }
  }
}

const SIGNED_FILE = "matrix.json";

function parseJson(octets: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(octets));
  } catch (cause) {
    throw new PkiError("CONFIG_INVALID", "a matrix is JSON", { cause });
  }
}
