/** The node's own check of its evidence: what it may take of the machine. */
import { expect, test } from "vitest";
import { checkMemoryMb, EvidenceCheck } from "../../party/api/audit/check.ts";
import { nodePorts } from "../../proto/ports/node.ts";

test("a check that needs more memory than it may have ends, and the node does not", async () => {
  const check = new EvidenceCheck(4);
  const asked = { name: "bank", collect: async () => [], signal: new AbortController().signal, onProgress: () => {} };
  for (let i = 0; i < 2; i++)
    await expect(check.run({ ...asked, timers: nodePorts.timers })).rejects.toMatchObject({
      code: "LIMIT_EXCEEDED",
      detail: expect.stringMatching(/^memory of a check/),
    });
});

test("it may have a quarter of what there is, and 2 GiB at most", () => {
  expect([1, 2, 8, 64].map((gib) => checkMemoryMb(gib * 1024 ** 3))).toEqual([256, 512, 2048, 2048]);
});
