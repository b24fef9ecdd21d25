import { expect, it } from "vitest";
import { findPython, PYTHON_MS, pytest } from "./python.ts";

const files = ["identity_files", "peers", "proxy", "malformed"].map((name) => `tests/test_${name}.py`);
const base = findPython("cryptography", "httpx", "pytest");
const served = findPython("cryptography", "httpx", "fastapi", "uvicorn", "pytest");
const skipped = ({ python, missing }: typeof base) => (python ? "" : ` (skipped: no Python has ${missing})`);

it.skipIf(base.python === undefined)(
  `files of an identity, certificates of callers and headers of proxies${skipped(base)}`,
  async () => {
    expect(await pytest(base.python ?? "", files)).toMatch(/^\d+ passed/);
  },
  PYTHON_MS,
);

it.skipIf(served.python === undefined)(
  `a FastAPI service under uvicorn behind mutual TLS, with certificates exchanged under load${skipped(served)}`,
  async () => {
    expect(await pytest(served.python ?? "", ["tests/test_uvicorn.py"])).toMatch(/^\d+ passed/);
  },
  PYTHON_MS,
);
