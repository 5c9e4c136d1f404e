/** Keeps what stands around a page when the page itself cannot be shown, and says so in its place. */
import { Component, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "./parts/button.tsx";
import { Notice } from "./parts/notice.tsx";
import { Page } from "./parts/page.tsx";

interface PageBoundaryProps {
  readonly children: ReactNode;
}

interface PageBoundaryState {
  readonly hasFailed: boolean;
}

/**
 * Pages are loaded when they are first opened. A node that is away then, or that has been replaced by a newer version
 * whose files have other names, must not leave an empty window. Give it the address as its key: another page may work.
 */
export class PageBoundary extends Component<PageBoundaryProps, PageBoundaryState> {
  static getDerivedStateFromError(): PageBoundaryState {
    return { hasFailed: true };
  }

  override readonly state: PageBoundaryState = { hasFailed: false };

  override render(): ReactNode {
    return this.state.hasFailed ? <NotShown /> : this.props.children;
  }
}

/** What has failed to load once stays so until all of the console is loaded again. */
function NotShown(): ReactNode {
  const { t } = useTranslation();
  return (
    <Page title={t("shell.notShown")}>
      <Notice kind="bad">
        <p>{t("shell.notShownText")}</p>
        <Button onClick={() => location.reload()}>{t("parts.tryAgain")}</Button>
      </Notice>
    </Page>
  );
}
