/** A program of a suite, read line by line while it runs, so that one case that hangs costs only its own time. */
import { spawn } from 'node:child_process';

export interface WatchedProgram {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Where its lines come from: 1 is what it prints, 3 a channel of its own. */
  readonly from: 1 | 3;
  /** It is killed when so long no line has come that `counts`. */
  readonly quietLimitMs: number;
  readonly limitMs: number;
}

export interface WatchedEnd {
  readonly isLate: boolean;
  readonly code: number | null;
  /** The end of what it printed. */
  readonly printed: string;
}

const PRINTED_MAX = 16 * 1024;
const LINE_MAX = 1024 * 1024;
const GO_MARK = '\u0016';

/**
 * Runs it and hands each line to `onLine`, which says whether the line is a sign of progress. Killed, with everything it
 * started, after the limits. The environment is the program's own and the search path: no credential of the caller's.
 */
export function watched(
  program: WatchedProgram,
  onLine: (line: string) => boolean,
): Promise<WatchedEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn(program.command, [...program.args], {
      stdio: ['ignore', 'pipe', 'pipe', program.from === 3 ? 'pipe' : 'ignore'],
      detached: true,
      cwd: program.cwd,
      env: { PATH: process.env['PATH'], ...program.environment },
    });
    let printed = '';
    let rest = '';
    let isLate = false;
    const kill = (): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has ended by itself in the meantime.
      }
    };
    const tooLong = (): void => {
      isLate = true;
      kill();
    };
    const whole = setTimeout(tooLong, program.limitMs);
    let quiet = setTimeout(tooLong, program.quietLimitMs);
    const keep = (text: string): void => {
      printed = (printed + text).slice(-PRINTED_MAX);
    };
    const read = (text: string): void => {
      // A mark of Go's verbose output starts a line of its own wherever it stands.
      const lines = (rest + text).replaceAll(GO_MARK, '\n').split('\n');
      rest = (lines.pop() ?? '').slice(-LINE_MAX);
      for (const line of lines) {
        if (!onLine(line)) continue;
        clearTimeout(quiet);
        quiet = setTimeout(tooLong, program.quietLimitMs);
      }
    };
    const source = child.stdio[program.from];
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', keep);
    if (source !== null && source !== undefined && 'setEncoding' in source) {
      source.setEncoding('utf8').on('data', read);
    }
    process.once('exit', kill);
    const settle = (): void => {
      clearTimeout(whole);
      clearTimeout(quiet);
      process.removeListener('exit', kill);
    };
    child.once('error', (error) => {
      settle();
      reject(error);
    });
    child.once('close', (code) => {
      settle();
      kill();
      onLine(rest);
      resolve({ isLate, code, printed });
    });
  });
}
