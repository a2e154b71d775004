import type { JSX } from 'preact';
import { useCallback, useState } from 'preact/hooks';
import { type Problem, signOut, toProblem, write } from '../api-client.js';
import type { OwnSignIn } from '../api-types.js';
import { useLive } from '../live.js';
import { PageHead, Pager, ProblemNote, When } from '../parts.js';
import { useSignedIn } from '../signed-in.js';
import { type Column, Table } from '../table.js';

const EVERY_MS = 30_000;

const PROVEN_BY: Readonly<Record<OwnSignIn['provenBy'], string>> = {
  token: 'a token',
  oidc: 'your organisation',
};

/** Where and since when one is signed in to the console; what one does not know is ended here. */
export function SignInsPage(): JSX.Element {
  const { leave } = useSignedIn();
  const [cursor, setCursor] = useState<string | null>(null);
  const after = cursor === null ? '' : `?cursor=${encodeURIComponent(cursor)}`;
  const live = useLive<{
    readonly signIns: readonly OwnSignIn[];
    readonly nextCursor: string | null;
  }>(`/sign-ins${after}`, EVERY_MS);
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  const { reload } = live;
  const act = useCallback((work: Promise<unknown>, done: () => void): void => {
    setProblem(undefined);
    work.then(done, (thrown: unknown) => setProblem(toProblem(thrown)));
  }, []);
  const end = useCallback(
    (path: string): void => act(write(`/sign-ins/${path}`, {}), reload),
    [act, reload],
  );
  const signIns = live.value?.signIns ?? [];
  const hasOthers = cursor !== null || signIns.some(({ isThis }) => !isThis);
  return (
    <>
      <PageHead title="Your sign-ins" live={live}>
        {hasOthers && (
          <button type="button" class="danger" onClick={() => end('end-others')}>
            End all others
          </button>
        )}
        <button
          type="button"
          title="Sign out here and in all other browsers"
          onClick={() => act(signOut(true), leave)}
        >
          Sign out everywhere
        </button>
      </PageHead>
      <p class="faint">
        Where you are signed in to this console. If you do not know one, end it; if it was by your
        token, ask the platform for another one, or it will be back.
      </p>
      <ProblemNote problem={problem ?? live.problem} />
      {live.value !== undefined && (
        <Table
          label="Your sign-ins"
          columns={columnsOf(end)}
          rows={signIns}
          keyOf={({ id }) => id}
        />
      )}
      <Pager cursor={cursor} next={live.value?.nextCursor ?? null} onTurn={setCursor} />
    </>
  );
}

function columnsOf(end: (path: string) => void): readonly Column<OwnSignIn>[] {
  return [
    { name: 'With', cell: nameOf },
    { name: 'By', cell: ({ provenBy }) => PROVEN_BY[provenBy] },
    {
      name: 'Signed in',
      cell: ({ startedAt, startedFrom }) => (
        <>
          <When at={startedAt} /> from {startedFrom}
        </>
      ),
    },
    {
      name: 'Used last',
      cell: ({ usedAt, usedFrom }) => (
        <>
          <When at={usedAt} /> from {usedFrom}
        </>
      ),
    },
    {
      name: 'End',
      cell: (signIn) =>
        signIn.isThis ? (
          <span class="state good">here</span>
        ) : (
          <button
            type="button"
            class="small danger"
            aria-label={`End ${nameOf(signIn)} from ${signIn.startedFrom}`}
            onClick={() => end(`${signIn.id}/end`)}
          >
            End
          </button>
        ),
    },
  ];
}

function nameOf({ browser }: OwnSignIn): string {
  return browser ?? 'Another program';
}
