import { mkdirSync } from "node:fs";
import { z } from "zod";
import { naming, type Owner } from "./files/durable.ts";
import { type FileSet, fileSet, isInPlace, type NamedFile } from "./files/file-set.ts";
import { findOwner } from "./files/owner.ts";

/** A name without a path, which Windows takes as well (no device names, no trailing dot). */
const FileName = z
  .string()
  .regex(/^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9_-])?$/, "a file name without a path")
  .refine((name) => !/^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(name), "Windows keeps this name for a device");

export const Mode = z
  .string()
  .regex(/^0?[0-7]{3}$/, "permission bits in octal, such as 0640")
  .transform((text) => Number.parseInt(text, 8));

/** Names and permissions of the files a service reads its certificate from; all in PEM. `files` in deploy/policies/services.yaml names the first three. */
export const LayoutProfile = z
  .strictObject({
    /** The certificate and its issuers, without the root. */
    certificate: FileName.optional(),
    /** PKCS#8, unencrypted. */
    key: FileName.optional(),
    /** The roots to trust. */
    trust: FileName.optional(),
    /** Certificate, issuers and key in one file, as HAProxy reads them. */
    combined: FileName.optional(),
    /** Of files without a key. */
    mode: Mode.default(0o644),
    /** Of files with a key: nothing for others. */
    keyMode: Mode.refine((mode) => (mode & 0o007) === 0, "a key is for nobody else").default(0o600),
    /** "user:group", names or numbers, for every file. Whoever the agent runs as unless given. */
    owner: z
      .string()
      .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*:[A-Za-z0-9_][A-Za-z0-9_.-]*$/, "user:group")
      .optional(),
  })
  .refine(
    ({ certificate, key, combined }) => combined !== undefined || (certificate !== undefined && key !== undefined),
    "a service needs `certificate` and `key`, or `combined`",
  )
  .refine(({ certificate, key, trust, combined }) => {
    const names = [certificate, key, trust, combined]
      .filter((name) => name !== undefined)
      .map((name) => name.toLowerCase());
    return new Set(names).size === names.length;
  }, "two files have one name");
export type LayoutProfile = z.output<typeof LayoutProfile>;

/** What a service is given, as PEM. */
export interface Material {
  readonly chainPem: string;
  readonly keyPem: string;
  readonly bundlePem: string;
}

/** Where one service has its certificate: what is put there is on trial until it is settled (see FileSet). */
export interface Layout extends Omit<FileSet, "install"> {
  /** Whether exactly this is in place. */
  holds(material: Material): boolean;
  /** Puts it in place, on trial. Throws FILE_NOT_WRITTEN; then the old is in place. */
  install(material: Material): void;
}

/** A directory with a profile. Throws CONFIG_INVALID for an owner that this machine does not know. */
export function createLayout(
  directory: string,
  profile: LayoutProfile,
  { links }: { readonly links: boolean },
): Layout {
  const owner = profile.owner === undefined ? undefined : findOwner(profile.owner);
  const files = fileSet(directory, { links });
  return {
    ...files,
    holds: (material) => isInPlace(directory, filesOf(profile, material, owner)),
    install(material) {
      naming(directory, () => mkdirSync(directory, { recursive: true, mode: 0o755 }));
      files.install(filesOf(profile, material, owner));
    },
  };
}

/** In the order in which a reader may see them change: trust before what needs it, the key last. */
function filesOf(profile: LayoutProfile, { chainPem, keyPem, bundlePem }: Material, owner?: Owner): NamedFile[] {
  const open = { mode: profile.mode, owner };
  const closed = { mode: profile.keyMode, owner };
  const files: [string | undefined, Omit<NamedFile, "name">][] = [
    [profile.trust, { content: bundlePem, ...open }],
    [profile.certificate, { content: chainPem, ...open }],
    [profile.combined, { content: chainPem + keyPem, ...closed }],
    [profile.key, { content: keyPem, ...closed }],
  ];
  return files.flatMap(([name, file]) => (name === undefined ? [] : [{ name, ...file }]));
}
