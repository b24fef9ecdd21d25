import type { Bench } from "../bench.ts"; export const ocspMillion: Bench = { name: "ocsp-million", summary: "", async run() { return []; } };
