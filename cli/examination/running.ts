/** Whether a Tollgate runs here, is ready, and takes our token. */
import type { Config, Secrets } from '../../base/config.js';
import { adminToken, reachable, reason } from '../admin-client.js';
import { finderOf, type Finding } from './finding.js';

const ANSWER_TIMEOUT_MS = 5000;
const ANSWER_CHARACTERS_MAX = 1024 * 1024;
const { ok, note, failed } = finderOf('This machine');

export interface RunningExamined {
  readonly findings: readonly Finding[];
  readonly isRunning: boolean;
}

/** Asks `/livez` and `/readyz`. */
export async function checkRunning(config: Config, secrets: Secrets): Promise<RunningExamined> {
  const check = 'admin API';
  const absent = (finding: Finding): RunningExamined => ({ findings: [finding], isRunning: false });
  if (config.adminPort === 0)
    return absent(note(check, 'TOLLGATE_ADMIN_PORT is 0, so a running one cannot be found'));
  const origin = `http://${reachable(config.host)}:${config.adminPort}`;
  try {
    const alive = await ask(`${origin}/livez`);
    if (!alive.ok) {
      const says = `something at ${origin} answers ${alive.status} to /livez`;
      const fix = 'Another program has the port: choose another TOLLGATE_ADMIN_PORT.';
      return absent(failed(check, says, fix));
    }
    await alive.text();
  } catch (thrown) {
    const says = `nothing answers at ${origin} (${reason(thrown)})`;
    return absent(note(check, says, 'Fine if Tollgate is stopped; start it with `npm start`.'));
  }
  if (adminToken(config, secrets) === undefined) {
    const fix = 'Set TOLLGATE_ADMIN_TOKEN or TOLLGATE_DATA_DIR as the running Tollgate has them.';
    const says = `runs at ${origin}, but there is no token here`;
    return { findings: [failed(check, says, fix)], isRunning: true };
  }
  const findings = [ok(check, `runs at ${origin}`), await checkReady(origin)];
  return { findings, isRunning: true };
}

function ask(url: string): Promise<Response> {
  return fetch(url, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS), redirect: 'manual' });
}

async function checkReady(origin: string): Promise<Finding> {
  const check = 'ready';
  try {
    const answer = await ask(`${origin}/readyz`);
    const text = (await answer.text()).slice(0, ANSWER_CHARACTERS_MAX);
    return judgeReady(answer.status, text);
  } catch (thrown) {
    return failed(
      check,
      `/readyz does not answer (${reason(thrown)})`,
      'Look at its last log lines.',
    );
  }
}

/** Reads what `/readyz` says. */
export function judgeReady(status: number, text: string): Finding {
  const check = 'ready';
  if (status === 200) return ok(check, 'takes work');
  let reasons: readonly string[] = [];
  try {
    const { checks } = JSON.parse(text) as {
      readonly checks: readonly { readonly isReady: boolean; readonly why: string | null }[];
    };
    reasons = checks.flatMap(({ isReady, why }) => (isReady ? [] : [why ?? 'no reason given']));
  } catch {
    // Not our answer: the status alone is told.
  }
  const why = reasons.length === 0 ? `/readyz answers ${status}` : reasons.join('; ');
  return failed(check, `not ready: ${why}`, 'Until then a balancer sends nothing here.');
}
