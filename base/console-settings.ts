/** Options of the console; a part of the table in settings.ts. */
import { asIs, pattern, wholeNumber } from './setting-parsers.js';
import type { Setting } from './setting.js';

export interface ConsoleConfig {
  /** Null: refusals carry no link. */
  readonly consolePublicUrl: string | null;
  readonly eventFollowersMax: number;
}

export const CONSOLE_SETTINGS: { readonly [K in keyof ConsoleConfig]: Setting<ConsoleConfig[K]> } =
  {
    consolePublicUrl: {
      environment: 'TOLLGATE_CONSOLE_PUBLIC_URL',
      yaml: 'admin.publicUrl',
      parse: pattern(
        /^https?:\/\/[\w.:[\]-]{1,200}(\/[\w.~/-]{0,100})?$/,
        'an http or https address',
        asIs,
      ),
      fallback: null,
      fallbackText: 'no link',
      secret: false,
      help: 'Where people reach the console; refusals link to their statement there.',
      wayOut: 'write https://tollgate.example.com, or unset it',
    },
    eventFollowersMax: {
      environment: 'TOLLGATE_EVENT_FOLLOWERS_MAX',
      yaml: 'admin.eventFollowersMax',
      parse: wholeNumber(0, 100_000),
      fallback: 500,
      fallbackText: '500',
      secret: false,
      help: 'Pages that follow events of one replica; more ask again every few seconds instead.',
      wayOut: 'write for example 500',
    },
  };
