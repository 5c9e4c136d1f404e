/** What an operator is told of a port that cannot be had. */
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { cannotListen } from "../../proto/ops/cannot-listen.ts";

test("names the field, the address and why", async () => {
  const first = createServer();
  await new Promise<void>((listening) => first.listen(0, "127.0.0.1", listening));
  const { port } = first.address() as { port: number };
  const cause = await new Promise<Error>((failed) => createServer().once("error", failed).listen(port, "127.0.0.1"));
  first.close();
  expect(cannotListen("api", { host: "127.0.0.1", port }, cause)).toMatchObject({
    code: "BAD_REQUEST",
    detail: `api: cannot listen on port ${port} of 127.0.0.1: another process has it`,
  });
  const refusal = (code?: string) => cannotListen("ops", { host: "h", port: 80 }, Object.assign(new Error(), { code }));
  expect(refusal("EACCES").detail).toMatch(/this user may not/);
  expect(refusal("EADDRNOTAVAIL").detail).toMatch(/no such address/);
  expect(refusal("EMFILE").detail).toMatch(/: EMFILE$/);
  expect(refusal().detail).toMatch(/unknown reason/);
});
