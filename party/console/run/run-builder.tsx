/** What a person chooses for a run: under which agreement, over whom, for what; then a dry run, then the run itself. */
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { type Operation, OUTPUTS_OF } from "../../../proto/agreement/fields.ts";
import { useRoute } from "../client.ts";
import { Loaded } from "../parts/loaded.tsx";
import { Notice } from "../parts/notice.tsx";
import { useSession } from "../session.tsx";
import { BeforePanel } from "./before-panel.tsx";
import { type AgreementChoice, choicesFor } from "./choices.ts";
import { OutputPanel } from "./output-panel.tsx";
import { PeoplePanel } from "./people-panel.tsx";
import { EMPTY_FORM, type RunForm } from "./request.ts";

export function RunBuilder({ operation }: { readonly operation: Operation }): ReactNode {
  const { t } = useTranslation();
  const { party } = useSession();
  const query = useRoute("agreements", {});
  return (
    <Loaded query={query}>
      {({ agreements }) => {
        const choices = choicesFor(agreements, party, operation);
        if (choices.length === 0) return <Notice kind="info">{t("run.noAgreement")}</Notice>;
        return <Builder operation={operation} choices={choices} />;
      }}
    </Loaded>
  );
}

/** Choices that others depend on are kept by place: what was chosen before stays as long as it is among them. */
function Builder({
  operation,
  choices,
}: {
  readonly operation: Operation;
  readonly choices: readonly AgreementChoice[];
}): ReactNode {
  const [digest, setDigest] = useState("");
  const [pairAt, setPairAt] = useState(0);
  const [written, setWritten] = useState<RunForm>({ ...EMPTY_FORM, output: OUTPUTS_OF[operation][0] });
  const agreement = choices.find((choice) => choice.digest === digest) ?? (choices[0] as AgreementChoice);
  const pair = agreement.pairs[pairAt] ?? agreement.pairs[0];
  if (pair === undefined) return null;
  const [firstOutput = written.output] = pair.outputs;
  const form = { ...written, output: pair.outputs.includes(written.output) ? written.output : firstOutput };
  const change = (changes: Partial<RunForm>) => setWritten({ ...form, ...changes });
  const chosen = { operation, agreement, pair };
  return (
    <>
      <PeoplePanel
        {...{ chosen, choices, form, change }}
        onChoose={(choice, at) => {
          setDigest(choice);
          setPairAt(at);
          change({ segment: "", peerSegment: "", labels: [], by: [], audience: "" });
        }}
      />
      <OutputPanel {...{ chosen, form, change }} />
      <BeforePanel {...{ chosen, form }} />
    </>
  );
}
