import type { Terminal } from '../../cli/terminal.js';

export interface RecordedTerminal extends Terminal {
  /** Everything printed and complained, in order, with line breaks between. */
  readonly out: () => string;
  readonly err: () => string;
}

/** A terminal of 80 columns that remembers. */
export function recordedTerminal(columns = 80): RecordedTerminal {
  const printed: string[] = [];
  const complained: string[] = [];
  return {
    columns,
    print: (text) => void printed.push(text),
    complain: (text) => void complained.push(text),
    out: () => printed.join('\n'),
    err: () => complained.join('\n'),
  };
}
