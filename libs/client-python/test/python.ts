import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const PACKAGE = new URL("..", import.meta.url).pathname;

/** Debian's packages are for Debian's Python, which need not be the first on the path. */
const CANDIDATES = [process.env.VCC_PYTHON, "/usr/bin/python3", "python3"].filter((name) => name !== undefined);

/** For a run of pytest, beside other tests on a busy machine. */
export const PYTHON_MS = 240_000;

/** The first Python that has these modules, and which are missing where there is none. */
export function findPython(...modules: string[]): { readonly python?: string; readonly missing: string } {
  const program = `import importlib.util as u,sys;print(*[m for m in sys.argv[1:] if u.find_spec(m) is None])`;
  let missing = "python3";
  for (const python of CANDIDATES) {
    try {
      missing = execFileSync(python, ["-c", program, ...modules], { encoding: "utf8", stdio: "pipe" }).trim();
    } catch {
      continue;
    }
    if (missing === "") return { python, missing };
  }
  return { missing };
}

/** Runs tests of the package by pytest, and returns its last line. Rejects with what it printed when one fails, or when there is none. */
export async function pytest(python: string, files: readonly string[], env: Record<string, string> = {}) {
  const bytecode = mkdtempSync(join(tmpdir(), "vcc-python-"));
  try {
    const { stdout } = await promisify(execFile)(python, ["-m", "pytest", ...files], {
      cwd: PACKAGE,
      env: { ...process.env, PYTHONPYCACHEPREFIX: bytecode, ...env },
      maxBuffer: 16 * 1024 * 1024,
    });
    return stdout.trim().split("\n").at(-1) ?? "";
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    throw new Error(`pytest: ${stdout.slice(-8_000)}${stderr.slice(-2_000)}`, { cause: error });
  } finally {
    rmSync(bytecode, { recursive: true, force: true });
  }
}
