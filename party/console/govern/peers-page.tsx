/** Partners and their keys: a person compares a fingerprint over another way, and types what was heard. */
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import type { RouteResponse } from "../../../proto/http/routes.ts";
import { useAction, useRoute } from "../client.ts";
import { ConfirmButton } from "../parts/confirm.tsx";
import { TextField } from "../parts/fields.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { Badge, Notice } from "../parts/notice.tsx";
import { Page } from "../parts/page.tsx";
import { Panel } from "../parts/panel.tsx";
import { Table } from "../parts/table.tsx";
import { timeText } from "../parts/values.tsx";

type Peer = RouteResponse<"peers">["peers"][number];

export function PeersPage(): ReactNode {
  const { t } = useTranslation();
  const peers = useRoute("peers", {});
  const node = useRoute("node", {});
  return (
    <Page title={t("govern.peers.title")} lede={t("govern.peers.lede")}>
      <Loaded query={peers}>
        {(answer) => (
          <>
            {answer.peers.map((peer) => peer.succession !== null && <Succession key={peer.party} peer={peer} />)}
            <Panel>
              <Table
                caption={t("govern.peers.title")}
                empty={t("govern.peers.none")}
                rows={answer.peers}
                rowKey={({ party }) => party}
                columns={[
                  { head: t("govern.peers.party"), isName: true, cell: ({ party }) => party },
                  { head: t("govern.peers.state"), cell: (peer) => <PeerState peer={peer} /> },
                  {
                    head: t("govern.peers.fingerprint"),
                    // What is on the screen would be typed from the screen.
                    cell: ({ confirmed, fingerprint }) =>
                      confirmed ? <code>{fingerprint}</code> : t("govern.peers.hidden"),
                  },
                  {
                    head: t("govern.peers.confirm"),
                    cell: (peer) => (peer.confirmed ? null : <Confirm peer={peer} />),
                  },
                ]}
              />
            </Panel>
          </>
        )}
      </Loaded>
      <Panel title={t("govern.peers.own")}>
        <Loaded query={node}>{({ fingerprint }) => <code>{fingerprint}</code>}</Loaded>
      </Panel>
    </Page>
  );
}

function PeerState({ peer: { confirmed, connected } }: { readonly peer: Peer }): ReactNode {
  const { t } = useTranslation();
  return (
    <span className="actions">
      <Badge kind={confirmed ? "good" : "warn"}>
        {confirmed ? t("govern.peers.confirmed") : t("govern.peers.unconfirmed")}
      </Badge>
      <Badge kind="info">{connected ? t("govern.peers.connected") : t("govern.peers.away")}</Badge>
    </span>
  );
}

function Confirm({ peer: { party } }: { readonly peer: Peer }): ReactNode {
  const { t } = useTranslation();
  const confirm = useAction("confirmPeer");
  return (
    <TypedFingerprint
      label={t("govern.peers.confirm")}
      party={party}
      onTyped={(fingerprint) => confirm.mutateAsync({ party, fingerprint })}
    />
  );
}

function Succession({ peer: { party, succession } }: { readonly peer: Peer }): ReactNode {
  const { t } = useTranslation();
  const accept = useAction("acceptSuccession");
  if (succession === null) return null;
  const [seen, effective] = [timeText(succession.firstSeenAt), timeText(succession.effectiveAt)];
  return (
    <Notice kind="warn" title={t("govern.peers.succession", { party })}>
      <p>
        {succession.confirmed
          ? t("govern.peers.successionDone", { effective })
          : t("govern.peers.successionText", { seen, effective })}
      </p>
      {!succession.confirmed && (
        <TypedFingerprint
          label={t("govern.peers.accept")}
          party={party}
          onTyped={(fingerprint) => accept.mutateAsync({ party, fingerprint })}
        />
      )}
    </Notice>
  );
}

interface TypedFingerprintProps {
  readonly label: string;
  readonly party: string;
  readonly onTyped: (fingerprint: string) => Promise<unknown>;
}

function TypedFingerprint({ label, party, onTyped }: TypedFingerprintProps): ReactNode {
  const { t } = useTranslation();
  const [typed, setTyped] = useState("");
  return (
    <ConfirmButton
      kind="main"
      label={label}
      title={t("govern.peers.confirmTitle", { party })}
      onConfirm={() => onTyped(typed.trim())}
    >
      <p>{t("govern.peers.confirmText")}</p>
      <TextField
        label={t("govern.peers.typed")}
        hint={t("govern.peers.typedHint")}
        value={typed}
        onChange={setTyped}
        autoComplete="off"
      />
    </ConfirmButton>
  );
}
