/** The console: sign-in, what stands around every page, and the page that the address names. */
import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { type ReactNode, Suspense, useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, Route, Router, Switch } from "wouter";
import { useHashLocation } from "wouter/use-hash-location";
import "./language.ts";
import { isSignedOut, isWorthRetrying } from "./client.ts";
import { Frame } from "./frame.tsx";
import { SignIn } from "./home/sign-in.tsx";
import { PagesContext, usePages } from "./navigation.ts";
import { pagesFor } from "./pages.ts";
import { Loading } from "./parts/loaded.tsx";
import { Notice } from "./parts/notice.tsx";
import { Page } from "./parts/page.tsx";
import { type SessionInfo, SignedIn, useToken } from "./session.tsx";

export function App(): ReactNode {
  const { token, keep, forget } = useToken();
  const [info, setInfo] = useState<SessionInfo>();
  const [hasEnded, setHasEnded] = useState(false);
  const queries = useMemo(() => queryClient(() => setHasEnded(true)), []);
  const signOut = () => {
    queries.clear();
    setInfo(undefined);
    setHasEnded(false);
    forget();
  };
  if (token === undefined || info === undefined)
    return (
      <SignIn
        token={token}
        onSignedIn={(given, answer) => {
          keep(given);
          setInfo(answer);
        }}
        onRefused={forget}
      />
    );
  return (
    <QueryClientProvider client={queries}>
      <SignedIn token={token} info={info} onSignOut={signOut}>
        <Router hook={useHashLocation}>
          <PagesContext value={pagesFor(info.roles)}>
            <Frame>
              <Pages />
            </Frame>
          </PagesContext>
        </Router>
      </SignedIn>
      {hasEnded && (
        <SignIn
          isAgain
          token={undefined}
          onSignedIn={(given, answer) => {
            // Somebody else starts with an empty page.
            if (answer.person !== info.person) queries.clear();
            keep(given);
            setInfo(answer);
            setHasEnded(false);
            void queries.invalidateQueries();
          }}
          onRefused={() => {}}
        />
      )}
    </QueryClientProvider>
  );
}

function queryClient(onEnded: () => void): QueryClient {
  const onError = (error: unknown) => {
    if (isSignedOut(error)) onEnded();
  };
  return new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: { queries: { retry: isWorthRetrying, staleTime: 1_000 }, mutations: { retry: false } },
  });
}

function Pages(): ReactNode {
  return (
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
