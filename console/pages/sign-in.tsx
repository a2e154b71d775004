import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { signIn, waysToSignIn } from '../api-client.js';
import { ProblemNote } from '../parts.js';
import { Mark } from '../mark.js';
import { refusalOf } from '../refusals.js';
import { TokenField, useTokenForm } from '../token-form.js';

/** The page that was asked for. */
function here(): string {
  return location.search.includes('refused=') ? '/' : `${location.pathname}${location.search}`;
}

export function SignInPage(props: { readonly onSignedIn: () => Promise<void> }): JSX.Element {
  const { problem, isBusy, submit } = useTokenForm(signIn, props.onSignedIn);
  const [hasOidc, setOidc] = useState(false);
  const refused = refusalOf(location.search);
  useEffect(() => void waysToSignIn().then(({ oidc }) => setOidc(oidc)), []);
  useEffect(() => {
    document.title = 'Sign in · Tollgate';
  }, []);
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
        <TokenField />
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
