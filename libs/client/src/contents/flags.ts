import type { HashedFile } from "../hashing/hash-tree.ts";

/** What makes a file one that runs, or may run, when the artefact is loaded, though it is called a model. */
export const FLAGS = ["pickle", "pickle-name", "code"] as const;

export type Flag = (typeof FLAGS)[number];

export interface FlaggedFile {
  readonly path: string;
  readonly flag: Flag;
}

const PICKLE_NAME =
  /\.(pkl|pickle|pt|pth|ckpt|joblib|dill)$|(^|\/)(pytorch_model|adapter_model|training_args|optimizer|scheduler)[^/]*\.bin$/i;
const PYTHON_NAME = /\.(py|pyc|pyd|so)$/i;

/** Files of a model that are a pickle, or are called as pickles are, and code that `trust_remote_code` would run. A file gets the first
 *  flag that fits. */
export function flagFiles(files: readonly HashedFile[]): FlaggedFile[] {
  return files.flatMap((file) => {
    const flag = flagOf(file);
    return flag ? [{ path: file.path, flag }] : [];
  });
}

function flagOf({ path, ranges }: HashedFile): Flag | undefined {
  if (ranges[0]?.isPickle) return "pickle";
  if (PICKLE_NAME.test(path)) return "pickle-name";
  return PYTHON_NAME.test(path) ? "code" : undefined;
}
