/** Answers that stay fresh: asked again while somebody looks, slower while the server does not answer. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { type Problem, read, toProblem } from './api-client.js';
import { useSignedIn } from './signed-in.js';

export interface Live<T> {
  /** undefined: the first answer has not come. */
  readonly value: T | undefined;
  /** Why the last question was not answered; the value is the one before. */
  readonly problem: Problem | undefined;
  /** When the value came, in milliseconds. */
  readonly at: number;
  readonly reload: () => void;
}

const SLOWEST_MS = 60_000;

/** @param everyMs between two questions; 0: asked once. */
export function useLive<T>(path: string | null, everyMs: number): Live<T> {
  const { leave } = useSignedIn();
  const [state, setState] = useState<Omit<Live<T>, 'reload'>>({
    value: undefined,
    problem: undefined,
    at: 0,
  });
  const [turn, setTurn] = useState(0);
  const shown = useRef<string | null>(null);
  useEffect(() => {
    if (path === null) return undefined;
    let isOver = false;
    let timer = 0;
    let waitMs = everyMs;
    if (shown.current !== path) setState({ value: undefined, problem: undefined, at: 0 });
    const ask = async (isLive: boolean): Promise<void> => {
      try {
        const value = await read<T>(path, isLive);
        if (isOver) return;
        shown.current = path;
        waitMs = everyMs;
        setState({ value, problem: undefined, at: Date.now() });
      } catch (thrown) {
        const problem = toProblem(thrown);
        if (isOver) return;
        if (problem.status === 401) leave();
        waitMs = Math.min(SLOWEST_MS, Math.max(1000, waitMs * 2));
        setState((before) => ({ ...before, problem }));
      }
      if (everyMs > 0 && !isOver) timer = window.setTimeout(tick, waitMs);
    };
    const tick = (): void => {
      if (document.hidden) timer = window.setTimeout(tick, everyMs);
      else void ask(true);
    };
    void ask(false);
    return () => {
      isOver = true;
      window.clearTimeout(timer);
    };
  }, [path, everyMs, turn, leave]);
  const reload = useCallback(() => setTurn((before) => before + 1), []);
  return { ...state, reload };
}
