/** Words that several parts of the control document choose from. */
export const WEEKDAYS = [
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
  'sunday',
] as const;
export type Weekday = (typeof WEEKDAYS)[number];
/** shadow: counted only; warn: told to the team; enforce: it decides. */
export const RULE_MODES = ['shadow', 'warn', 'enforce'] as const;
export type RuleMode = (typeof RULE_MODES)[number];
