/** Checks of the control document in force: it reads here, and its accounts fit the upstreams of the settings. */
import type { Queryable } from '../../base/postgres/pool.js';
import { Fault, toError } from '../../base/errors.js';
import type { ControlDocument } from '../../policies/control/document.js';
import { AccountNames } from '../../proxy/upstream/account-names.js';
import { upstreamOf } from '../../proxy/upstream/upstreams.js';
import { readControl } from '../../admin/stores/control-store.js';
import type { Configured } from '../accounts.js';
import { finderOf, type Finding } from './finding.js';

const { ok, note, failed, skipped } = finderOf('Control document');
const CHECK = 'in force';

export interface ControlExamined {
  readonly findings: readonly Finding[];
  /** null: there is none, or this program cannot read it. */
  readonly document: ControlDocument | null;
}

/** `db` null: the database cannot be asked. */
export async function checkControl(
  db: Queryable | null,
  configured: readonly Configured[],
): Promise<ControlExamined> {
  if (db === null)
    return { findings: [skipped(CHECK, 'the database cannot be asked')], document: null };
  try {
    const newest = await readControl(db);
    if (newest === undefined) {
      const fix =
        'Write one and `tollgate apply` it; the embedded demo brings its own at the start.';
      return { findings: [note(CHECK, 'none yet, so proxies are not ready', fix)], document: null };
    }
    const { document, version } = newest;
    const says = `version ${version}: ${document.teams.length} teams, ${document.budgets.length} budgets, ${document.rules.length} rules`;
    return { findings: [ok(CHECK, says), ...checkFit(document, configured)], document };
  } catch (thrown) {
    const fix = '`tollgate rollback` to a version that this program reads, or upgrade the program.';
    return { findings: [failed(CHECK, whatIsWrong(thrown), fix)], document: null };
  }
}

function whatIsWrong(thrown: unknown): string {
  const { message } = toError(thrown);
  const problems = thrown instanceof Fault ? thrown.detail['problems'] : undefined;
  const count = Array.isArray(problems) ? problems.length : 0;
  return count === 0 ? message : `${message} It has ${count} problems.`;
}

/** Accounts of the document against the upstreams of the settings. */
export function checkFit(
  document: Pick<ControlDocument, 'accounts'>,
  configured: readonly Configured[],
): readonly Finding[] {
  const homes = document.accounts.map((account) => ({
    account,
    home: upstreamOf(configured, account),
  }));
  const { ambiguous } = new AccountNames(
    document.accounts.map(({ id }) => ({ account: id, otherNames: [] })),
    [],
  );
  const findings: Finding[] = homes.map(({ account, home }) =>
    home === undefined
      ? failed(
          `account ${account.id}`,
          `is not served: no upstream called ${account.upstream} is configured here`,
          `Add ${account.upstream}=https://… to TOLLGATE_ACCOUNTS, or correct the document.`,
        )
      : ok(`account ${account.id}`, `lives at ${home.origin}`),
  );
  for (const each of configured) {
    if (homes.some(({ home }) => home === each)) continue;
    const fix = 'Add an account to the document, or take it out of the settings.';
    findings.push(note(`upstream ${each.name}`, 'no account of the document names it', fix));
  }
  if (ambiguous.length > 0) {
    const says = `${ambiguous.join(', ')}: no host name tells these apart`;
    findings.push(failed('account ids', says, 'Rename one: case, "_", "-" and "." count as one.'));
  }
  return findings;
}
