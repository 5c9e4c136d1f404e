/** The health check of a container: `node ready.ts http://127.0.0.1:7440/readyz` ends with 0 when the process there can do its work,
 * else with 1 and what `/readyz` says. */
const TIMEOUT_MS = 4_000;

const [url = ""] = process.argv.slice(2);
try {
  const answer = await fetch(url, { redirect: "error", signal: AbortSignal.timeout(TIMEOUT_MS) });
  process.stdout.write(await answer.text());
  process.exitCode = answer.ok ? 0 : 1;
} catch {
  console.log(`no answer at ${url}`);
  process.exitCode = 1;
}
