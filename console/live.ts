/** Answers that stay fresh: asked again when the server says that they changed, else while somebody looks. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { type Problem, read, toProblem } from './api-client.js';
import { following, type Topic } from './events.js';
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
/** While events come, the page asks this much more seldom by itself: what no topic tells, such as time that passes. */
const TOLD_FACTOR = 6;
const NO_TOPICS: readonly Topic[] = [];

/**
 * @param everyMs between two questions; 0: asked once.
 * @param topics whose change makes the page ask at once; the same array each time.
 */
export function useLive<T>(
  path: string | null,
  everyMs: number,
  topics: readonly Topic[] = NO_TOPICS,
): Live<T> {
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
    let isAsking = false;
    let timer = 0;
    let waitMs = everyMs;
    if (shown.current !== path) setState({ value: undefined, problem: undefined, at: 0 });
    const ask = async (isLive: boolean): Promise<void> => {
      isAsking = true;
      try {
        const value = await read<T>(path, isLive);
        if (isOver) return;
        shown.current = path;
        waitMs = topics.length > 0 && following.isOpen() ? everyMs * TOLD_FACTOR : everyMs;
        setState({ value, problem: undefined, at: Date.now() });
      } catch (thrown) {
        const problem = toProblem(thrown);
        if (isOver) return;
        if (problem.status === 401) leave();
        waitMs = Math.min(SLOWEST_MS, Math.max(1000, waitMs * 2));
        setState((before) => ({ ...before, problem }));
      } finally {
        isAsking = false;
      }
      if (everyMs > 0 && !isOver) timer = window.setTimeout(tick, waitMs);
    };
    const tick = (): void => {
      if (document.hidden) timer = window.setTimeout(tick, everyMs);
      else void ask(true);
    };
    const onChange = (): void => {
      if (isAsking) return;
      window.clearTimeout(timer);
      tick();
    };
    void ask(false);
    const unlisten = topics.length === 0 ? undefined : following.listen(topics, onChange);
    return () => {
      isOver = true;
      window.clearTimeout(timer);
      unlisten?.();
    };
  }, [path, everyMs, topics, turn, leave]);
  const reload = useCallback(() => setTurn((before) => before + 1), []);
  return { ...state, reload };
}
