/** `entente up` as a person has it: three processes, links into the consoles, Ctrl-C. */
import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EntenteClient } from "../../sdk/client.ts";
import { entente } from "../support/command-line.ts";

let folder: string;
let child: ChildProcess | undefined;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "entente-up-"));
});
afterAll(async () => {
  child?.kill("SIGKILL");
  await rm(folder, { recursive: true });
});

interface Answer {
  readonly consoles: Readonly<Record<"bank" | "bureau", string>>;
}

function clientOf(link: string): EntenteClient {
  const { origin, hash } = new URL(link);
  return new EntenteClient({ url: origin, token: hash.replace("#token=", "") });
}

test("both sides are enrolled, online and confirmed, their links sign in, and Ctrl-C ends all three in good order", async () => {
  const dir = join(folder, "local");
  const told = Promise.withResolvers<Answer>();
  const onStart = (started: ChildProcess) => {
    child = started;
    let text = "";
    started.stdout?.on("data", (chunk: string) => {
      text += chunk;
      if (text.endsWith("}\n")) told.resolve(JSON.parse(text) as Answer);
    });
  };
  const ended = entente(["up", "--dir", dir, "--json"], { onStart });
  const answer = await Promise.race([told.promise, ended.then((end) => Promise.reject(new Error(end.stderr)))]);
  for (const party of ["bank", "bureau"] as const) {
    const client = clientOf(answer.consoles[party]);
    expect(await client.call("node", {})).toMatchObject({ party, connected: true });
    expect((await client.call("peers", {})).peers).toMatchObject([{ confirmed: true }]);
  }
  // The part of the links that signs in lies there, and logs.
  expect((await stat(dir)).mode & 0o777).toBe(0o700);
  const again = await entente(["up", "--dir", dir]);
  expect([again.code, again.stdout.includes(answer.consoles.bank), again.stderr]).toEqual([
    0,
    true,
    "They were running already.\n",
  ]);
  child?.kill("SIGINT");
  expect((await ended).code).toBe(0);
  for (const party of ["bank", "bureau"]) expect(existsSync(join(dir, party, "api.json"))).toBe(false);
});
