/** A screen of its own in a terminal: drawn whole, with keys, and given back as it was. */
import { emitKeypressEvents } from 'node:readline';

export interface Key {
  /** Such as `q`, `up`, `return`. */
  readonly name: string;
}

export interface Screen {
  readonly columns: number;
  readonly rows: number;
  draw(lines: readonly string[]): void;
  /** Gives the terminal back. */
  close(): void;
}

const ENTER = '\u001B[?1049h\u001B[?25l';
const LEAVE = '\u001B[?25h\u001B[?1049l';
const HOME = '\u001B[H';
const CLEAR_LINE = '\u001B[K';
const CLEAR_BELOW = '\u001B[J';

/** `onKey` also gets Ctrl-C, as `q`. */
export type OpenScreen = (onKey: (key: Key) => void, onResize: () => void) => Screen;

/** Takes the process's own terminal over. */
export const openScreen: OpenScreen = (onKey, onResize) => {
  const { stdin, stdout } = process;
  const keypress = (_text: string | undefined, key: KeyPress): void =>
    onKey({ name: key.ctrl === true && key.name === 'c' ? 'q' : (key.name ?? '') });
  emitKeypressEvents(stdin);
  stdin.setRawMode(true);
  stdin.on('keypress', keypress).resume();
  stdout.on('resize', onResize);
  stdout.write(ENTER);
  return {
    get columns() {
      return stdout.columns;
    },
    get rows() {
      return stdout.rows;
    },
    draw: (lines) =>
      void stdout.write(
        HOME + lines.map((line) => line + CLEAR_LINE).join('\r\n') + CLEAR_LINE + CLEAR_BELOW,
      ),
    close: () => {
      stdout.off('resize', onResize);
      stdin.off('keypress', keypress).pause();
      stdin.setRawMode(false);
      stdout.write(LEAVE);
    },
  };
};

interface KeyPress {
  readonly name?: string;
  readonly ctrl?: boolean;
}
