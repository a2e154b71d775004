/** A form that sends a token: at the sign-in, and where somebody shows by it that it is still they. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { type Problem, toProblem } from './api-client.js';
import { filledIn } from './parts.js';

export function TokenField(): JSX.Element {
  return (
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
  );
}

export interface TokenForm {
  /** Why the last one was not taken. */
  readonly problem: Problem | undefined;
  /** One is under way. */
  readonly isBusy: boolean;
  readonly submit: (event: SubmitEvent) => void;
}

/** Sends the token of {@link TokenField}, and goes on once it was taken. */
export function useTokenForm(
  send: (token: string) => Promise<void>,
  onTaken: () => unknown,
): TokenForm {
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  const [isBusy, setBusy] = useState(false);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const { token = '' } = filledIn(event.target as HTMLFormElement);
    setBusy(true);
    send(token)
      .then(onTaken, (thrown: unknown) => setProblem(toProblem(thrown)))
      .finally(() => setBusy(false));
  };
  return { problem, isBusy, submit };
}
