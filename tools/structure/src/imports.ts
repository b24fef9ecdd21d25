import { globSync, readFileSync } from "node:fs";

export interface Import {
  /** Path of the importing file from the repository's root, with forward slashes. */
  readonly file: string;
  /** Package directory of the importing file: "libs/x509". */
  readonly from: string;
  /** What is imported, as written. */
  readonly specifier: string;
  readonly isTest: boolean;
}

const STATEMENT =
  /(?:^|\n)\s*(?:import|export)\s[^;'"]*?from\s*["']([^"']+)["']|(?:^|\n)\s*import\s*["']([^"']+)["']|import\(\s*["']([^"']+)["']/g;

/** Every import of every TypeScript file in the workspace. `test/` folders and `*.test.ts` count as tests. */
export function readImports(root: string): Import[] {
  const files = globSync("{libs,services,tools}/*/{src,test}/**/*.ts", { cwd: root });
  return files.flatMap((file) => {
    const text = readFileSync(`${root}/${file}`, "utf8");
    const from = file.split("/").slice(0, 2).join("/");
    const isTest = file.endsWith(".test.ts") || file.includes("/test/");
    return [...text.matchAll(STATEMENT)].map((match) => ({
      file,
      from,
      isTest,
      specifier: match[1] ?? match[2] ?? match[3] ?? "",
    }));
  });
}
