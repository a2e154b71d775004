/** What several pages are made of. */
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { type Problem, toProblem } from './api-client.js';
import type { Live } from './live.js';
import { when } from './times.js';

/** An instant in the viewer's zone, UTC on hover. */
export function When({ at }: { readonly at: string | null }): JSX.Element {
  if (at === null) return <span class="faint">–</span>;
  return (
    <time dateTime={at} title={`${at.replace('T', ' ').replace(/\.\d+Z$/, 'Z')} (UTC)`}>
      {when(at, Date.now())}
    </time>
  );
}

export function PageHead(props: {
  readonly title: string;
  readonly live?: Live<unknown>;
  readonly children?: ComponentChildren;
}): JSX.Element {
  const { title, live, children } = props;
  return (
    <div class="head">
      <h1>{title}</h1>
      {live !== undefined && <Freshness live={live} />}
      <div class="head-more">{children}</div>
    </div>
  );
}

function Freshness({ live }: { readonly live: Live<unknown> }): JSX.Element {
  const isStale = live.problem !== undefined;
  return (
    <span class={isStale ? 'fresh stale' : 'fresh'} role="status">
      {isStale ? 'Not up to date' : 'Live'}
    </span>
  );
}

export function ProblemNote({
  problem,
}: {
  readonly problem: Problem | undefined;
}): JSX.Element | null {
  if (problem === undefined) return null;
  return (
    <div class="problem" role="alert">
      <strong>{problem.title}</strong>
      <p>{problem.message}</p>
      {problem.waysOut.map((wayOut) => (
        <p key={wayOut} class="way-out">
          {wayOut}
        </p>
      ))}
    </div>
  );
}

export function Empty(props: {
  readonly title: string;
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    <section class="empty">
      <h2>{props.title}</h2>
      <p>{props.children}</p>
    </section>
  );
}

/** A figure with its name and unit. */
export function Figure(props: {
  readonly name: string;
  readonly value: string;
  readonly unit?: string;
  readonly note?: ComponentChildren;
  readonly tone?: 'bad' | 'warn' | undefined;
}): JSX.Element {
  const { name, value, unit, note, tone } = props;
  return (
    <div class={tone === undefined ? 'figure' : `figure ${tone}`}>
      <dt>{name}</dt>
      <dd>
        <span class="number">{value}</span>
        {unit !== undefined && <span class="unit"> {unit}</span>}
        {note !== undefined && <span class="note">{note}</span>}
      </dd>
    </div>
  );
}

const STATES: Readonly<Record<string, readonly [string, string]>> = {
  NEW: ['new', ''],
  RESERVED: ['waits', 'warn'],
  SENT: ['sent', 'busy'],
  RUNNING: ['runs', 'busy'],
  SETTLED: ['charged', 'good'],
  VOID: ['not run', ''],
  IN_DOUBT: ['in doubt', 'warn'],
  REFUSED: ['refused', 'bad'],
  waiting: ['waiting', 'warn'],
  granted: ['granted', 'good'],
  declined: ['declined', 'bad'],
  withdrawn: ['withdrawn', ''],
  expired: ['expired', ''],
  open: ['open', 'warn'],
  provisional: ['provisional', 'warn'],
  softClosed: ['soft-closed', 'busy'],
  draft: ['draft', 'busy'],
  inReview: ['in review', 'busy'],
  approved: ['approved', 'good'],
  closed: ['closed', 'good'],
  superseded: ['superseded', ''],
  accepted: ['accepted', 'good'],
};

export function State({ of }: { readonly of: string }): JSX.Element {
  const [word, tone] = STATES[of] ?? [of.toLowerCase(), ''];
  return <span class={`state ${tone}`}>{word}</span>;
}

/** What a form's fields hold, by name; empty ones are left out. */
export function filledIn(form: HTMLFormElement): Readonly<Record<string, string>> {
  const filled = [...new FormData(form)].flatMap(([name, value]) =>
    typeof value === 'string' && value.trim() !== '' ? [[name, value.trim()] as const] : [],
  );
  return Object.fromEntries(filled);
}

/** Asks for a reason and does something with it; stays open with the API's words when that fails. */
export function ReasonDialog(props: {
  readonly title: string;
  readonly text: ComponentChildren;
  readonly action: string;
  readonly isDangerous?: boolean;
  /** The API takes it without a reason. */
  readonly isReasonOptional?: boolean;
  readonly onDone: () => void;
  readonly onCancel: () => void;
  /** More fields, above the reason. */
  readonly children?: ComponentChildren;
  /** @param fields what else was filled in, by name; empty ones are left out. */
  readonly act: (reason: string, fields: Readonly<Record<string, string>>) => Promise<unknown>;
}): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  const [isBusy, setBusy] = useState(false);
  useEffect(() => dialog.current?.showModal(), []);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const { reason = '', ...fields } = filledIn(event.target as HTMLFormElement);
    setBusy(true);
    props
      .act(reason, fields)
      .then(props.onDone, (thrown: unknown) => setProblem(toProblem(thrown)))
      .finally(() => setBusy(false));
  };
  return (
    <dialog ref={dialog} onClose={props.onCancel} aria-labelledby="dialog-title">
      <form onSubmit={submit}>
        <h2 id="dialog-title">{props.title}</h2>
        <div class="dialog-text">{props.text}</div>
        {props.children}
        <label>
          {props.isReasonOptional === true ? 'Reason, if it wants one' : 'Reason'}
          <textarea
            name="reason"
            required={props.isReasonOptional !== true}
            maxLength={500}
            rows={3}
          />
        </label>
        <ProblemNote problem={problem} />
        <div class="dialog-actions">
          <button type="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
          <button type="submit" class={props.isDangerous ? 'danger' : 'primary'} disabled={isBusy}>
            {props.action}
          </button>
        </div>
      </form>
    </dialog>
  );
}

/** Turns the pages of a list whose cursor is `next`; nothing where there is one page. */
export function Pager(props: {
  /** Of the page that is shown; null: the first. */
  readonly cursor: string | null;
  /** Of the page after it; null: there is none. */
  readonly next: string | null;
  readonly onTurn: (cursor: string | null) => void;
  /** To the first page, and on. */
  readonly words?: readonly [first: string, on: string];
}): JSX.Element | null {
  const { cursor, next, onTurn, words = ['Newest', 'Older'] } = props;
  if (cursor === null && next === null) return null;
  return (
    <div class="pages">
      {cursor !== null && (
        <button type="button" onClick={() => onTurn(null)}>
          {words[0]}
        </button>
      )}
      {next !== null && (
        <button type="button" onClick={() => onTurn(next)}>
          {words[1]}
        </button>
      )}
    </div>
  );
}
