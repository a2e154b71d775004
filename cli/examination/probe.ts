/** The whole path, tried: sign in through the proxy, run a free statement, ask the price of one, sign out. */
import { toError } from '../../base/errors.js';
import type { ServiceConnection } from '../../base/snowflake/service-connection.js';
import { within } from '../../base/in-time.js';
import { finderOf, type Finding } from './finding.js';

const STEP_TIMEOUT_MS = 15_000;
const { ok, note, failed, skipped } = finderOf('The whole path');

/**
 * @param suffix names the account where there are several.
 * @param connect signs in through the proxy; rejects in words.
 * @param now monotonic milliseconds.
 */
export async function checkWholePath(
  suffix: string,
  connect: () => Promise<ServiceConnection>,
  now: () => number,
): Promise<readonly Finding[]> {
  const check = `governed probe${suffix}`;
  const startedAt = now();
  let connection: ServiceConnection;
  try {
    connection = await within(STEP_TIMEOUT_MS, connect());
  } catch (thrown) {
    return [judgeRefusedSignIn(check, toError(thrown).message)];
  }
  const signedInMs = now() - startedAt;
  try {
    const [row] = await within(STEP_TIMEOUT_MS, connection.query('SELECT 1 AS ONE'));
    if (row?.['ONE'] !== '1') {
      const says = 'SELECT 1 through the proxy did not come back as 1';
      return [failed(check, says, 'Look at the log of the proxy.')];
    }
    const answeredMs = now() - startedAt - signedInMs;
    const priced = await within(STEP_TIMEOUT_MS, connection.query('EXPLAIN COST SELECT 1'));
    if (priced.length === 0) {
      const says = 'EXPLAIN COST through the proxy told nothing';
      return [failed(check, says, 'Look at the log of the proxy.')];
    }
    const says = `signed in (${ms(signedInMs)}), SELECT 1 came back (${ms(answeredMs)}), EXPLAIN COST told ${priced.length} items (${ms(now() - startedAt - signedInMs - answeredMs)})`;
    return [ok(check, says)];
  } catch (thrown) {
    return [failed(check, toError(thrown).message.slice(0, 300), 'Look at the log of the proxy.')];
  } finally {
    await within(STEP_TIMEOUT_MS, connection.close()).catch(() => undefined);
  }
}

/** What a refused sign-in proves: one that no team answers for went all the way to Snowflake and back. */
function judgeRefusedSignIn(check: string, message: string): Finding {
  const text = message.slice(0, 300);
  if (message.includes('TG1002')) {
    const says = 'the proxy and Snowflake let the service user in, but no team answers for it';
    return note(check, says, 'Map it in the control document to try the whole path.');
  }
  if (message.includes('TG2502')) return skipped(check, 'the proxy has no control document yet');
  if (/ECONNREFUSED|ECONNRESET|ENOTFOUND|no answer/.test(message))
    return failed(check, `the proxy does not answer (${text})`, 'See whether it runs, and where.');
  return failed(check, text, 'Its words say what to do; the log of the proxy says more.');
}

function ms(value: number): string {
  return `${Math.round(value)} ms`;
}
