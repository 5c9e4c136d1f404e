/** The console: sign-in, what stands around every page, and the page that the address names. */
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { type ReactNode, Suspense, useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, Route, Router, Switch, useLocation } from "wouter";
import { useHashLocation } from "wouter/use-hash-location";
import "./language.ts";
import { isWorthRetrying } from "./client.ts";
import { Frame } from "./frame.tsx";
import { takeReturned } from "./home/organisation.ts";
import { SignIn } from "./home/sign-in.tsx";
import { PagesContext, usePages } from "./navigation.ts";
import { PageBoundary } from "./page-boundary.tsx";
import { pagesFor } from "./pages.ts";
import { Loading } from "./parts/loaded.tsx";
import { Notice } from "./parts/notice.tsx";
import { Page } from "./parts/page.tsx";
import { type SessionInfo, SignedIn, type SignInWay, useToken } from "./session.tsx";

export function App(): ReactNode {
  const { token, keep, forget, end } = useToken();
  /** What the address said, until something has come of it. */
  const [returned, setReturned] = useState(takeReturned);
  const [info, setInfo] = useState<SessionInfo>();
  /** The token that the node refused last. Answers to an earlier one may come when there is another already. */
  const [endedToken, setEndedToken] = useState<string>();
  const queries = useMemo(queryClient, []);
  // What failed for want of a good token is asked for again with the next one, once the pages have that.
  useEffect(() => {
    if (token !== undefined) void queries.invalidateQueries();
  }, [token, queries]);
  const onSignedIn = (given: string, answer: SessionInfo, way: SignInWay) => {
    if (info !== undefined && answer.person !== info.person) queries.clear();
    setReturned(undefined);
    keep(given, way);
    setInfo(answer);
  };
  const onSignOut = () => {
    queries.clear();
    setInfo(undefined);
    end();
  };
  if (token === undefined || info === undefined)
    return <SignIn token={token} returned={returned} onSignedIn={onSignedIn} onRefused={forget} />;
  return (
    <QueryClientProvider client={queries}>
      {/* Somebody else starts with an empty page. */}
      <SignedIn key={info.person} token={token} info={info} onSignOut={onSignOut} onEnded={setEndedToken}>
        <Router hook={useHashLocation}>
          <PagesContext value={pagesFor(info.roles)}>
            <Frame>
              <Pages />
            </Frame>
          </PagesContext>
        </Router>
      </SignedIn>
      {endedToken === token && <SignIn isAgain token={undefined} onSignedIn={onSignedIn} onRefused={() => {}} />}
    </QueryClientProvider>
  );
}

function queryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: { queries: { retry: isWorthRetrying, staleTime: 1_000 }, mutations: { retry: false } },
  });
}

/** Anew at every address: what was typed or answered at one agreement must not stand at another. */
function Pages(): ReactNode {
  const [location] = useLocation();
  return (
    <PageBoundary key={location}>
      <Suspense fallback={<Loading />}>
        <Switch>
          {usePages().map(({ path, component }) => (
            <Route key={path} path={path} component={component} />
          ))}
          <Route>
            <NoPage />
          </Route>
        </Switch>
      </Suspense>
    </PageBoundary>
  );
}

function NoPage(): ReactNode {
  const { t } = useTranslation();
  useEffect(() => {
    document.title = t("shell.noPage");
  }, [t]);
  return (
    <Page title={t("shell.noPage")}>
      <Notice kind="info">
        {t("shell.noPageText")} <Link href="/">{t("shell.home")}</Link>
      </Notice>
    </Page>
  );
}
