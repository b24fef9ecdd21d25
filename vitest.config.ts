import { defineConfig } from "vitest/config";

const shared = { testTimeout: 60_000, hookTimeout: 60_000, pool: "forks" } as const;

// biome-ignore lint/style/noDefaultExport: vitest reads its configuration from the default export
export default defineConfig({
  test: {
    // On two cores vitest would use one: what a test waits for, mostly, is another process or the disk.
    maxWorkers: 2,
    globalSetup: "./libs/testkit/src/temporary-directory.ts",
    projects: [
      {
        test: {
          ...shared,
          name: "suite",
          include: ["{libs,services,tools}/*/{src,test}/**/*.test.ts"],
          exclude: ["tools/structure/**"],
        },
      },
      { test: { ...shared, name: "structure", include: ["tools/structure/**/*.test.ts"] } },
    ],
  },
});
