import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { repositoryRoot } from "@vcc-pki/suite-tool";
import type { GeneralNamesInput, KeyAlgorithmId } from "@vcc-pki/x509";
import { parse } from "yaml";

/** How a certificate of a profile is asked for. */
export interface ProfileRequest {
  readonly profile: string;
  /** One of each kind of key that the profile admits. */
  readonly keyAlgorithms: readonly KeyAlgorithmId[];
  /** Empty: the profile's own authority. */
  readonly authorityId: string;
  readonly organisation: string;
  /** The suite service that asks; undefined: an administrator. */
  readonly service?: string;
  readonly names: GeneralNamesInput;
}

export const TENANT = "conformance";
export const PARTNER = "partner";
export const PARTNER_CA = "partner-ca";

/** Made by the ceremony: the names of the roadmap's templates are its own. */
const LAND = "brandenburg";

const workload = (service: string, organisation = TENANT) =>
  `spiffe://vcc.internal/org/${organisation}/service/${service}`;
const suite = (service: string) => [`spiffe://vcc.internal/pki/${service}`];
const DOMAIN = "conformance.vcc.test";

type Asked = Omit<ProfileRequest, "profile" | "keyAlgorithms" | "authorityId"> & { readonly authorityId?: string };

/** Who asks for a certificate of each profile, and for which names. A profile without an entry here is a mistake. */
const ASKED: Readonly<Record<string, Asked>> = {
  admin: {
    organisation: TENANT,
    names: { uri: [`spiffe://vcc.internal/org/${TENANT}/admin/anna`], email: [`anna@${DOMAIN}`] },
  },
  clara_model_template: {
    organisation: LAND,
    names: { dns: ["clara.vcc.internal"], uri: [workload("clara", LAND)], email: ["clara@models.vcc.internal"] },
  },
  code_signing: { organisation: TENANT, names: { email: [`build@${DOMAIN}`], uri: [workload("build")] } },
  external_integration: {
    organisation: PARTNER,
    authorityId: PARTNER_CA,
    names: { dns: ["api.partner.test", "partner.test"] },
  },
  mtls_service: {
    organisation: TENANT,
    names: { dns: [`argus.${DOMAIN}`], ip: ["10.20.0.1", "2001:db8:20::1"], uri: [workload("argus")] },
  },
  mtls_service_short: { organisation: TENANT, names: { dns: [`covina.${DOMAIN}`] } },
  ocsp_responder: {
    organisation: "vcc",
    authorityId: "vcc-services-ca",
    service: "ocsp",
    names: { uri: suite("ocsp") },
  },
  platform: { organisation: "vcc", service: "lifecycle", names: { uri: suite("lifecycle") } },
  recall_list: { organisation: "vcc", service: "signing", names: { uri: suite("signing") } },
  tsa_unit: { organisation: "vcc", service: "tsa", names: { uri: suite("tsa") } },
  vcc_service_template: {
    organisation: LAND,
    names: { dns: ["argus.vcc.internal", "argus.vcc.brandenburg.de"], uri: [workload("argus", LAND)] },
  },
};

/** Every profile in deploy/profiles, each with what to ask for. Throws when one is not known here. */
export function readProfileRequests(): ProfileRequest[] {
  const directory = join(repositoryRoot, "deploy/profiles");
  return readdirSync(directory).map((file): ProfileRequest => {
    const profile = basename(file, ".yaml");
    const asked = ASKED[profile];
    if (asked === undefined) throw new Error(`say in ${import.meta.filename} how ${profile} is asked for`);
    const config = parse(readFileSync(join(directory, file), "utf8")) as ProfileFile;
    return { ...asked, profile, authorityId: asked.authorityId ?? "", keyAlgorithms: admittedKeys(config) };
  });
}

interface ProfileFile {
  readonly keyAlgorithms: readonly string[];
  readonly minimumRsaBits?: number;
}

/** "rsa" stands for every size from the profile's least on; the least is tried. */
const admittedKeys = ({ keyAlgorithms, minimumRsaBits = 3072 }: ProfileFile): KeyAlgorithmId[] =>
  keyAlgorithms.map((id) => (id === "rsa" ? `rsa-${minimumRsaBits}` : id) as KeyAlgorithmId);
