import type { BigIntStats } from "node:fs";

/** What a file is while nobody changes it: device, inode, length and the moments (ns) of its last change of content and of anything
 *  else. The last of them, ctime, is the kernel's own: no call sets it. Two that are equal are the same file with the same content,
 *  under the conditions that remembered-digests.ts names. */
export type FileIdentity = string & { readonly __brand: "FileIdentity" };

export const identityOf = ({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): FileIdentity =>
  `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}` as FileIdentity;
