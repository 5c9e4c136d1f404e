import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/{unit,property,vectors,protocol,fault,e2e}/**/*.test.ts"],
    // Two cores: more workers only make the end-to-end tests slower.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
