/** Programs of other languages: run to their end, with a deadline, and with what they printed kept. */
import { spawn } from 'node:child_process';

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export type Ending =
  | {
      readonly kind: 'ended';
      readonly code: number;
      readonly stdout: string;
      readonly stderr: string;
    }
  | { readonly kind: 'late'; readonly stdout: string; readonly stderr: string }
  | { readonly kind: 'absent' };

const OUTPUT_MAX = 4 * 1024 * 1024;

/** Runs it; `late` when it was killed, with everything it had started, after `limitMs`. Never rejects. */
export function runProgram(program: Program, limitMs: number): Promise<Ending> {
  return new Promise((resolve) => {
    const child = spawn(program.command, [...program.args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      ...(program.cwd === undefined ? {} : { cwd: program.cwd }),
      env: { ...process.env, ...program.environment },
    });
    let stdout = '';
    let stderr = '';
    let isLate = false;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout = (stdout + text).slice(-OUTPUT_MAX);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-OUTPUT_MAX);
    });
    const kill = (): void => {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has ended by itself in the meantime.
      }
    };
    const timer = setTimeout(() => {
      isLate = true;
      kill();
    }, limitMs);
    process.once('exit', kill);
    const settle = (ending: Ending): void => {
      clearTimeout(timer);
      process.removeListener('exit', kill);
      resolve(ending);
    };
    child.once('error', () => settle({ kind: 'absent' }));
    child.once('close', (code) =>
      settle(
        isLate
          ? { kind: 'late', stdout, stderr }
          : { kind: 'ended', code: code ?? -1, stdout, stderr },
      ),
    );
  });
}

/** The last lines of a text, for messages. */
export function tail(text: string, lines: number): string {
  return text.trimEnd().split('\n').slice(-lines).join('\n');
}
