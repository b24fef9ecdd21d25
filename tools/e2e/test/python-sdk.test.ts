import { findPython, pytest } from "@vcc-pki/client-python/python";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Suite, startSuite } from "./suite.ts";

const OFFSET = 17_000;
const OCSP_PORT = 8081;
const { python, missing } = findPython("cryptography", "httpx", "fastapi", "uvicorn", "pytest");
let suite: Suite;

beforeAll(async () => {
  suite = await startSuite(OFFSET);
}, 240_000);
afterAll(() => suite.stop());

it.skipIf(python === undefined)(
  `FastAPI services enrol, call each other, are refused, and renew under load${python ? "" : ` (skipped: no Python has ${missing})`}`,
  async () => {
    const where = {
      ...{ origin: suite.origin, root: suite.file("trust/root.pem"), status: `http://127.0.0.1:${OCSP_PORT + OFFSET}` },
      ...{ certificate: suite.file("operator/admin.pem"), key: suite.file("operator/admin-key.pem") },
    };
    const env = { VCC_SUITE: JSON.stringify(where) };
    expect(await pytest(python ?? "", ["tests/test_suite.py"], env)).toMatch(/^\d+ passed/);
  },
  480_000,
);
