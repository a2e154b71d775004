import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { type Problem, signIn, toProblem, waysToSignIn } from '../api-client.js';
import { ProblemNote } from '../parts.js';
import { Mark } from '../mark.js';
import { refusalOf } from '../refusals.js';

/** The page that was asked for. */
function here(): string {
  return location.search.includes('refused=') ? '/' : `${location.pathname}${location.search}`;
}

export function SignInPage(props: { readonly onSignedIn: () => Promise<void> }): JSX.Element {
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  const [isBusy, setBusy] = useState(false);
  const [hasOidc, setOidc] = useState(false);
  const refused = refusalOf(location.search);
  useEffect(() => void waysToSignIn().then(({ oidc }) => setOidc(oidc)), []);
  useEffect(() => {
    document.title = 'Sign in · Tollgate';
  }, []);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const token = new FormData(event.target as HTMLFormElement).get('token');
    setBusy(true);
    signIn(typeof token === 'string' ? token.trim() : '')
      .then(props.onSignedIn, (thrown: unknown) => setProblem(toProblem(thrown)))
      .finally(() => setBusy(false));
  };
  return (
    <main class="sign-in">
      <form onSubmit={submit}>
        <h1>
          <Mark />
          Tollgate
        </h1>
        <p>
          What your team may spend in Snowflake, what it has spent, and what was stopped before it
          ran.
        </p>
        {refused !== undefined && (
          <div class="problem" role="alert">
            {refused}
          </div>
        )}
        {hasOidc && (
          <a class="button primary" href={`/console/oidc/start?to=${encodeURIComponent(here())}`}>
            Sign in with your organisation
          </a>
        )}
        <label>
          Token
          <input
            name="token"
            type="password"
            autoComplete="current-password"
            required
            spellcheck={false}
          />
        </label>
        <ProblemNote problem={problem} />
        <button type="submit" class="primary" disabled={isBusy}>
          Sign in
        </button>
        <p class="hint">
          Ask the platform's administrators for a token of your role. Who started Tollgate finds the
          admin token in the file <code>admin-token</code> of its data directory.
        </p>
      </form>
    </main>
  );
}
