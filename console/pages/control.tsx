import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { type Problem, read, toProblem, write } from '../api-client.js';
import type { Plan, Version } from '../api-types.js';
import type { Topic } from '../events.js';
import { type Live, useLive } from '../live.js';
import { PageHead, ProblemNote, ReasonDialog, When } from '../parts.js';
import { type Column, Table } from '../table.js';
import { PlanCard } from './control-plan.js';

const EVERY_MS = 30_000;
const TOPICS: readonly Topic[] = ['control'];

interface Planned {
  readonly text: string;
  readonly plan: Plan;
}

/** The control document: change it as text, see what that does, put it in force; go back to an earlier version. */
export function ControlPage(): JSX.Element {
  const versions = useLive<{ readonly versions: readonly Version[] }>(
    '/control/versions?limit=50',
    EVERY_MS,
    TOPICS,
  );
  const [planned, setPlanned] = useState<Planned | undefined>(undefined);
  const [applying, setApplying] = useState(false);
  const [back, setBack] = useState<Version | undefined>(undefined);
  const done = (): void => {
    setApplying(false);
    setBack(undefined);
    setPlanned(undefined);
    versions.reload();
  };
  const newest = versions.value?.versions[0];
  return (
    <>
      <PageHead title="Control document" live={versions as Live<unknown>}>
        {newest !== undefined && <span class="faint">version {newest.version} is in force</span>}
      </PageHead>
      <ProblemNote problem={versions.problem} />
      <Editor onPlanned={setPlanned} />
      <div aria-live="polite">
        {planned !== undefined && (
          <PlanCard plan={planned.plan} onApply={() => setApplying(true)} />
        )}
      </div>
      {versions.value !== undefined && (
        <Table
          label="Versions of the control document"
          rows={versions.value.versions}
          keyOf={({ version }) => String(version)}
          columns={[...COLUMNS, backColumn(setBack, newest?.version)]}
        />
      )}
      {applying && planned !== undefined && (
        <ReasonDialog
          title="Put it in force?"
          text={`${planned.plan.changesTotal} changes to version ${planned.plan.controlVersion}, on every replica within a second.`}
          action="Apply"
          act={(reason) =>
            write(
              '/control',
              { text: planned.text, reason, expectedVersion: planned.plan.controlVersion },
              { method: 'PUT' },
            )
          }
          onDone={done}
          onCancel={() => setApplying(false)}
        />
      )}
      {back !== undefined && (
        <ReasonDialog
          title={`Put version ${back.version} in force again?`}
          text={`It was made by ${back.author}: “${back.reason}”. It becomes a new version.`}
          action="Roll back"
          isDangerous
          act={(reason) => write('/control/rollback', { version: back.version, reason })}
          onDone={done}
          onCancel={() => setBack(undefined)}
        />
      )}
    </>
  );
}

function Editor(props: {
  readonly onPlanned: (planned: Planned | undefined) => void;
}): JSX.Element {
  const [text, setText] = useState('');
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  const [isBusy, setBusy] = useState(false);
  const during = (work: Promise<void>): void => {
    setBusy(true);
    setProblem(undefined);
    props.onPlanned(undefined);
    work.catch((thrown: unknown) => setProblem(toProblem(thrown))).finally(() => setBusy(false));
  };
  const load = (): void =>
    during(
      read<{ readonly document: unknown }>('/control').then(({ document: found }) =>
        setText(JSON.stringify(found, null, 2)),
      ),
    );
  const plan = (): void =>
    during(
      write<Plan>('/control/plan', { text }).then((found) =>
        props.onPlanned({ text, plan: found }),
      ),
    );
  return (
    <section class="card">
      <label>
        The document, as YAML or JSON
        <textarea
          class="code"
          rows={14}
          spellcheck={false}
          value={text}
          placeholder="Paste a reviewed file, or load what is in force and change it"
          onInput={(event) => {
            setText(event.currentTarget.value);
            props.onPlanned(undefined);
          }}
        />
      </label>
      <ProblemNote problem={problem} />
      <div class="card-actions">
        <button type="button" class="push" onClick={load} disabled={isBusy}>
          Load what is in force
        </button>
        <button type="button" class="primary" onClick={plan} disabled={isBusy || text === ''}>
          {isBusy ? 'Looking through 30 days …' : 'Plan'}
        </button>
      </div>
    </section>
  );
}

const COLUMNS: readonly Column<Version>[] = [
  {
    name: 'Version',
    isAmount: true,
    cell: ({ version }) => version,
    sortKey: ({ version }) => version,
  },
  { name: 'When', cell: ({ createdAt }) => <When at={createdAt} /> },
  { name: 'Who', cell: ({ author }) => author, sortKey: ({ author }) => author },
  { name: 'Why', class: 'words', cell: ({ reason }) => reason },
];

function backColumn(onBack: (version: Version) => void, newest = 0): Column<Version> {
  return {
    name: 'Roll back',
    cell: (row) =>
      row.version === newest ? (
        <span class="state good">in force</span>
      ) : (
        <button
          type="button"
          class="small"
          aria-label={`Roll back to version ${row.version}`}
          onClick={() => onBack(row)}
        >
          Roll back
        </button>
      ),
  };
}
