import { existsSync } from "node:fs";
import { copyFile, mkdir, rm, writeFile } from "node:fs/promises";
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

/** A directory below the cache that `fill` completes once. A half-filled one is thrown away and filled anew. */
export async function cached(
  cacheDirectory: string,
  name: string,
  fill: (directory: string) => Promise<void>,
): Promise<string> {
  const directory = join(cacheDirectory, name);
  const marker = join(directory, ".complete");
  if (existsSync(marker)) return directory;
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  await fill(directory);
  await writeFile(marker, "");
  return directory;
}

/** `go install module/path@version` into `directory`. A short probe first, so that a proxy that does not answer costs seconds. */
export async function goInstall(module: string, path: string, version: string, directory: string): Promise<void> {
  if (!(await isInstalled("go"))) throw new Error("Go is not installed");
  const env = { GOBIN: directory, GOFLAGS: "-modcacherw" };
  const answers = () => command("go", ["list", "-m", `${module}@${version}`], { timeoutMs: 20_000, env });
  await twice(answers, "the Go module proxy does not answer");
  const { ok, said } = await command("go", ["install", `${module}${path}@${version}`], { timeoutMs: 400_000, env });
  if (!ok) throw new Error(`go install: ${lastLine(said)}`);
}

/** Builds a program of one file that requires one module, as `judge` in `directory`. */
export async function goBuild(source: string, requirement: string, directory: string): Promise<void> {
  if (!(await isInstalled("go"))) throw new Error("Go is not installed");
  const go = (timeoutMs: number, ...args: string[]) =>
    command("go", ["-C", directory, ...args], { timeoutMs, env: { GOFLAGS: "-modcacherw" } });
  await writeFile(join(directory, "go.mod"), "module judge\n");
  await copyFile(source, join(directory, "main.go"));
  await twice(() => go(20_000, "get", requirement), "the Go module proxy does not answer");
  const { ok, said } = await go(400_000, "build", "-o", "judge", ".");
  if (!ok) throw new Error(`go build: ${lastLine(said)}`);
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
