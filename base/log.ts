import { pino } from 'pino';

/** Structured log. error = someone must act now; warn = degraded but handled; info = business events. */
export interface Log {
  error(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  info(fields: object, message: string): void;
  debug(fields: object, message: string): void;
  child(fields: object): Log;
}

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** JSON lines on standard error; secrets that could ride in objects are masked by key. */
export function createLog(level: LogLevel): Log {
  return pino(
    {
      level,
      base: null,
      redact: [
        '*.password',
        '*.token',
        '*.masterToken',
        '*.authorization',
        'headers.authorization',
      ],
    },
    pino.destination({ dest: 2, sync: false }),
  );
}

/** Swallows everything; for tests. */
export const silentLog: Log = {
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
  child: () => silentLog,
};
