/** Showing again that it is you, in a dialog over what is open: nothing that was typed is lost. */
import type { JSX } from 'preact';
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { askToConfirmBy, confirmByToken, type ConfirmBy } from './api-client.js';
import { ProblemNote } from './parts.js';
import { refusalOf } from './refusals.js';
import { TokenField, useTokenForm } from './token-form.js';

/** By which the window of the identity provider tells the page that it is done. */
const CHANNEL = 'tollgate-confirmed';
export const CONFIRMED_PATH = '/confirmed';

interface Asked {
  readonly by: ConfirmBy;
  readonly answer: (isConfirmed: boolean) => void;
}

/** Shows the dialog whenever a call takes a sign-in that was confirmed lately. */
export function Confirmations(): JSX.Element | null {
  const [asked, setAsked] = useState<Asked | undefined>(undefined);
  useEffect(
    () =>
      askToConfirmBy(
        (by) =>
          new Promise((resolve) => {
            setAsked({
              by,
              answer: (isConfirmed) => {
                setAsked(undefined);
                resolve(isConfirmed);
              },
            });
          }),
      ),
    [],
  );
  return asked === undefined ? null : <ConfirmDialog {...asked} />;
}

function ConfirmDialog({ by, answer }: Asked): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const isConfirmed = useRef(false);
  useEffect(() => dialog.current?.showModal(), []);
  // Closed rather than taken away, so that the focus goes back to where it was.
  const close = useCallback(() => dialog.current?.close(), []);
  const done = useCallback(() => {
    isConfirmed.current = true;
    close();
  }, [close]);
  const Form = by === 'token' ? ByToken : ByProvider;
  return (
    <dialog
      ref={dialog}
      onClose={() => answer(isConfirmed.current)}
      aria-labelledby="confirm-title"
      aria-describedby="confirm-text"
    >
      <Form onDone={done} onCancel={close} />
    </dialog>
  );
}

interface FormProps {
  readonly onDone: () => void;
  readonly onCancel: () => void;
}

function Words({ children }: { readonly children: string }): JSX.Element {
  return (
    <>
      <h2 id="confirm-title">Is it still you?</h2>
      <p id="confirm-text" class="dialog-text">
        You signed in a while ago, and this cannot be taken back easily. {children} Nothing that you
        have filled in is lost.
      </p>
    </>
  );
}

function ByToken({ onDone, onCancel }: FormProps): JSX.Element {
  const { problem, isBusy, submit } = useTokenForm(confirmByToken, onDone);
  return (
    <form onSubmit={submit}>
      <Words>Enter your token again.</Words>
      <TokenField />
      <ProblemNote problem={problem} />
      <div class="dialog-actions">
        <button type="button" onClick={onCancel}>
          Cancel
        </button>
        <button type="submit" class="primary" disabled={isBusy}>
          Confirm
        </button>
      </div>
    </form>
  );
}

function ByProvider({ onDone, onCancel }: FormProps): JSX.Element {
  useEffect(() => {
    const channel = new BroadcastChannel(CHANNEL);
    channel.addEventListener('message', onDone);
    return () => channel.close();
  }, [onDone]);
  return (
    <div class="dialog-parts">
      <Words>Sign in with your organisation again, in a window of its own.</Words>
      <div class="dialog-actions">
        <button type="button" onClick={onCancel}>
          Cancel
        </button>
        <a class="button primary" href="/console/oidc/confirm" target="_blank" rel="noopener">
          Sign in again
        </a>
      </div>
    </div>
  );
}

/** Where the window of the identity provider ends: it tells the page that asked, and closes where a browser lets it. */
export function ConfirmedPage(): JSX.Element {
  const refusal = refusalOf(location.search);
  useEffect(() => {
    document.title = 'Confirmed · Tollgate';
    if (refusal !== undefined) return;
    const channel = new BroadcastChannel(CHANNEL);
    channel.postMessage('confirmed');
    channel.close();
    window.close();
  }, [refusal]);
  return (
    <main class="sign-in">
      <section>
        <h1>{refusal === undefined ? 'It is you' : 'Not confirmed'}</h1>
        {refusal === undefined ? (
          <p role="status">
            The page that asked goes on by itself. You may close this window and go back to it.
          </p>
        ) : (
          <>
            <div class="problem" role="alert">
              {refusal}
            </div>
            <p>Close this window to go back, or try again.</p>
            <a class="button" href="/console/oidc/confirm">
              Sign in again
            </a>
          </>
        )}
      </section>
    </main>
  );
}
