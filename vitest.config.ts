import { defineConfig } from "vitest/config";

const shared = { testTimeout: 60_000, hookTimeout: 60_000, pool: "forks" } as const;

// biome-ignore lint/style/noDefaultExport: vitest reads its configuration from the default export
export default defineConfig({
  test: {
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
