import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { credits, unitsOf } from '../amounts.js';
import { useLive } from '../live.js';
import { Figure, ProblemNote, When } from '../parts.js';
import { type Column, Table } from '../table.js';
import { DAY_MS } from '../times.js';

const BYPASS_DAYS = 7;
/** The dearest; `tollgate cost --bypass` has all. */
const CALLERS_SHOWN = 50;

interface BypassCaller {
  readonly application: string | null;
  readonly snowflakeUser: string | null;
  readonly role: string | null;
  readonly team: string | null;
  readonly statements: number;
  readonly credits: string;
  readonly warehouses: readonly string[];
  readonly lastAt: string;
}

/** What of `GET /bypass` is shown. */
interface Bypass {
  readonly bypassStatements: number;
  readonly bypassCredits: string;
  readonly coveragePercent: string | null;
  readonly callers: readonly BypassCaller[];
  readonly callersLeftOut: number;
  readonly sql: readonly string[];
}

/** What ran past Tollgate lately, by whom, and the statements that close the way. */
export function Coverage(): JSX.Element {
  // Whole days, as far as hours are imported.
  const [query] = useState(() => `from=${dayOf(BYPASS_DAYS)}&to=${dayOf(-1)}`);
  const live = useLive<Bypass>(`/bypass?${query}`, 0);
  const found = live.value;
  return (
    <section class="card">
      <h2>What ran around Tollgate, {BYPASS_DAYS} days</h2>
      <ProblemNote problem={live.problem} />
      {found !== undefined && <Found of={found} />}
    </section>
  );
}

function Found({ of }: { readonly of: Bypass }): JSX.Element {
  const isAround = unitsOf(of.bypassCredits) > 0n;
  return (
    <>
      <dl class="figures">
        <Figure
          name="Came through Tollgate"
          value={of.coveragePercent === null ? 'nothing ran' : `${of.coveragePercent} %`}
          note={
            of.coveragePercent === null ? 'as far as imported' : 'of credits, as far as imported'
          }
        />
        <Figure
          name="Around it"
          value={String(of.bypassStatements)}
          unit="statements"
          note={`${credits(of.bypassCredits)} credits`}
          tone={isAround ? 'warn' : undefined}
        />
      </dl>
      {isAround && <Callers of={of} />}
      {of.sql.length > 0 && <Closing sql={of.sql} />}
    </>
  );
}

function Callers({ of: { callers, callersLeftOut } }: { readonly of: Bypass }): JSX.Element {
  const more = callersLeftOut + Math.max(0, callers.length - CALLERS_SHOWN);
  return (
    <>
      <Table
        label="Who went around Tollgate"
        rows={callers.slice(0, CALLERS_SHOWN)}
        keyOf={({ application, snowflakeUser, role, team }) =>
          JSON.stringify([application, snowflakeUser, role, team])
        }
        columns={CALLERS}
      />
      {more > 0 && <p class="faint">{more} more callers.</p>}
    </>
  );
}

function Closing({ sql }: { readonly sql: readonly string[] }): JSX.Element {
  return (
    <details>
      <summary>SQL that closes the way</summary>
      <p class="faint">
        Tollgate never runs it. Write the addresses from which Tollgate reaches Snowflake into its
        first line, read it, and run it as SECURITYADMIN.
      </p>
      <pre>{sql.join('\n')}</pre>
    </details>
  );
}

const CALLERS: readonly Column<BypassCaller>[] = [
  { name: 'Client', class: 'words', cell: ({ application }) => application ?? 'not known' },
  {
    name: 'User',
    cell: ({ snowflakeUser }) => snowflakeUser ?? 'not known',
    sortKey: ({ snowflakeUser }) => snowflakeUser,
  },
  { name: 'Role', class: 'wide', cell: ({ role }) => role ?? '–' },
  { name: 'Team', cell: ({ team }) => team ?? 'of nobody', sortKey: ({ team }) => team },
  {
    name: 'Warehouses',
    class: 'wide',
    cell: ({ warehouses }) => warehouses.map((each) => <div key={each}>{each}</div>),
  },
  {
    name: 'Statements',
    isAmount: true,
    cell: ({ statements }) => statements,
    sortKey: ({ statements }) => statements,
  },
  {
    name: 'Credits',
    isAmount: true,
    cell: (caller) => credits(caller.credits),
    sortKey: (caller) => unitsOf(caller.credits),
  },
  { name: 'Last', class: 'wide', cell: ({ lastAt }) => <When at={lastAt} /> },
];

function dayOf(daysBack: number): string {
  return new Date(Date.now() - daysBack * DAY_MS).toISOString().slice(0, 10);
}
