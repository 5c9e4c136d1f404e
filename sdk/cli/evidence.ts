/** `entente evidence`: how the logs stand, and what to do when one has forked. `entente keys`: new ones. */

import { resolve } from "node:path";
import { Command } from "commander";
import { fromBase64 } from "../../proto/encoding/bytes.ts";
import { labelOf } from "../../proto/evidence/origin.ts";
import type { RouteResponse } from "../../proto/http/routes.ts";
import { clientOf, example, outputOf } from "./context.ts";
import { fields, table } from "./output.ts";
import { keySealCommands, recoverCommand } from "./party.ts";
import { requireAbsent, saveFolder } from "./save.ts";

function describe(view: RouteResponse<"recoverLog">): string {
  const { collaboration, peer, origin, entries, cosigned, state, advice } = view;
  return fields({ collaboration, peer, log: origin, entries, cosigned, state, "what to do": advice ?? undefined });
}

export function evidenceCommand(): Command {
  const group = new Command("evidence").description("how the evidence logs stand, and what to do when one has forked");
  group
    .command("list")
    .description("list the collaborations with their logs")
    .addHelpText("after", example("entente evidence list"))
    .action(async (_options: object, command: Command) => {
      const answer = await (await clientOf(command)).call("collaborations", {});
      const rows = answer.collaborations.map(({ collaboration, peer, origin, entries, cosigned, state }) => [
        collaboration,
        peer,
        state,
        String(entries),
        String(cosigned),
        labelOf(origin),
      ]);
      const head = ["collaboration", "peer", "state", "entries", "cosigned", "log"];
      const advice = answer.collaborations.flatMap((view) => (view.advice === null ? [] : [`\n\n${view.advice}`]));
      outputOf(command).answer(answer, table(head, rows, "No collaborations yet.") + advice.join(""));
    });
  group
    .command("recover")
    .description("begin this node's log anew after it was lost; its first entry says what is lost")
    .argument("<collaboration>", "its id")
    .addHelpText("after", example("entente evidence recover 9c1d..."))
    .action(async (collaboration: string, _options: object, command: Command) => {
      const view = await (await clientOf(command)).call("recoverLog", { collaboration });
      outputOf(command).answer(view, describe(view));
    });
  group
    .command("resume")
    .description("let jobs run again after another's log had shown two histories")
    .argument("<collaboration>", "its id")
    .addHelpText("after", example("entente evidence resume 9c1d..."))
    .action(async (collaboration: string, _options: object, command: Command) => {
      const view = await (await clientOf(command)).call("resumeCollaboration", { collaboration });
      outputOf(command).answer(view, describe(view));
    });
  group
    .command("forks")
    .description("write the forks that this node has seen to a new folder, for an auditor")
    .argument("<collaboration>", "its id")
    .requiredOption("--out <folder>", "folder to make")
    .addHelpText("after", example("entente evidence forks 9c1d... --out forks"))
    .action(async (collaboration: string, { out }: { readonly out: string }, command: Command) => {
      await requireAbsent(resolve(out));
      const { files } = await (await clientOf(command)).call("forks", { collaboration });
      const written = files.map(({ path, base64 }) => ({ path, bytes: fromBase64(base64) }));
      await saveFolder(out, written);
      const answer = { folder: resolve(out), files: written.length };
      outputOf(command).answer(answer, fields({ folder: out, files: written.length }));
    });
  return group;
}

export function keysCommand(): Command {
  const group = new Command("keys").description("the node's working keys and its identity");
  group
    .command("rotate")
    .description("make new working keys under the same identity; every log says so. No job may be running")
    .addHelpText("after", example("entente keys rotate"))
    .action(async (_options: object, command: Command) => {
      const keyset = await (await clientOf(command)).call("rotateKeys", {});
      outputOf(command).answer(keyset, fields({ "valid from": keyset.validFrom, "valid until": keyset.validUntil }));
    });
  group
    .command("rotate-identity")
    .description("make a new identity, which the present one signs, and new working keys. No job may be running")
    .addHelpText("after", example("entente keys rotate-identity"))
    .action(async (_options: object, command: Command) => {
      const made = await (await clientOf(command)).call("rotateIdentity", {});
      const { fingerprint, validFrom, validUntil } = made;
      outputOf(command).answer(made, fields({ fingerprint, "valid from": validFrom, "valid until": validUntil }));
    });
  group.addCommand(recoverCommand());
  for (const command of keySealCommands()) group.addCommand(command);
  return group;
}
