/** Words that several parts of the control document choose from. */

/** shadow: counted only; warn: told to the team; enforce: it decides. */
export const RULE_MODES = ['shadow', 'warn', 'enforce'] as const;
export type RuleMode = (typeof RULE_MODES)[number];
