/** Options of notifications and of the e-mail that some of them go by; a part of the table in settings.ts. */
import { MAIL_SETTINGS, type MailConfig, type MailSecrets } from './mail-settings.js';
import type { Parsed } from './setting-parsers.js';
import type { Setting } from './setting.js';

export interface NotificationConfig extends MailConfig {
  /** Channels of the control document where administrators are told. */
  readonly administratorChannels: readonly string[];
}

type Table<T> = { readonly [K in keyof T]: Setting<T[K]> };

export const NOTIFICATION_SETTINGS: Table<NotificationConfig & MailSecrets> = {
  ...MAIL_SETTINGS,
  administratorChannels: {
    environment: 'TOLLGATE_ADMINISTRATOR_CHANNELS',
    yaml: 'administratorChannels',
    parse: channelIds,
    fallback: [],
    fallbackText: 'none',
    secret: false,
    help: 'Channels of the control document where administrators are told what is of no single team, and what is critical.',
    wayOut: 'write for example finops,on-call',
  },
};

/** A comma list of ids; `none` is the empty list. */
function channelIds(text: string): Parsed<readonly string[]> {
  if (text === 'none') return { value: [] };
  const ids = text.split(',').map((id) => id.trim());
  const isGood = ids.every((id) => /^[a-z0-9][a-z0-9._-]{0,62}$/.test(id)) && ids.length <= 20;
  return isGood
    ? { value: ids }
    : { rule: 'none, or a list of at most 20 ids of channels of the control document' };
}
