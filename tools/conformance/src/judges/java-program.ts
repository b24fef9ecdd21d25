import { command, isInstalled } from "../command.ts";
import { cached, mavenJars, sourceTag } from "../install.ts";

export const BOUNCYCASTLE_VERSION = "1.87";
const JARS = ["bcprov", "bcutil", "bcpkix"].map((name) => `org.bouncycastle:${name}-jdk18on:${BOUNCYCASTLE_VERSION}`);

export interface JavaProgram {
  /** The compiler's. */
  readonly version: string;
  readonly classPath: string;
}

/** Compiles sources once, as `name` in the cache. */
export async function compileJava(
  name: string,
  sources: readonly string[],
  cacheDirectory: string,
  libraries = "",
): Promise<JavaProgram> {
  if (!(await isInstalled("javac"))) throw new Error("no Java compiler (apt-get install default-jdk-headless)");
  const version = (await command("javac", ["-version"])).said.replace("javac ", "");
  const path = (directory: string) => [libraries, directory].filter((entry) => entry !== "").join(":");
  const directory = await cached(cacheDirectory, `${name}-${version}-${await sourceTag(sources)}`, async (target) => {
    const words = ["-cp", path(target), "-d", target, ...sources];
    const compiled = await command("javac", words, { timeoutMs: 120_000 });
    if (!compiled.ok) throw new Error(`javac: ${compiled.said}`);
  });
  return { version, classPath: path(directory) };
}

/** The same against BouncyCastle. */
export async function compileWithBouncyCastle(
  name: string,
  source: string,
  cacheDirectory: string,
): Promise<JavaProgram> {
  const jars = await cached(cacheDirectory, `bouncycastle-${BOUNCYCASTLE_VERSION}`, (target) =>
    mavenJars(JARS, target),
  );
  return compileJava(name, [source], cacheDirectory, `${jars}/*`);
}
