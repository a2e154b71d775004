/** What the server says has changed: one stream a tab while somebody looks at it, which every page of it listens to. */

/** A topic of `GET /api/v1/events`. */
export type Topic = 'running' | 'queues' | 'requests' | 'budgets' | 'freezes' | 'control';

export interface Following {
  /** The stream is open: pages need not ask by themselves. */
  readonly isOpen: () => boolean;
  /** Calls `onChange` when one of the topics changed, at most once a second. @returns what ends it. */
  readonly listen: (topics: readonly Topic[], onChange: () => void) => () => void;
}

const AT_MOST_EVERY_MS = 1_000;

interface Listener {
  readonly topics: readonly Topic[];
  readonly onChange: () => void;
  calledAt: number;
  timer: number;
}

const listeners = new Set<Listener>();
let source: EventSource | undefined;
let isOpen = false;

export const following: Following = {
  isOpen: () => isOpen,
  listen(topics, onChange) {
    const listener: Listener = { topics, onChange, calledAt: 0, timer: 0 };
    listeners.add(listener);
    connect();
    return () => {
      window.clearTimeout(listener.timer);
      listeners.delete(listener);
      if (listeners.size === 0) disconnect();
    };
  },
};

// A browser has six connections to a host: a tab that nobody looks at keeps none.
document.addEventListener('visibilitychange', () => {
  if (document.hidden) disconnect();
  else if (listeners.size > 0) connect();
});

function connect(): void {
  if (source !== undefined || document.hidden) return;
  const made = new EventSource('/api/v1/events');
  source = made;
  made.addEventListener('changed', (event) => {
    isOpen = true;
    const { topics } = JSON.parse(String(event.data)) as { readonly topics: readonly Topic[] };
    for (const listener of listeners)
      if (listener.topics.some((topic) => topics.includes(topic))) wake(listener);
  });
  made.addEventListener('error', () => {
    isOpen = false;
    // A refusal ends it for good, a break is mended by the browser: the pages ask by themselves meanwhile.
    if (made.readyState === EventSource.CLOSED && source === made) source = undefined;
  });
}

function disconnect(): void {
  isOpen = false;
  source?.close();
  source = undefined;
}

function wake(listener: Listener): void {
  if (listener.timer !== 0) return;
  const waitMs = Math.max(0, listener.calledAt + AT_MOST_EVERY_MS - Date.now());
  listener.timer = window.setTimeout(() => {
    listener.timer = 0;
    listener.calledAt = Date.now();
    listener.onChange();
  }, waitMs);
}
