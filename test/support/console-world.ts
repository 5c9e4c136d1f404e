/** What the console's walks find: a coordinator, a bank and a bureau as processes, a little data, an agreement, and jobs that ran. */
import { ROLES, type Role } from "../../proto/http/route.ts";
import { partyId } from "../../proto/ids.ts";
import { SAMPLE_SEGMENT, sampleAgreement } from "../../sdk/cli/sample.ts";
import type { EntenteClient } from "../../sdk/client.ts";
import { agree, generous, registerBoth, runJob } from "./demo-agreement.ts";
import { makeSynthetic } from "./synthetic.ts";
import { type PartyName, Trio } from "./trio.ts";

/** On each side; half of them are on both. */
const ROWS = 2_400;
/** Of the bank's own customers. */
export const BANK_SEGMENT = "over-30";
/** One person for each role of each party. */
const PEOPLE = {
  bank: { analyst: "Wang Li", steward: "Zhao Min", auditor: "Chen Jing", operator: "Liu Yang" },
  bureau: { analyst: "Sun Hao", steward: "Zhou Ting", auditor: "Wu Lei", operator: "Xu Na" },
} as const;

export class ConsoleWorld {
  readonly trio: Trio;
  /** Of every role, held by "setup". */
  readonly bank: EntenteClient;
  readonly bureau: EntenteClient;
  /** The data files, with the columns of the sample. */
  readonly files: { readonly bank: string; readonly bureau: string };
  /** In force: audience (list, match rate, overlap report) and score (score, tier), with budgets that walks do not use up. */
  readonly agreement: string;
  /** Done: an audience that issued `marketing:joint`, and an overlap report by age. */
  readonly jobs: { readonly audience: string; readonly report: string };
  readonly #tokens = new Map<string, string>();

  private constructor(made: Pick<ConsoleWorld, "trio" | "bank" | "bureau" | "files" | "agreement" | "jobs">) {
    ({
      trio: this.trio,
      bank: this.bank,
      bureau: this.bureau,
      files: this.files,
      agreement: this.agreement,
      jobs: this.jobs,
    } = made);
  }

  static async start(): Promise<ConsoleWorld> {
    const trio = await Trio.start();
    try {
      const [bank, bureau, files] = await Promise.all([
        trio.client("bank"),
        trio.client("bureau"),
        makeSynthetic(trio.folder, ROWS),
      ]);
      await registerBoth(trio, files);
      const { name, expression, description } = SAMPLE_SEGMENT;
      const definition = { kind: "sql", expression } as const;
      const { version } = await bureau.call("defineSegment", { name, dataset: "repayments", definition });
      await bureau.call("publishSegment", { name, description, version, to: [partyId("bank")] });
      const over30 = { kind: "sql", expression: "AGE > 30" } as const;
      await bank.call("defineSegment", { name: BANK_SEGMENT, dataset: "customers", definition: over30 });
      const agreement = await agree(trio, { ...sampleAgreement(Date.now()), ...generous() });
      const audience = await runJob(trio, {
        ...{ operation: "audience", agreement },
        tag: { key: "marketing:joint", value: "yes" },
      });
      const by = [{ column: "AGE", bounds: [30, 40, 50] }];
      const report = await runJob(trio, { operation: "audience", output: "overlap-report", agreement, by });
      for (const { state, reason } of [audience, report])
        if (state !== "done") throw new Error(`a job of the world ended ${state}: ${reason?.code}`);
      return new ConsoleWorld({
        trio,
        bank,
        bureau,
        files,
        agreement,
        jobs: { audience: audience.jobId, report: report.jobId },
      });
    } catch (error) {
      console.log(await trio.lastLogLines());
      await trio.stop();
      throw error;
    }
  }

  /** Of a person of that role alone, as an operator makes it. */
  async token(party: PartyName, role: Role): Promise<string> {
    const key = `${party} ${role}`;
    const known = this.#tokens.get(key);
    if (known !== undefined) return known;
    const { token } = await this[party].call("createToken", {
      person: PEOPLE[party][role],
      roles: [role],
      expiresInDays: 1,
    });
    this.#tokens.set(key, token);
    return token;
  }

  /** Of somebody who may do everything. */
  async tokenOfAll(party: PartyName): Promise<string> {
    const { token } = await this[party].call("createToken", { person: "Setup", roles: [...ROLES], expiresInDays: 1 });
    return token;
  }

  url(party: PartyName): Promise<string> {
    return this.trio.apiUrl(party);
  }

  stop(): Promise<void> {
    return this.trio.stop();
  }
}
