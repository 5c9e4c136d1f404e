/** A node or coordinator whose store was moved away, or whose configuration names another place, does not begin anew without a word. */
import { mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { initCoordinator, startCoordinator } from "../../coordinator/main.ts";
import { initParty, startParty } from "../../party/main.ts";

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

test("a folder that a coordinator has run in, and an empty store", async () => {
  const parent = await mkdtemp(join(tmpdir(), "entente-lost-"));
  folders.push(parent);
  const [folder, aside] = [join(parent, "hub"), join(parent, "coordinator.db")];
  await initCoordinator({ folder, port: 0, enrolPort: 0 });
  const start = () => startCoordinator({ folder, log: { write: () => {} } });
  await (await start()).close();
  await rename(join(folder, "coordinator.db"), aside);
  for (let attempt = 0; attempt < 2; attempt++) await expect(start()).rejects.toMatchObject({ code: "STORE_LOST" });
  await rename(aside, join(folder, "coordinator.db"));
  await (await start()).close();
});

test("a folder that a node has run in, and an empty store", async () => {
  const parent = await mkdtemp(join(tmpdir(), "entente-lost-"));
  folders.push(parent);
  const [folder, aside] = [join(parent, "bank"), join(parent, "node.db")];
  await initParty({ folder, party: "bank", apiPort: 0 });
  const start = () => startParty({ folder, logTo: { write: () => {} } });
  await (await start()).close();
  await rename(join(folder, "node.db"), aside);
  // The second time as the first: what a refused start leaves behind is no store of this node's.
  for (let attempt = 0; attempt < 2; attempt++) await expect(start()).rejects.toMatchObject({ code: "STORE_LOST" });
  await rename(aside, join(folder, "node.db"));
  await (await start()).close();
});
