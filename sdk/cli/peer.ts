/** `entente peer`: the other parties, and whether this one knows who they are. */
import { Command } from "commander";
import { EntenteError } from "../../proto/errors.ts";
import type { RouteResponse } from "../../proto/http/routes.ts";
import type { EntenteClient } from "../client.ts";
import { canAsk, Prompt } from "./ask.ts";
import { clientOf, example, outputOf } from "./context.ts";
import { fields, type Output, table } from "./output.ts";

type Succession = NonNullable<RouteResponse<"peers">["peers"][number]["succession"]>;

function yesNo(value: boolean): string {
  return value ? "yes" : "no";
}

function describeSuccession(party: string, { fingerprint, effectiveAt, confirmed }: Succession): string {
  const wants = `${party} wants a new identity in the place of a lost one: ${fingerprint}.`;
  return confirmed
    ? `${wants} It was confirmed here, and holds from ${effectiveAt}.`
    : `${wants} Ask ${party} by telephone whether that is true, then run 'entente peer accept-succession ${party}'. It holds from ${effectiveAt} at the earliest.`;
}

/** Shows the directory's fingerprint and takes a person's word that the peer reads out the same. */
async function askFingerprint(client: EntenteClient, party: string, output: Output): Promise<string> {
  const { peers } = await client.call("peers", {});
  const peer = peers.find((known) => known.party === party);
  if (peer === undefined) throw new EntenteError("PEER_UNKNOWN");
  output.note(`The coordinator shows for ${party}:  ${peer.fingerprint}`);
  const prompt = new Prompt();
  try {
    const text = `Does ${party} read out the same over the telephone? (yes or no)`;
    const reply = await prompt.ask({ text, check: (answer) => answer.toLowerCase() });
    if (reply !== "yes") throw new EntenteError("CANCELLED", { detail: "nothing was confirmed" });
  } finally {
    prompt.close();
  }
  return peer.fingerprint;
}

export function peerCommand(): Command {
  const group = new Command("peer").description("other parties at the coordinator");
  group
    .command("list")
    .description("list peers: fingerprints, and which are confirmed and connected")
    .addHelpText("after", example("entente peer list"))
    .action(async (_options: object, command: Command) => {
      const answer = await (await clientOf(command)).call("peers", {});
      const rows = answer.peers.map((peer) => [
        peer.party,
        peer.fingerprint,
        yesNo(peer.confirmed),
        yesNo(peer.connected),
      ]);
      const advice = answer.peers.flatMap(({ party, succession }) =>
        succession === null ? [] : [`\n\n${describeSuccession(party, succession)}`],
      );
      outputOf(command).answer(
        answer,
        table(["party", "fingerprint", "confirmed", "connected"], rows, "No peers yet.") + advice.join(""),
      );
    });
  group
    .command("confirm")
    .description("confirm a peer's identity, after comparing fingerprints out of band")
    .argument("<party>", "the peer")
    .option("--fingerprint <fingerprint>", "what the peer read out; without it, the command shows one and asks")
    .addHelpText("after", example("entente peer confirm bureau --fingerprint 1a2b-3c4d-..."))
    .action(async (party: string, { fingerprint }: { readonly fingerprint?: string }, command: Command) => {
      const output = outputOf(command);
      if (fingerprint === undefined && (output.isJson || !canAsk()))
        command.error("error: required option '--fingerprint <fingerprint>' not specified (no terminal to ask on)");
      const client = await clientOf(command);
      const confirmed = fingerprint ?? (await askFingerprint(client, party, output));
      const peer = await client.call("confirmPeer", { party, fingerprint: confirmed });
      output.answer(
        peer,
        fields({ party: peer.party, fingerprint: peer.fingerprint, confirmed: yesNo(peer.confirmed) }),
      );
    });
  group
    .command("accept-succession")
    .description("confirm the identity that is to take the place of one that a peer has lost")
    .argument("<party>", "the peer")
    .requiredOption("--fingerprint <fingerprint>", "what the peer read out, over the telephone, of its new identity")
    .addHelpText("after", example("entente peer accept-succession bureau --fingerprint 1a2b-3c4d-..."))
    .action(async (party: string, { fingerprint }: { readonly fingerprint: string }, command: Command) => {
      const peer = await (await clientOf(command)).call("acceptSuccession", { party, fingerprint });
      const { succession } = peer;
      const holds = succession === null ? "now" : `from ${succession.effectiveAt}`;
      outputOf(command).answer(peer, fields({ party: peer.party, "new identity": fingerprint, holds }));
    });
  group
    .command("invite")
    .description("make an invite code for a party that is not enrolled yet")
    .argument("<party>", "name that the party will have")
    .addHelpText("after", example("entente peer invite bureau"))
    .action(async (party: string, _options: object, command: Command) => {
      const answer = await (await clientOf(command)).call("invite", { party });
      const output = outputOf(command);
      output.answer(answer, answer.code);
      output.note(`For ${party} alone, until ${answer.expiresAt}: it runs 'entente enroll' with this code.`);
    });
  group
    .command("datasets")
    .description("list the datasets that a peer describes to this party")
    .argument("<party>", "the peer")
    .addHelpText("after", example("entente peer datasets bureau"))
    .action(async (party: string, _options: object, command: Command) => {
      const answer = await (await clientOf(command)).call("peerDatasets", { party });
      const rows = answer.datasets.map(({ name, ids, columns }) => [
        name,
        ids.map(({ column, normaliser }) => `${column} by ${normaliser}`).join(", "),
        columns.map((column) => `${column.name} ${column.type}`).join(", "),
      ]);
      outputOf(command).answer(answer, table(["dataset", "id", "columns"], rows, "None described."));
    });
  group
    .command("segments")
    .description("list the segments that a peer publishes, for --peer-segment")
    .argument("<party>", "the peer")
    .addHelpText("after", example("entente peer segments bureau"))
    .action(async (party: string, _options: object, command: Command) => {
      const { datasets } = await (await clientOf(command)).call("peerDatasets", { party });
      const segments = datasets.flatMap(({ name: dataset, segments }) =>
        segments.map(({ name, version, description }) => ({ dataset, name, version, description })),
      );
      const rows = segments.map(({ dataset, name, version, description }) => [
        dataset,
        `${name}@${version}`,
        description,
      ]);
      outputOf(command).answer({ segments }, table(["dataset", "segment", "description"], rows, "None published."));
    });
  return group;
}
