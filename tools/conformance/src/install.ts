import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { command, isInstalled } from "./command.ts";

/** Debian package → its command, by apt when we are root. Rejects with the reason otherwise. */
export async function requireDebianPackage(packageName: string, file: string): Promise<void> {
  if (await isInstalled(file)) return;
  if (process.getuid?.() !== 0) throw new Error(`not installed (apt-get install ${packageName})`);
  const apt = (...args: string[]) =>
    command(
      "apt-get",
      ["-o", "Acquire::http::Timeout=10", "-o", "Acquire::Retries=1", "-o", "DPkg::Lock::Timeout=30", "-qq", ...args],
      { timeoutMs: 180_000, env: { DEBIAN_FRONTEND: "noninteractive" } },
    );
  const install = () => apt("install", "-y", "--no-install-recommends", packageName);
  if ((await install()).ok) return;
  await apt("update");
  const { ok, said } = await install();
  if (!ok) throw new Error(`apt-get could not install ${packageName}: ${lastLine(said)}`);
}

/** Names what was built from these files: other sources are other programs. */
export async function sourceTag(files: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const file of files) hash.update(await readFile(file));
  return hash.digest("hex").slice(0, 12);
}

const filling = new Map<string, Promise<string>>();

/** A directory below the cache that `fill` completes once, whoever asks for it. A half-filled one is thrown away and filled anew. */
export function cached(
  cacheDirectory: string,
  name: string,
  fill: (directory: string) => Promise<void>,
): Promise<string> {
  const directory = join(cacheDirectory, name);
  const begun = filling.get(directory) ?? fillOnce(directory, fill);
  filling.set(directory, begun);
  return begun;
}

async function fillOnce(directory: string, fill: (directory: string) => Promise<void>): Promise<string> {
  const marker = join(directory, ".complete");
  if (existsSync(marker)) return directory;
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  await fill(directory);
  await writeFile(marker, "");
  return directory;
}

export interface GoPackage {
  readonly module: string;
  readonly version: string;
  /** Below the module, with a slash in front. */
  readonly path?: string;
}

/** `go install` of a command into `directory`. */
export async function goInstall({ module, version, path = "" }: GoPackage, directory: string): Promise<void> {
  await requireGoModule(module, version);
  const env = { GOBIN: directory, GOFLAGS: "-modcacherw" };
  const { ok, said } = await command("go", ["install", `${module}${path}@${version}`], { timeoutMs: 600_000, env });
  if (!ok) throw new Error(`go install: ${lastLine(said)}`);
}

/** Builds a program of one file that requires one package, as `judge` in `directory`. */
export async function goBuild(source: string, required: GoPackage, directory: string): Promise<void> {
  const { module, version, path = "" } = required;
  await requireGoModule(module, version);
  const go = (...args: string[]) =>
    command("go", ["-C", directory, ...args], { timeoutMs: 400_000, env: { GOFLAGS: "-modcacherw" } });
  await writeFile(join(directory, "go.mod"), "module judge\n");
  await copyFile(source, join(directory, "main.go"));
  await twice(() => go("get", `${module}${path}@${version}`), "go get");
  const { ok, said } = await go("build", "-o", "judge", ".");
  if (!ok) throw new Error(`go build: ${lastLine(said)}`);
}

/** A program for Windows that does nothing, as Go's linker writes it. */
export async function buildWindowsProgram(cacheDirectory: string): Promise<string> {
  if (!(await isInstalled("go"))) throw new Error("Go is not installed");
  const directory = await cached(cacheDirectory, "windows-program", async (target) => {
    await writeFile(join(target, "main.go"), "package main\n\nfunc main() {}\n");
    const words = ["build", "-o", join(target, "program.exe"), join(target, "main.go")];
    const { ok, said } = await command("go", words, { timeoutMs: 200_000, env: { GOOS: "windows", GOARCH: "amd64" } });
    if (!ok) throw new Error(`go build: ${lastLine(said)}`);
  });
  return join(directory, "program.exe");
}

/** A short probe, so that a proxy that does not answer costs seconds. */
async function requireGoModule(module: string, version: string): Promise<void> {
  if (!(await isInstalled("go"))) throw new Error("Go is not installed");
  const answers = () => command("go", ["list", "-m", `${module}@${version}`], { timeoutMs: 20_000 });
  await twice(answers, "the Go module proxy does not answer");
}

/** `pip install` of one requirement, or several with spaces between them, into a fresh virtual environment at `directory`. */
export async function pipInstall(requirement: string, directory: string): Promise<void> {
  if (!(await isInstalled("python3"))) throw new Error("Python 3 is not installed");
  const venv = await command("python3", ["-m", "venv", directory], { timeoutMs: 60_000 });
  if (!venv.ok) throw new Error("python3 -m venv does not work (apt-get install python3-venv)");
  const pip = join(directory, "bin", "pip");
  const install = () =>
    command(
      pip,
      [
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--timeout",
        "10",
        "--retries",
        "1",
        ...requirement.split(" "),
      ],
      {
        timeoutMs: 120_000,
      },
    );
  await twice(install, `pip could not install ${requirement}`);
}

/** Copies these artifacts (group:name:version) from Maven's repositories to `directory`. */
export async function mavenJars(artifacts: readonly string[], directory: string): Promise<void> {
  if (!(await isInstalled("mvn"))) throw new Error("Maven is not installed (apt-get install maven)");
  for (const artifact of artifacts) {
    const words = ["-q", "-B", "dependency:copy", `-Dartifact=${artifact}`, `-DoutputDirectory=${directory}`];
    await twice(() => command("mvn", words, { timeoutMs: 120_000 }), `Maven could not fetch ${artifact}`);
  }
}

async function twice(attempt: () => ReturnType<typeof command>, complaint: string): Promise<void> {
  let reason = "";
  for (let tries = 0; tries < 2; tries++) {
    try {
      const { ok, said } = await attempt();
      if (ok) return;
      reason = lastLine(said);
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
    }
  }
  throw new Error(`${complaint}: ${reason}`);
}

const lastLine = (text: string): string => text.trim().split("\n").at(-1) ?? "";
