/** `entente coordinator`: makes and runs the service that parties dial out to. */
import { resolve } from "node:path";
import { Command } from "commander";
import { example, outputOf, parsePort, parseSettings, runUntilStopped } from "./context.ts";
import { fields } from "./output.ts";
import { requireAbsent, saveFolder } from "./save.ts";
import { sealCommands } from "./seal.ts";

interface InitFlags {
  readonly dir: string;
  readonly name?: string;
  readonly host?: string;
  readonly port?: number;
  readonly enrolPort?: number;
}

interface AuditExportFlags {
  readonly dir: string;
  readonly collaboration: string;
  readonly out: string;
}

/** For commands that work on a folder of either kind. */
export const coordinatorMain = () => import("../../coordinator/main.ts");

export function coordinatorCommand(): Command {
  const group = new Command("coordinator").description("make and run a coordinator");
  group
    .command("init")
    .description("make a coordinator's folder, with its own certificate authority")
    .requiredOption("--dir <folder>", "folder to make")
    .option("--name <name>", "its name in the logs")
    .option("--host <host>", "address that parties dial")
    .option("--port <port>", "port for enrolled parties", parsePort)
    .option("--enrol-port <port>", "port for enrolment", parsePort)
    .addHelpText("after", example("entente coordinator init --dir hub --host hub.example.cn"))
    .action(async ({ dir, ...options }: InitFlags, command: Command) => {
      const { initCoordinator } = await import("../../coordinator/main.ts");
      const made = await initCoordinator({ folder: resolve(dir), ...options });
      outputOf(command).answer(
        { dir: resolve(dir), ...made },
        fields({ folder: dir, "CA fingerprint": made.caFingerprint, "identity fingerprint": made.fingerprint }),
      );
    });
  group
    .command("start")
    .description("serve until interrupted; with --settings, make the folder at the first start")
    .requiredOption("--dir <folder>", "the coordinator's folder")
    .option("--settings <json>", "what coordinator.json is to say, as a JSON merge patch", parseSettings)
    .addHelpText(
      "after",
      example(
        "entente coordinator start --dir hub",
        `entente coordinator start --dir /data --settings '{"host": "hub.example.cn"}'`,
      ),
    )
    .action(async ({ dir, settings }: { readonly dir: string; readonly settings?: unknown }, command: Command) => {
      const { configureCoordinator, startCoordinator } = await import("../../coordinator/main.ts");
      await runUntilStopped(async () => {
        const folder = resolve(dir);
        if (settings !== undefined) await configureCoordinator({ folder, settings });
        const { endpoints, caFingerprint, opsUrl, stop } = await startCoordinator({ folder });
        const [main, enrolment] = [endpoints.main, endpoints.enrolment].map(({ host, port }) => `${host}:${port}`);
        outputOf(command).answer(
          { main, enrolment, caFingerprint, opsUrl: opsUrl ?? null },
          fields({
            ...{ parties: main, enrolment, "CA fingerprint": caFingerprint },
            ...(opsUrl === undefined ? {} : { "health and metrics": opsUrl }),
          }),
        );
        return stop;
      });
    });
  group
    .command("invite")
    .description("make an invite code, with which one party enrols once")
    .argument("<party>", "name that the party will have")
    .requiredOption("--dir <folder>", "the coordinator's folder")
    .addHelpText("after", example("entente coordinator invite bank --dir hub"))
    .action(async (party: string, { dir }: { readonly dir: string }, command: Command) => {
      const { createInvite } = await import("../../coordinator/main.ts");
      const invite = await createInvite({ folder: resolve(dir), party });
      const output = outputOf(command);
      output.answer(invite, invite.code);
      output.note(`For ${party} alone: it runs 'entente enroll' with this code.`);
    });
  group
    .command("audit-export")
    .description("write the coordinator's log of a collaboration to a new folder, for an auditor")
    .requiredOption("--dir <folder>", "the coordinator's folder; it may be running")
    .requiredOption("--collaboration <id>", "its id, as its parties see it with 'entente evidence list'")
    .requiredOption("--out <folder>", "folder to make")
    .addHelpText("after", example("entente coordinator audit-export --dir hub --collaboration 9c1d... --out from-hub"))
    .action(async ({ dir, collaboration, out }: AuditExportFlags, command: Command) => {
      await requireAbsent(resolve(out));
      const { exportAudit } = await import("../../coordinator/main.ts");
      const files = await exportAudit({ folder: resolve(dir), collaboration });
      await saveFolder(out, files);
      outputOf(command).answer(
        { folder: resolve(out), files: files.length },
        fields({ folder: out, files: files.length }),
      );
    });
  group
    .command("revoke")
    .description("revoke a party's certificates; a running coordinator ends what it has open within seconds")
    .argument("<party>", "name of the party")
    .requiredOption("--dir <folder>", "the coordinator's folder; it may be running")
    .addHelpText("after", example("entente coordinator revoke telecom --dir hub"))
    .action(async (party: string, { dir }: { readonly dir: string }, command: Command) => {
      const { revokeParty } = await import("../../coordinator/main.ts");
      await revokeParty({ folder: resolve(dir), party });
      const output = outputOf(command);
      output.answer({ party, revoked: true }, fields({ party, revoked: "yes" }));
      output.note("Only a new invite from this operator lets it in again: 'entente coordinator invite'.");
    });
  group
    .command("config")
    .description("show what coordinator.json says, with its defaults; secrets are left out")
    .requiredOption("--dir <folder>", "the coordinator's folder")
    .addHelpText("after", example("entente coordinator config --dir hub"))
    .action(async ({ dir }: { readonly dir: string }, command: Command) => {
      const { readCoordinatorConfig } = await import("../../coordinator/main.ts");
      const config = await readCoordinatorConfig({ folder: resolve(dir) });
      outputOf(command).answer(config, JSON.stringify(config, null, 2));
    });
  for (const command of sealing()) group.addCommand(command);
  return group;
}

function sealing(): Command[] {
  return sealCommands({
    ...{ whose: "coordinator", command: "coordinator", dir: "hub" },
    seal: async (place) => {
      await (await import("../../coordinator/main.ts")).sealCoordinator(place);
      return { answer: { sealed: true }, notes: [] };
    },
    rekey: async (place) => (await import("../../coordinator/main.ts")).rekeyCoordinator(place),
  });
}
